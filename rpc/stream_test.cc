#include "rpc/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/frame.h"

namespace tholos::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Keeps what is written.
class FakeStream final : public Stream {
 public:
  struct Written {
    size_t bytes = 0;
    uint64_t credit = 0;
    friend bool operator==(const Written&, const Written&) = default;
  };
  FakeStream(uint64_t peer_window, uint64_t own_window) : Stream(1) {
    SetWindows(peer_window, own_window);
    EXPECT_TRUE(BeginWriting());
    WriteDone(true);
  }
  std::vector<Written> Take() { return std::exchange(written_, {}); }
  void Done(bool ok = true) { WriteDone(ok); }
  bool ended() const { return ended_; }

 private:
  void StartWriting(std::string frame, uint64_t credit) override {
    written_.push_back({frame.size(), credit});
  }
  void EndWriting() override { ended_ = true; }
  std::vector<Written> written_;
  bool ended_ = false;
};

// With envelopes of so many bytes.
Stream::Section SectionOf(size_t bytes) {
  return {std::string(kBatchHeaderBytes + bytes, 'x'), {}};
}

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
constexpr size_t kHeader = kBatchHeaderBytes;

TEST(Stream, WhatWaitsGoesInOneMessage) {
  FakeStream stream(kNoLimit, kNoLimit);
  stream.Push(SectionOf(100));
  EXPECT_THAT(stream.Take(), ElementsAre(FakeStream::Written{kHeader + 100, 0}));
  stream.Push(SectionOf(200));
  stream.Push(SectionOf(300));
  EXPECT_THAT(stream.Take(), IsEmpty());
  stream.Done();
  EXPECT_THAT(stream.Take(), ElementsAre(FakeStream::Written{2 * kHeader + 500, 0}));
  stream.Done();
  EXPECT_THAT(stream.Take(), IsEmpty());
}

TEST(Stream, NoMoreThanTheWindowIsSent) {
  FakeStream stream(1000, kNoLimit);
  for (int i = 0; i < 4; ++i) stream.Push(SectionOf(400));
  stream.Done();
  EXPECT_THAT(stream.Take(), ElementsAre(FakeStream::Written{kHeader + 400, 0},
                                         FakeStream::Written{2 * kHeader + 800, 0}));
  stream.Done();
  EXPECT_THAT(stream.Take(), IsEmpty());
  EXPECT_TRUE(stream.OnCredit(200).ok());
  EXPECT_THAT(stream.Take(), IsEmpty());
  // An older credit, which a newer one has overtaken, takes nothing back.
  EXPECT_TRUE(stream.OnCredit(100).ok());
  EXPECT_TRUE(stream.OnCredit(201).ok());
  EXPECT_THAT(stream.Take(), ElementsAre(FakeStream::Written{kHeader + 400, 0}));
}

TEST(Stream, ABatchBeyondTheWindowGoesToo) {
  FakeStream stream(1000, kNoLimit);
  stream.Push(SectionOf(100));
  stream.Push(SectionOf(5000));
  stream.Push(SectionOf(10));
  stream.Done();
  EXPECT_THAT(stream.Take(), ElementsAre(FakeStream::Written{kHeader + 100, 0},
                                         FakeStream::Written{kHeader + 5000, 0}));
  stream.Done();
  EXPECT_TRUE(stream.OnCredit(4100).ok());
  EXPECT_THAT(stream.Take(), IsEmpty());
  EXPECT_TRUE(stream.OnCredit(4101).ok());
  EXPECT_THAT(stream.Take(), ElementsAre(FakeStream::Written{kHeader + 10, 0}));
}

TEST(Stream, CreditForWhatWasNotSentIsRefused) {
  FakeStream stream(1000, kNoLimit);
  stream.Push(SectionOf(100));
  EXPECT_EQ(stream.OnCredit(101).code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(stream.OnCredit(100).ok());
}

TEST(Stream, CreditTravelsWithAnswersOrAloneOnceItIsAQuarterOfTheWindow) {
  FakeStream stream(kNoLimit, 1000);
  stream.Finished(200);
  EXPECT_THAT(stream.Take(), IsEmpty());
  stream.Push(SectionOf(10));
  EXPECT_THAT(stream.Take(), ElementsAre(FakeStream::Written{kHeader + 10, 200}));
  stream.Finished(300);
  EXPECT_THAT(stream.Take(), IsEmpty());
  stream.Done();
  EXPECT_THAT(stream.Take(), ElementsAre(FakeStream::Written{0, 500}));
  stream.Done();
  stream.Finished(249);
  EXPECT_THAT(stream.Take(), IsEmpty());
  stream.Finished(1);
  EXPECT_THAT(stream.Take(), ElementsAre(FakeStream::Written{0, 750}));
}

TEST(Stream, NothingStartsOnceItIsClosed) {
  FakeStream stream(1000, 1000);
  stream.Push(SectionOf(1000));
  stream.Push(SectionOf(10));
  stream.Close();
  EXPECT_FALSE(stream.ended());
  stream.Done();
  EXPECT_TRUE(stream.ended());
  stream.Take();
  EXPECT_TRUE(stream.OnCredit(1000).ok());
  stream.Finished(1000);
  stream.Push(SectionOf(10));
  EXPECT_THAT(stream.Take(), IsEmpty());
}

}  // namespace
}  // namespace tholos::rpc
