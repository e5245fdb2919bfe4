// Room for answers: the arithmetic, and clients that ask for more than they read.
#include "node/native/answer_room.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/time/clock.h"
#include "base/real/block_on.h"
#include "gtest/gtest.h"
#include "node/native/testing.h"

namespace tholos::node::native {
namespace {

using Part = ShardBytes::Part;
constexpr int64_t kMiB = 1 << 20;

TEST(ShardBytes, TheLastEighthIsForSmallOnes) {
  ShardBytes bytes(80 * kMiB);
  bytes.Take(60 * kMiB);
  EXPECT_TRUE(bytes.Fits(10 * kMiB, Part::kShared));
  EXPECT_FALSE(bytes.Fits(11 * kMiB, Part::kShared));
  EXPECT_TRUE(bytes.Fits(20 * kMiB, Part::kAll));
  EXPECT_FALSE(bytes.Fits(21 * kMiB, Part::kAll));
}

TEST(ShardBytes, WhatIsLargerThanHalfHasItsTurn) {
  ShardBytes bytes(80 * kMiB);
  EXPECT_EQ(bytes.ChargeOf(1000), 3000);
  EXPECT_EQ(bytes.ChargeOf(1000 * kMiB), 35 * kMiB);
  bytes.Take(36 * kMiB);
  EXPECT_TRUE(bytes.crowded());
  EXPECT_FALSE(bytes.Fits(1000 * kMiB, Part::kShared));
  EXPECT_TRUE(bytes.FitsInstead(1000 * kMiB, kMiB));
  bytes.Give(kMiB);
  EXPECT_TRUE(bytes.Fits(1000 * kMiB, Part::kShared));
  EXPECT_FALSE(bytes.crowded());
}

TEST(AnswerSizes, TheLargestOfLate) {
  AnswerSizes sizes;
  EXPECT_EQ(sizes.Expected(1, AnswerSizes::kUnknownRead), AnswerSizes::kUnknownRead);
  sizes.Answered(1, 100);
  EXPECT_EQ(sizes.Expected(1, AnswerSizes::kUnknownRead), 100);
  sizes.Answered(1, kMiB);
  sizes.Answered(1, 100);
  EXPECT_EQ(sizes.Expected(1, 0), kMiB - kMiB / 8);
  for (int i = 0; i < 100; ++i) sizes.Answered(1, 100);
  EXPECT_EQ(sizes.Expected(1, 0), 100);
  // Errors make an unknown one less of a suspect, and nothing else.
  sizes.Failed(2, 800);
  EXPECT_EQ(sizes.Expected(2, 0), 700);
}

TEST(AnswerSizes, TextsAreKnownByWhatStandsBeforeTheirLiterals) {
  EXPECT_EQ(AnswerSizes::KeyOfText("SELECT v FROM t WHERE k = 1"),
            AnswerSizes::KeyOfText("SELECT v FROM t WHERE k = 22 LIMIT 1"));
  EXPECT_NE(AnswerSizes::KeyOfText("SELECT v FROM t WHERE k = 1"),
            AnswerSizes::KeyOfText("SELECT v FROM u WHERE k = 1"));
  for (const char* write : {" insert into t", "UPDATE t", "Delete from t", "BEGIN BATCH"}) {
    EXPECT_TRUE(AnswerSizes::IsWrite(write)) << write;
  }
  for (const char* other : {"", "SELECT", "/* */ INSERT", "begi", "updat"}) {
    EXPECT_FALSE(AnswerSizes::IsWrite(other)) << other;
  }
}

class AnswerRoom : public NativeServer {
 protected:
  int64_t held() {
    return metrics_
        .AddGauge("tholos_native_held_bytes", "Bytes of requests in work and answers not yet sent.",
                  {{"shard", "0"}})
        .value();
  }
  uint64_t overloaded() {
    return metrics_
        .AddCounter("tholos_native_overloaded_total", "Requests refused: too many bytes are held.",
                    {{"shard", "0"}})
        .value();
  }
  // A request and its answer: what came before it has been taken in work.
  static void RoundTrip(Client& client) {
    client.Query("alive");
    EXPECT_TRUE(EndsWith(client.Receive(), "alive"));
  }
  // The server's books are closed a moment after the client has the bytes.
  void ExpectNothingHeld(Client& client) {
    const absl::Time give_up = absl::Now() + absl::Seconds(60);
    while (held() > 0 && absl::Now() < give_up) RoundTrip(client);
    EXPECT_EQ(held(), 0);
  }
  // Clients that ask for 96 MB each and read nothing of it.
  void AddGreedy(int count) {
    for (int i = 0; i < count; ++i) {
      greedy_.push_back(std::make_unique<Client>(port_, 4));
      greedy_.back()->Start();
      for (int j = 0; j < 32; ++j) greedy_.back()->Query("large", static_cast<int16_t>(j));
    }
  }
  std::vector<std::unique_ptr<Client>> greedy_;
};

TEST_F(AnswerRoom, OfAllConnectionsIsBounded) {
  Start({.node_bytes_max = 64 * kMiB,
         .request_timeout = absl::Seconds(2),
         .stall_timeout = absl::Seconds(1)});
  Client other(port_, 4);
  other.Start();
  RoundTrip(other);
  AddGreedy(20);
  int64_t most = 0;
  // Until those who do not read are closed, one after another.
  const absl::Time give_up = absl::Now() + absl::Seconds(60);
  while (held() > 0 || processor_.large() == 0) {
    ASSERT_LT(absl::Now(), give_up);
    RoundTrip(other);
    most = std::max(most, held());
    // What was made and has not been closed.
    ASSERT_LT(held(), 64 * kMiB);
  }
  EXPECT_GT(most, 32 * kMiB);
  EXPECT_LT(processor_.large(), 20 * 32);
}

TEST_F(AnswerRoom, OfOneConnectionIsBounded) {
  Start({.output_bytes_max = 4 * kMiB});
  Client client(port_, 4);
  client.Start();
  client.Query("large");
  EXPECT_TRUE(EndsWith(client.Receive(), "xxxx"));
  // Each is known to be large by now: one at a time, however many were sent.
  for (int i = 0; i < 32; ++i) client.Query("large", static_cast<int16_t>(i));
  Client other(port_, 4);
  other.Start();
  RoundTrip(other);
  // The sockets' buffers take a few. One that is being made is charged with three times its 3 MiB.
  EXPECT_LT(processor_.large(), 8);
  EXPECT_LT(held(), 10 * kMiB);
  for (int i = 0; i < 32; ++i) EXPECT_TRUE(EndsWith(client.Receive(), "xxxx")) << i;
  RoundTrip(client);
  ExpectNothingHeld(other);
}

TEST_F(AnswerRoom, WhoWaitsTooLongIsToldSoAndNothingIsDone) {
  Start({.output_bytes_max = 4 * kMiB, .request_timeout = absl::Milliseconds(200)});
  AddGreedy(1);
  for (const absl::Time give_up = absl::Now() + absl::Seconds(60); overloaded() < 20;) {
    ASSERT_LT(absl::Now(), give_up);
    Client other(port_, 4);
    other.Start();
    RoundTrip(other);
  }
  int answers = 0;
  int refusals = 0;
  for (int i = 0; i < 32; ++i) {
    const auto answer = greedy_[0]->Receive();
    ASSERT_TRUE(answer.has_value());
    if (answer->header.opcode == Opcode::kError) {
      EXPECT_EQ(answer->error(), ErrorCode::kOverloaded);
      EXPECT_NE(answer->body.find("no room on this node for the answer within the request's time"),
                std::string::npos);
      ++refusals;
    } else {
      ++answers;
    }
  }
  EXPECT_EQ(answers, processor_.large());
  EXPECT_GE(refusals, 20);
}

TEST_F(AnswerRoom, WhatWaitsIsDroppedWithItsConnection) {
  Start({.output_bytes_max = 4 * kMiB});
  AddGreedy(1);
  Client other(port_, 4);
  other.Start();
  for (const absl::Time give_up = absl::Now() + absl::Seconds(60);
       processor_.large() == 0 || held() < 3 * kMiB;) {
    ASSERT_LT(absl::Now(), give_up);
    RoundTrip(other);
  }
  const int made = processor_.large();
  EXPECT_LT(made, 32);
  greedy_.clear();
  ExpectNothingHeld(other);
  EXPECT_EQ(processor_.large(), made);
}

TEST_F(AnswerRoom, AnAnswerThatIsLargerThanExpectedAndDoesNotFitIsDropped) {
  Start({.node_bytes_max = 16 * kMiB});
  Client client(port_, 4);
  client.Start();
  client.Query("grows 1");
  EXPECT_TRUE(EndsWith(client.Receive(), "small"));
  for (int i = 0; i < 20; ++i) client.Query("grows 2", static_cast<int16_t>(i));
  RoundTrip(client);  // all of them run
  base::BlockOn(executor_->shard(0), Release());
  int answers = 0;
  for (int i = 0; i < 20; ++i) {
    const auto answer = client.Receive();
    ASSERT_TRUE(answer.has_value());
    if (answer->header.opcode == Opcode::kResult) {
      ++answers;
    } else {
      EXPECT_EQ(answer->error(), ErrorCode::kOverloaded);
      EXPECT_NE(answer->body.find("no room on this node for an answer of 3145732 bytes"),
                std::string::npos);
    }
  }
  EXPECT_GT(answers, 0);
  EXPECT_LE(answers, 5);
  ExpectNothingHeld(client);
}

TEST_F(AnswerRoom, WhoStallsWhileBytesAreScarceIsClosedSooner) {
  Start({.node_bytes_max = 16 * kMiB,
         .stall_timeout = absl::Minutes(10),
         .crowded_stall_timeout = absl::Milliseconds(100)});
  AddGreedy(4);
  Client patient(port_, 4);
  patient.Start();
  patient.Query("large");
  EXPECT_TRUE(EndsWith(patient.Receive(), "xxxx"));
}

// Frames whose ends never come.
TEST_F(AnswerRoom, PartsOfFramesCount) {
  Start({.node_bytes_max = 16 * kMiB, .stall_timeout = absl::Seconds(1)});
  Client other(port_, 4);
  other.Start();
  RoundTrip(other);
  std::string part(cql::protocol::kFrameHeaderBytes, '\0');
  cql::protocol::EncodeFrameHeader({.version = 4, .opcode = Opcode::kQuery, .length = 10u << 20},
                                   part.data());
  part.append(9 << 20, 'x');
  Client one(port_, 4);
  one.Start();
  one.SendRaw(part);
  Client two(port_, 4);
  two.Start();
  two.SendRaw(part);
  EXPECT_EQ(two.Receive()->error(), ErrorCode::kOverloaded);
  EXPECT_FALSE(two.Receive().has_value());
  RoundTrip(other);
  EXPECT_FALSE(one.Receive().has_value());
  EXPECT_TRUE(one.at_end());
  ExpectNothingHeld(other);
}

}  // namespace
}  // namespace tholos::node::native
