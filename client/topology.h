// The nodes and who keeps which tokens, as the cluster told it (tholos.v1.Topology).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "data/key.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::client {

struct Node {
  std::string host_id;  // 16 bytes
  std::string address;  // HOST:PORT
  std::string datacenter;
  bool up = false;
};

// Immutable.
class Topology {
 public:
  // kDataLoss if the message contradicts itself: what a server says is not trusted.
  static absl::StatusOr<Topology> From(const tholos::v1::Topology& message);

  const std::string& version() const { return version_; }
  // The datacenter of the node that told it; empty if it did not list itself.
  const std::string& datacenter() const { return datacenter_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  // Indexes into nodes(); empty if the keyspace is not known.
  const std::vector<uint32_t>& ReplicasOf(std::string_view keyspace, data::Token token) const;

 private:
  struct Placement {
    std::vector<data::Token> last_tokens;  // ascending
    std::vector<std::vector<uint32_t>> replicas;
  };
  static absl::StatusOr<Placement> PlacementFrom(const tholos::v1::Placement& message,
                                                 size_t nodes);

  std::string version_;
  std::string datacenter_;
  std::vector<Node> nodes_;
  std::vector<Placement> placements_;
  absl::flat_hash_map<std::string, uint32_t> keyspaces_;
};

}  // namespace tholos::client
