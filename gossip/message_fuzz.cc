// Feeds arbitrary bodies, with the version and checksum put right, to the decoders of gossip
// messages: they must not crash, and what they accept must come back the same when encoded again.
// What was decoded is applied too.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "gossip/gossip_state.h"
#include "gossip/message.h"

namespace tholos::gossip {
namespace {

std::string Sealed(std::string_view body, uint64_t kind) {
  std::string bytes(1, '\x02');
  bytes.append(body);
  base::PutFixed64(&bytes, base::Checksum64(bytes, kind));
  return bytes;
}

void ApplyAndCompare(const std::vector<Delta>& deltas) {
  GossipState state({}, 1);
  state.Apply(deltas);
  for (const auto& [id, endpoint] : state.endpoints()) {
    THOLOS_CHECK(endpoint.values.size() <= kValuesMax && endpoint.Bytes() <= kEndpointBytesMax);
    (void)NodeInfoOf(id, endpoint);
  }
}

}  // namespace

void FuzzOne(std::string_view body) {
  if (const auto syn = DecodeSyn(Sealed(body, 1)); syn.ok()) {
    THOLOS_CHECK(*DecodeSyn(Encode(*syn)) == *syn);
    (void)GossipState({}, 1).Examine(syn->digests);
  }
  if (const auto ack = DecodeAck(Sealed(body, 2)); ack.ok()) {
    THOLOS_CHECK(*DecodeAck(Encode(*ack)) == *ack);
    ApplyAndCompare(ack->deltas);
    (void)GossipState({}, 1).DeltasFor(ack->requests);
  }
  if (const auto ack2 = DecodeAck2(Sealed(body, 3)); ack2.ok()) {
    THOLOS_CHECK(*DecodeAck2(Encode(*ack2)) == *ack2);
  }
  if (const auto echo = DecodeEcho(Sealed(body, 4)); echo.ok()) {
    THOLOS_CHECK(*DecodeEcho(Encode(*echo)) == *echo);
  }
}

}  // namespace tholos::gossip

std::vector<std::string> FuzzSeeds() {
  using namespace tholos::gossip;
  NodeId id;
  id.bytes[0] = 7;
  Syn syn;
  syn.cluster_name = "cluster";
  syn.sender = {id, 1700000000, 1700000000123456};
  syn.digests = {{id, 1700000000, 17}, {{}, 5, uint64_t{1} << 60}};
  Ack ack;
  ack.sender = {id, 5, -1};
  ack.deltas = {{id, 6, 7, 8, {{StateKey::kStatus, {9, "NORMAL"}}, {StateKey{200}, {10, ""}}}}};
  ack.requests = {{id, 1700000000, 3}};
  std::vector<std::string> seeds;
  for (const std::string& whole : {Encode(syn), Encode(ack), Encode(Ack2{ack.sender, ack.deltas}),
                                   Encode(Echo{{id, 10, 1700000000123456}})}) {
    // Without what the target adds: version, checksum.
    seeds.push_back(whole.substr(1, whole.size() - 9));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tholos::gossip::FuzzOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
