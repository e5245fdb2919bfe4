// What two nodes agree on before they exchange messages: pure, the streams carry it out.
//
//   dialling side                          dialled side
//   hello: newest 3, oldest 2, cluster --> Agree: 2 to 3 meets 1 to 2: version 2
//                                      <-- hello: version 2, cluster, window
//   CheckAgreed: 2 is among 2 to 3
//
// From then on both speak that version. Where the ranges do not meet, or the clusters have
// different names, the stream ends with kFailedPrecondition and the reason; the dialling side logs
// it once and tries again later, for either node may be upgraded.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tholos::rpc {

struct Versions {
  uint32_t oldest = 0;
  uint32_t newest = 0;
};

// What this program speaks. A version is that of everything on the wire: proto/internode.proto, the
// batches (frame.h) and the bodies.
inline constexpr Versions kVersions = {3, 3};

// One side of a handshake, as it says itself.
struct Party {
  std::string name;  // for messages: its endpoint
  std::string cluster_name;
  Versions versions;
};

// The dialled side: the newest version that both speak.
absl::StatusOr<uint32_t> Agree(const Party& self, const Party& peer);
// The dialling side: whether it can speak what the other chose.
absl::Status CheckAgreed(const Party& self, const std::string& peer_cluster_name, uint32_t version);

}  // namespace tholos::rpc
