// What nodes say to each other when they gossip: anti-entropy with three messages, after van
// Renesse et al., "Efficient Reconciliation and Flow Control for Anti-Entropy Protocols" (LADIS
// 2008), as Cassandra does it.
//
//     A                                     B
//     │  Syn: digests of all A knows        │      verb kGossipSyn (a call)
//     ├────────────────────────────────────>│
//     │  Ack: deltas that A lacks,          │      its answer
//     │       requests for what B lacks     │
//     │<────────────────────────────────────┤
//     │  Ack2: the deltas requested         │      verb kGossipAck
//     ├────────────────────────────────────>│
//
// A digest is 30 bytes; deltas carry only what changed. Steady state with n nodes: a Syn of 30 n
// bytes and deltas of the nodes that beat since the last exchange, about 30 bytes each.
//
// Every message is
//
//     version   1 byte    2
//     body      see below; numbers are varints unless said otherwise
//     checksum  8 bytes   base::Checksum64 of all before it, seeded with the kind (1 Syn, 2 Ack, 3
//     Ack2, 4 Echo)
//
//     Syn       flags (1 byte; bit 0: shadow), cluster name (bytes), partitioner (bytes), sender,
//     digests Ack       sender, deltas, requests Ack2      sender, deltas Echo      sender (both
//     the question and the answer)
//
//     sender    id (16 bytes), generation, its wall clock (8 bytes, little-endian: microseconds since
//               1970) when the message was made
//     digests, requests   count, then each: id (16 bytes), generation, version
//     deltas    count, then each: id (16 bytes), generation, from version, heartbeat,
//               count of values, then each: key (1 byte), version, value (bytes)
//
// A delta holds every value newer than `from_version`: a receiver that knows less than that
// (because it restarted in between) must not take it, or it would miss older values for good.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gossip/endpoint_state.h"

namespace tholos::gossip {

inline constexpr std::string_view kPartitioner = "Murmur3Partitioner";
inline constexpr size_t kNameBytesMax = 256;
// An Ack is cut (whole nodes are left for the next round) where it would become larger.
inline constexpr size_t kMessageBytesMax = 4 << 20;

struct Sender {
  NodeId id;
  int64_t generation = 0;
  int64_t wall_micros = 0;
  friend bool operator==(const Sender&, const Sender&) = default;
};

// How much somebody knows of a node. As a request: "send me what is newer".
struct Digest {
  NodeId id;
  int64_t generation = 0;
  uint64_t version = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

struct Delta {
  NodeId id;
  int64_t generation = 0;
  uint64_t from_version = 0;
  uint64_t heartbeat = 0;
  std::vector<std::pair<StateKey, VersionedValue>> values;
  size_t Bytes() const;  // of its encoding, at most
  friend bool operator==(const Delta&, const Delta&) = default;
};

struct Syn {
  // A shadow Syn asks without announcing: the sender is no member yet.
  bool shadow = false;
  std::string cluster_name;
  std::string partitioner{kPartitioner};
  Sender sender;
  std::vector<Digest> digests;
  friend bool operator==(const Syn&, const Syn&) = default;
};

struct Ack {
  Sender sender;
  std::vector<Delta> deltas;
  std::vector<Digest> requests;
  friend bool operator==(const Ack&, const Ack&) = default;
};

struct Ack2 {
  Sender sender;
  std::vector<Delta> deltas;
  friend bool operator==(const Ack2&, const Ack2&) = default;
};

struct Echo {
  Sender sender;
  friend bool operator==(const Echo&, const Echo&) = default;
};

std::string Encode(const Syn& message);
std::string Encode(const Ack& message);
std::string Encode(const Ack2& message);
std::string Encode(const Echo& message);

// kDataLoss if malformed, of another version, or beyond a bound of endpoint_state.h.
absl::StatusOr<Syn> DecodeSyn(std::string_view bytes);
absl::StatusOr<Ack> DecodeAck(std::string_view bytes);
absl::StatusOr<Ack2> DecodeAck2(std::string_view bytes);
absl::StatusOr<Echo> DecodeEcho(std::string_view bytes);

}  // namespace tholos::gossip
