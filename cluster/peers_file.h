// The file peers.bin: the nodes that this node knew last, so that after a restart it has the ring,
// and somebody to gossip with, before it heard anything.
//
//   peers.bin = sealed_file.h, magic "THOLPEER", version 1, body:
//     varint count, then for each node: host id (16 bytes), varint count of values, then for each
//     value: key (1 byte, gossip::StateKey), value (varint length, bytes)
#pragma once

#include <string>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/file_system.h"
#include "gossip/endpoint_state.h"

namespace tholos::cluster {

using PeerValues = absl::btree_map<gossip::StateKey, std::string>;
using Peers = absl::btree_map<ring::NodeId, PeerValues>;

std::string EncodePeers(const Peers& peers);
absl::StatusOr<Peers> DecodePeers(std::string_view body);

base::Task<absl::Status> SavePeers(base::FileSystem& fs, std::string directory, Peers peers);
// Empty if there is no such file.
base::Task<absl::StatusOr<Peers>> LoadPeers(base::FileSystem& fs, std::string directory);

}  // namespace tholos::cluster
