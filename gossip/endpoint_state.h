// What the cluster knows of one node: everything that gossip spreads.
//
// Only the node itself writes its state. A state has a generation, which grows with every start of
// the node, and within it one counter of versions for its heartbeat and for all its values:
//
//     generation 1700000000   heartbeat 17     STATUS@2 "NORMAL"   TOKENS@3 ...   LOAD@16 "4096"
//
// So "generation, largest version" tells two nodes which of them knows more, and a value is newer
// exactly if its version is larger. The clock plays no part: a generation is the wall clock's
// seconds at the start, but at least one more than the one before, which is kept on disk
// (cluster/local_node.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "ring/cluster_state.h"

namespace tholos::gossip {

using ring::NodeId;

// What a value says. The number is on the wire: never reuse one. Keys that this release does not
// know are kept and passed on.
enum class StateKey : uint8_t {
  kStatus = 1,  // ring::NodeStatusName: "JOINING", "NORMAL", "LEAVING"
  kTokens = 2,  // EncodeTokens
  kDatacenter = 3,
  kRack = 4,
  kInternode = 5,  // "host:port" for other nodes
  kClient = 6,     // "host:port" of the gRPC door
  kLoad = 7,       // bytes of its tables, decimal
  kSchema = 8,     // data::Schema::digest(), 16 hexadecimal digits
  kRelease = 9,    // version of the program
  kShutdown = 10,  // "1": it is stopping in good order, do not wait for it
  kNative = 11,    // "host:port" of the native protocol's door
  kServing = 12,   // "1": the doors for clients are open
};
std::string_view StateKeyName(StateKey key);  // "STATUS", ...; "?" for one not known here

// Bounds that every received state is held to.
inline constexpr size_t kEndpointsMax = 1024;
inline constexpr size_t kValuesMax = 32;
inline constexpr size_t kValueBytesMax = 16 << 10;
inline constexpr size_t kEndpointBytesMax = 32 << 10;  // all values of a node
inline constexpr size_t kTokensMax = 1024;             // of a node

struct VersionedValue {
  uint64_t version = 0;
  std::string value;
  friend bool operator==(const VersionedValue&, const VersionedValue&) = default;
};

struct EndpointState {
  int64_t generation = 0;
  uint64_t heartbeat = 0;  // its version
  absl::btree_map<StateKey, VersionedValue> values;

  uint64_t MaxVersion() const;
  // Empty if there is none.
  std::string_view Get(StateKey key) const;
  size_t Bytes() const;  // of all values
  bool IsShutdown() const { return !Get(StateKey::kShutdown).empty(); }
  friend bool operator==(const EndpointState&, const EndpointState&) = default;
};

// A varint count, then 8 bytes little-endian each.
std::string EncodeTokens(const std::vector<data::Token>& tokens);
absl::StatusOr<std::vector<data::Token>> DecodeTokens(std::string_view value);

// Sixteen hexadecimal digits.
std::string EncodeDigest(uint64_t digest);

// The values that describe a ring member, and back. NodeInfoOf: kNotFound if the state does not
// (yet) say where the node listens or which status it has; kDataLoss if a value is malformed.
absl::btree_map<StateKey, std::string> ValuesOf(const ring::NodeInfo& node);
absl::StatusOr<ring::NodeInfo> NodeInfoOf(const NodeId& id, const EndpointState& state);

}  // namespace tholos::gossip
