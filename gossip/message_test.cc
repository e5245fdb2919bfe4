#include "gossip/message.h"

#include <limits>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::gossip {
namespace {

NodeId Id(int number) {
  NodeId id;
  id.bytes[0] = static_cast<uint8_t>(number);
  return id;
}

Syn SomeSyn() {
  Syn syn;
  syn.shadow = true;
  syn.cluster_name = "Test Cluster";
  syn.sender = {Id(1), 1700000000, 1700000001000002};
  syn.digests = {{Id(1), 1700000000, 17}, {Id(2), 5, uint64_t{1} << 60}};
  return syn;
}

Ack SomeAck() {
  Ack ack;
  ack.sender = {Id(2), 5, -3};
  ack.deltas = {{Id(3), 6, 7, 8, {{StateKey::kStatus, {9, "NORMAL"}}, {StateKey{200}, {10, ""}}}},
                {Id(4), 1, 0, 0, {}}};
  ack.requests = {{Id(1), 1700000000, 3}};
  return ack;
}

TEST(GossipMessage, ComesBackAsItWas) {
  EXPECT_EQ(*DecodeSyn(Encode(SomeSyn())), SomeSyn());
  EXPECT_EQ(*DecodeAck(Encode(SomeAck())), SomeAck());
  const Ack2 ack2{{Id(7), 8, 9}, SomeAck().deltas};
  EXPECT_EQ(*DecodeAck2(Encode(ack2)), ack2);
  const Echo echo{{Id(9), 10, std::numeric_limits<int64_t>::max()}};
  EXPECT_EQ(*DecodeEcho(Encode(echo)), echo);
}

TEST(GossipMessage, TheLayoutIsFixed) {
  const std::string bytes = Encode(Echo{{Id(0xab), 300, 0x0102030405060708}});
  ASSERT_EQ(bytes.size(), 1u + 16 + 2 + 8 + 8);
  EXPECT_EQ(bytes[0], 2);
  EXPECT_EQ(static_cast<uint8_t>(bytes[1]), 0xab);
  EXPECT_EQ(bytes.substr(17, 2), "\xac\x02");
  EXPECT_EQ(bytes.substr(19, 8), "\x08\x07\x06\x05\x04\x03\x02\x01");
  EXPECT_EQ(base::LoadFixed64(bytes.data() + 27), base::Checksum64(bytes.substr(0, 27), 4));
}

TEST(GossipMessage, OneKindIsNotTakenForAnother) {
  EXPECT_FALSE(DecodeAck2(Encode(Ack{})).ok());
  EXPECT_FALSE(DecodeEcho(Encode(Ack2{})).ok());
}

TEST(GossipMessage, EveryTruncationAndBitFlipIsFound) {
  const std::string bytes = Encode(SomeAck());
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(DecodeAck(bytes.substr(0, n)).status().code(), absl::StatusCode::kDataLoss);
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[n] = static_cast<char>(flipped[n] ^ (1 << bit));
      EXPECT_FALSE(DecodeAck(flipped).ok()) << "byte " << n << " bit " << bit;
    }
  }
}

std::string WithChecksum(std::string body, uint64_t kind) {
  base::PutFixed64(&body, base::Checksum64(body, kind));
  return body;
}

TEST(GossipMessage, RandomBodiesNeverCrash) {
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    base::RandomStream random(seed);
    // Starts as a real message and is damaged: reaches deeper than noise.
    std::string body = Encode(SomeAck());
    body.resize(body.size() - 8);
    for (int64_t k = random.Between(1, 4); k > 0; --k) {
      body[random.Below(body.size())] = static_cast<char>(random.Next());
    }
    body.resize(random.Between(1, static_cast<int64_t>(body.size())));
    for (uint64_t kind = 1; kind <= 4; ++kind) {
      const std::string bytes = WithChecksum(body, kind);
      (void)DecodeSyn(bytes);
      (void)DecodeAck(bytes);
      (void)DecodeAck2(bytes);
      (void)DecodeEcho(bytes);
    }
  }
}

TEST(GossipMessage, BoundsAreHeld) {
  Ack2 large;
  large.deltas = {{Id(1), 1, 0, 1, {{StateKey::kRack, {1, std::string(kValueBytesMax + 1, 'x')}}}}};
  EXPECT_FALSE(DecodeAck2(Encode(large)).ok());
  Ack2 many;
  many.deltas = {{Id(1), 1, 0, 1, {}}};
  for (size_t i = 0; i <= kValuesMax; ++i) {
    many.deltas[0].values.emplace_back(StateKey::kRack, VersionedValue{i, ""});
  }
  EXPECT_FALSE(DecodeAck2(Encode(many)).ok());
  Syn crowd;
  crowd.digests.resize(kEndpointsMax + 1);
  EXPECT_FALSE(DecodeSyn(Encode(crowd)).ok());
  Syn name;
  name.cluster_name.assign(kNameBytesMax + 1, 'n');
  EXPECT_FALSE(DecodeSyn(Encode(name)).ok());
  // A count that claims more than the bytes can hold.
  std::string liar = Encode(Ack2{});
  liar.resize(liar.size() - 8 - 1);
  base::PutVarint(&liar, uint64_t{1} << 62);
  EXPECT_FALSE(DecodeAck2(WithChecksum(liar, 3)).ok());
}

TEST(GossipMessage, AnotherVersionIsNamed) {
  std::string bytes = Encode(Echo{});
  bytes.resize(bytes.size() - 8);
  bytes[0] = 1;
  EXPECT_THAT(std::string(DecodeEcho(WithChecksum(bytes, 4)).status().message()),
              testing::HasSubstr("version 1, expected 2"));
}

}  // namespace
}  // namespace tholos::gossip
