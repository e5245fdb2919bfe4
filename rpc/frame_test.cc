#include "rpc/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/coding.h"
#include "base/random.h"

namespace tholos::rpc {
namespace {

using base::Deadline;
using base::MonotonicTime;

constexpr MonotonicTime kSenderNow{5'000'000'000};
constexpr MonotonicTime kReceiverNow{77'000'000'000};

std::string OneRequest() {
  BatchWriter writer;
  writer.Add({EnvelopeKind::kRequest, Verb::kWrite, 258, -2, Deadline::Infinite(), "body"},
             kSenderNow);
  return writer.Seal(kSenderNow);
}

TEST(Frame, LayoutIsAsDocumented) {
  const std::string frame = OneRequest();
  ASSERT_EQ(frame.size(), kBatchHeaderBytes + kEnvelopeHeaderBytes + 4);
  const char* batch = frame.data();
  EXPECT_EQ(std::string(batch, 4), std::string("\1\0\0\0", 4));
  EXPECT_EQ(base::LoadFixed32(batch + 4), 36u);
  EXPECT_EQ(base::LoadFixed32(batch + 8), 1u);
  EXPECT_EQ(base::LoadFixed64(batch + 12), 0u);
  const char* envelope = batch + kBatchHeaderBytes;
  EXPECT_EQ(base::LoadFixed32(envelope), 4u);
  EXPECT_EQ(envelope[4], 1);
  EXPECT_EQ(base::LoadFixed16(envelope + 6), 10);
  EXPECT_EQ(base::LoadFixed64(envelope + 8), 258u);
  EXPECT_EQ(static_cast<int64_t>(base::LoadFixed64(envelope + 16)), -2);
  EXPECT_EQ(base::LoadFixed64(envelope + 24), ~uint64_t{0});
  EXPECT_EQ(std::string(envelope + 32, 4), "body");
}

Envelope RandomEnvelope(base::RandomStream& random, const std::string& bodies) {
  Envelope envelope;
  envelope.kind = static_cast<EnvelopeKind>(1 + random.Below(4));
  envelope.verb = static_cast<Verb>(random.Below(65536));
  envelope.request_id = random.Next();
  envelope.token = static_cast<int64_t>(random.Next());
  if (random.Chance(0.5)) {
    envelope.deadline = kSenderNow + absl::Microseconds(random.Between(0, 1'000'000'000));
  }
  envelope.body = std::string_view(bodies).substr(0, random.Below(bodies.size()));
  return envelope;
}

TEST(Frame, RoundTrip) {
  base::RandomStream random(testing::UnitTest::GetInstance()->random_seed());
  std::string bodies(3000, ' ');
  for (char& c : bodies) c = static_cast<char>(random.Next());
  for (int round = 0; round < 200; ++round) {
    std::vector<Envelope> sent;
    std::string frame;
    for (uint64_t batches = 1 + random.Below(3); batches > 0; --batches) {
      BatchWriter writer;
      for (uint64_t n = 1 + random.Below(50); n > 0; --n) {
        sent.push_back(RandomEnvelope(random, bodies));
        writer.Add(sent.back(), kSenderNow);
      }
      frame += writer.Seal(kSenderNow);
      EXPECT_TRUE(writer.empty());
    }
    const auto received = DecodeFrame(frame, kSenderNow);
    ASSERT_TRUE(received.ok()) << received.status();
    ASSERT_EQ(*received, sent);
  }
}

TEST(Frame, DeadlinesTravelAsTheTimeThatRemains) {
  struct Case {
    absl::Duration remaining, queued, expected;
  };
  const Case cases[] = {
      {absl::Milliseconds(50), absl::ZeroDuration(), absl::Milliseconds(50)},
      {absl::Milliseconds(50), absl::Milliseconds(20), absl::Milliseconds(30)},
      {absl::Milliseconds(50), absl::Milliseconds(80), absl::Milliseconds(-30)},
      {absl::Milliseconds(-5), absl::ZeroDuration(), absl::ZeroDuration()},
      {absl::Hours(24 * 365 * 200), absl::ZeroDuration(),
       absl::Microseconds(int64_t{1'000'000'000'000'000})},
  };
  for (const Case& c : cases) {
    BatchWriter writer;
    writer.Add({.deadline = kSenderNow + c.remaining}, kSenderNow);
    const auto received = DecodeFrame(writer.Seal(kSenderNow + c.queued), kReceiverNow);
    ASSERT_TRUE(received.ok());
    EXPECT_EQ((*received)[0].deadline - kReceiverNow, c.expected) << c.remaining;
  }
  const auto infinite = DecodeFrame(OneRequest(), kReceiverNow);
  EXPECT_EQ((*infinite)[0].deadline, Deadline::Infinite());
}

TEST(Frame, EveryFlippedBitIsFound) {
  const std::string good = OneRequest();
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_EQ(DecodeFrame(bad, kReceiverNow).status().code(), absl::StatusCode::kDataLoss) << bit;
  }
}

TEST(Frame, EveryTruncationIsFound) {
  const std::string good = OneRequest() + OneRequest();
  for (size_t length = 0; length < good.size(); ++length) {
    if (length == good.size() / 2) continue;
    EXPECT_FALSE(DecodeFrame(std::string_view(good).substr(0, length), kReceiverNow).ok())
        << length;
  }
}

TEST(Frame, MalformedFramesAreNamed) {
  const std::string envelope = OneRequest().substr(kBatchHeaderBytes);
  std::string unknown_kind = envelope, long_body = envelope, flag = envelope;
  unknown_kind[4] = 9;
  long_body[0] = 5;
  flag[5] = 1;
  std::string other_version = OneRequest();
  other_version[0] = 2;
  const auto wrap = [](const std::string& envelopes, uint32_t count) {
    return BatchHeader(envelopes, count, 0) + envelopes;
  };
  struct Case {
    std::string frame, message;
  };
  const Case cases[] = {
      {"", "a batch ends beyond its frame"},
      {OneRequest() + "x", "a batch ends beyond its frame"},
      {other_version, "version 2, this node knows 1"},
      {wrap(envelope, 0), "impossible batch header"},
      {wrap(envelope, 2), "impossible batch header"},
      {wrap(envelope + envelope, 1), "bytes after the last envelope"},
      {wrap(envelope, 0xffffffff), "impossible batch header"},
      {wrap(unknown_kind, 1), "unknown kind of envelope"},
      {wrap(flag, 1), "unknown kind of envelope"},
      {wrap(long_body, 1), "an envelope ends beyond its batch"},
  };
  for (const Case& c : cases) {
    const absl::Status status = DecodeFrame(c.frame, kReceiverNow).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(std::string(status.message()), "malformed internode frame: " + c.message);
  }
}

TEST(Verbs, HaveNamesAndClasses) {
  EXPECT_EQ(VerbName(Verb::kReadDigest), "READ_DIGEST");
  EXPECT_EQ(VerbName(static_cast<Verb>(9999)), "UNKNOWN");
  EXPECT_EQ(ClassOf(Verb::kGossipSyn), VerbClass::kUrgent);
  EXPECT_EQ(ClassOf(Verb::kWrite), VerbClass::kBulk);
  EXPECT_EQ(ClassOf(Verb::kRepairWrite), VerbClass::kBulk) << "a read waits for it";
  EXPECT_EQ(ClassOf(Verb::kHint), VerbClass::kHints);
  EXPECT_EQ(ClassOf(Verb::kReplayWrite), VerbClass::kHints);
  EXPECT_EQ(ClassOf(Verb::kRepairRead), VerbClass::kRepair);
}

}  // namespace
}  // namespace tholos::rpc
