// Who this node is: the file node.meta in its data directory, made at the first start and kept for
// ever.
//
//   node.meta = sealed_file.h, magic "THOLNODE", version 1, body:
//     cluster name   varint length, bytes
//     datacenter     varint length, bytes
//     rack           varint length, bytes
//     host id        16 bytes
//     generation     varint
//     tokens         varint count, then 8 bytes little-endian each; none before the node has joined
//
// The generation is counted up, durably, before anything is sent in a new life of the node: so
// peers always see the new life as newer, also when the clock was set back. It is the wall clock's
// seconds, or one more than the last if that is more.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "base/random.h"
#include "ring/cluster_state.h"

namespace tholos::cluster {

// What the configuration says of the node, and must say for ever: replicas are placed by it.
struct Place {
  std::string cluster_name;
  std::string datacenter;
  std::string rack;
  friend bool operator==(const Place&, const Place&) = default;
};

struct LocalNode {
  Place place;
  ring::NodeId id;
  int64_t generation = 0;
  std::vector<data::Token> tokens;
  friend bool operator==(const LocalNode&, const LocalNode&) = default;
};

std::string EncodeLocalNode(const LocalNode& node);
absl::StatusOr<LocalNode> DecodeLocalNode(std::string_view body);

// Begins a new life of the node in `directory` (made if missing). When it returns, the id and the
// generation are durable. Errors: kFailedPrecondition if the directory belongs to a cluster of
// another name, or to a node that has joined in another datacenter or rack (both are named);
// kDataLoss if node.meta is damaged, or missing although other files of this module are there: a
// node that forgot its id must not answer for its data.
base::Task<absl::StatusOr<LocalNode>> OpenLocalNode(base::FileSystem& fs, std::string directory,
                                                    Place place, base::Random& random,
                                                    int64_t wall_seconds);
base::Task<absl::Status> SaveLocalNode(base::FileSystem& fs, std::string directory, LocalNode node);

}  // namespace tholos::cluster
