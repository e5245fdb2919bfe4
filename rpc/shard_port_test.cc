// The ports of two shards on one stream, without gRPC (so that ThreadSanitizer sees everything): a
// thread plays the network, the peer and the peer's answers.
#include "rpc/shard_port.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/async/when_all.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/strings.h"

namespace tholos::rpc {
namespace {

using base::BlockOn;
using base::Task;

constexpr int kShards = 2;
const PeerKey kPeer{{"peer", 7000}, VerbClass::kBulk};

// Runs functions one after the other on a thread of its own.
class Worker {
 public:
  Worker() : thread_([this] { Run(); }) {}
  ~Worker() {
    Do({});
    thread_.join();
  }
  // An empty function ends it.
  void Do(std::function<void()> work) {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    changed_.notify_one();
  }

 private:
  void Run() {
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return !queue_.empty(); });
      std::function<void()> work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      if (!work) return;
      work();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  std::thread thread_;
};

// Hands what is written to `on_frame`, on the worker.
class FakeStream final : public Stream {
 public:
  FakeStream(Worker& worker, std::function<bool(std::string)> on_frame)
      : Stream(kShards), worker_(worker), on_frame_(std::move(on_frame)) {
    EXPECT_TRUE(BeginWriting());
    WriteDone(true);
  }
  int frames() const { return frames_; }

 private:
  void StartWriting(std::string frame, uint64_t) override {
    worker_.Do([this, frame = std::move(frame)] {
      ++frames_;
      WriteDone(on_frame_(frame));
    });
  }
  void EndWriting() override {}

  Worker& worker_;
  const std::function<bool(std::string)> on_frame_;
  std::atomic<int> frames_ = 0;
};

class ShardPortTest : public testing::Test, public PeerDirectory {
 protected:
  ShardPortTest() {
    base::RealExecutorOptions options;
    options.shards = kShards;
    options.background = 1;
    executor_ = base::RealExecutor::Start(options, clock_);
    for (int i = 0; i < kShards; ++i) {
      ports_.push_back(std::make_unique<ShardPort>(
          i, ShardPort::Deps{executor_->shard(i), clock_, metrics_, *this, handlers_}));
    }
    stream_ = std::make_shared<FakeStream>(worker_, [this](std::string f) { return Answer(f); });
  }
  // Before any destructor: shards may be asking this PeerDirectory.
  void TearDown() override {
    for (int i = 0; i < kShards; ++i) BlockOn(executor_->shard(i), Stop(ports_[i].get()));
  }

  std::shared_ptr<ByteBudget> QueueBudget(const PeerKey&) override { return budget_; }
  void Want(const PeerKey&) override {
    if (connects_) OnAllPorts([this](ShardPort& port) { port.OnPeerUp(kPeer, stream_); });
  }
  void OnAllPorts(std::function<void(ShardPort&)> what) {
    for (int i = 0; i < kShards; ++i) {
      executor_->shard(i).Post([port = ports_[i].get(), what] { what(*port); });
    }
  }

  // The peer: answers with the body that came. False once `frames_until_break_` are used up.
  bool Answer(const std::string& frame) {
    if (frames_until_break_ > 0 && --frames_until_break_ == 0) {
      worker_.Do([this] {
        OnAllPorts([this](ShardPort& port) {
          port.OnPeerDown(kPeer, stream_, absl::UnavailableError("broke"));
        });
      });
      return false;
    }
    if (!answers_) return true;
    const auto envelopes = DecodeFrame(frame, clock_.Now());
    EXPECT_TRUE(envelopes.ok()) << envelopes.status();
    std::vector<std::vector<rpc::Answer>> answers(kShards);
    for (const Envelope& envelope : *envelopes) {
      answers[ShardOfRequestId(envelope.request_id)].push_back(
          {envelope.request_id, std::string(envelope.body)});
    }
    for (int i = 0; i < kShards; ++i) {
      executor_->shard(i).Post([port = ports_[i].get(), batch = std::move(answers[i])]() mutable {
        port->OnAnswers(std::move(batch));
      });
    }
    return true;
  }

  static Task<void> Refuse(ShardPort* port) {
    port->Refuse();
    co_return;
  }
  static Task<void> Stop(ShardPort* port) {
    port->Refuse();
    co_await port->Stop();
  }

  struct Outcome {
    int right = 0, unavailable = 0, other = 0;
  };
  // Calls from `shard`, a hundred at a time.
  Task<Outcome> ManyCalls(int shard, int count) {
    Outcome outcome;
    for (int done = 0; done < count; done += 100) {
      std::vector<Task<absl::StatusOr<std::string>>> calls;
      for (int i = 0; i < 100; ++i) {
        calls.push_back(ports_[shard]->Call(
            {kPeer.endpoint, Verb::kWrite, kNoToken, base::StrCat(shard, "/", done + i)},
            clock_.Now() + absl::Seconds(60)));
      }
      const auto answers = co_await WhenAll(std::move(calls));
      for (int i = 0; i < 100; ++i) {
        const auto& answer = answers[i];
        if (answer.ok() && *answer == base::StrCat(shard, "/", done + i)) {
          ++outcome.right;
        } else if (answer.status().code() == absl::StatusCode::kUnavailable) {
          ++outcome.unavailable;
        } else {
          ++outcome.other;
        }
      }
    }
    co_return outcome;
  }
  std::vector<Outcome> CallFromBothShards(int count) {
    std::vector<Outcome> outcomes(kShards);
    std::thread other([&] { outcomes[1] = BlockOn(executor_->shard(1), ManyCalls(1, count)); });
    outcomes[0] = BlockOn(executor_->shard(0), ManyCalls(0, count));
    other.join();
    return outcomes;
  }

  base::RealClock clock_;
  base::Metrics metrics_;
  HandlerTable handlers_;
  std::shared_ptr<ByteBudget> budget_ = std::make_shared<ByteBudget>(1 << 20);
  bool connects_ = true;
  std::atomic<bool> answers_ = true;
  int frames_until_break_ = 0;
  std::unique_ptr<base::RealExecutor> executor_;
  std::vector<std::unique_ptr<ShardPort>> ports_;
  std::shared_ptr<FakeStream> stream_;
  Worker worker_;
};

// Counts what Ask tells it.
class Tally final : public AnswerSink {
 public:
  explicit Tally(size_t expected) : told(expected) {}
  void OnAnswer(uint32_t which, absl::StatusOr<std::string> answer) override {
    EXPECT_FALSE(told[which].has_value()) << which << " is told twice";
    told[which] = std::move(answer);
    if (++count == static_cast<int>(told.size())) all.Set();
  }
  std::vector<std::optional<absl::StatusOr<std::string>>> told;
  int count = 0;
  base::Event all;
};

// Asks for 0, 1, 2, ..., and returns when all were told.
Task<std::shared_ptr<Tally>> AskMany(ShardPort* port, int count, base::Deadline deadline) {
  const auto tally = std::make_shared<Tally>(count);
  for (int i = 0; i < count; ++i) {
    port->Ask({kPeer.endpoint, Verb::kWrite, kNoToken, std::to_string(i)}, deadline, tally,
              static_cast<uint32_t>(i));
  }
  co_await tally->all.Wait();
  co_return tally;
}

TEST_F(ShardPortTest, EverythingAskedIsTold) {
  // The first ones wait for the connection.
  for (int round = 0; round < 2; ++round) {
    const auto tally = BlockOn(executor_->shard(1),
                               AskMany(ports_[1].get(), 1000, clock_.Now() + absl::Seconds(60)));
    for (int i = 0; i < 1000; ++i) {
      ASSERT_TRUE(tally->told[i]->ok()) << tally->told[i]->status();
      EXPECT_EQ(**tally->told[i], std::to_string(i));
    }
  }
  while (budget_->used() > 0) std::this_thread::yield();
}

TEST_F(ShardPortTest, WhatIsAskedEndsInTime) {
  answers_ = false;
  OnAllPorts([this](ShardPort& port) { port.OnPeerUp(kPeer, stream_); });
  const base::MonotonicTime start = clock_.Now();
  const base::Deadline deadline = start + absl::Milliseconds(20);
  // Those with more time do not hold up those with less, whichever came first.
  const auto late = std::make_shared<Tally>(1);
  executor_->shard(0).Post([&] {
    ports_[0]->Ask({kPeer.endpoint, Verb::kWrite, kNoToken, "x"}, start + absl::Seconds(60), late,
                   0);
  });
  const auto tally = BlockOn(executor_->shard(0), AskMany(ports_[0].get(), 100, deadline));
  EXPECT_GE(clock_.Now(), deadline);
  EXPECT_LE(clock_.Now(), start + absl::Seconds(30));
  for (const auto& answer : tally->told) {
    EXPECT_EQ(answer->status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(answer->status().message(), "WRITE to peer:7000: no answer in time");
  }
  EXPECT_EQ(late->count, 0);
  BlockOn(executor_->shard(0), Refuse(ports_[0].get()));
  EXPECT_EQ(late->count, 1);
  EXPECT_EQ(late->told[0]->status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ShardPortTest, WhatIsAskedOfAFullQueueOrAStoppedPortIsRefused) {
  budget_ = std::make_shared<ByteBudget>(1000);
  answers_ = false;
  OnAllPorts([this](ShardPort& port) { port.OnPeerUp(kPeer, stream_); });
  const auto tally = BlockOn(executor_->shard(0),
                             AskMany(ports_[0].get(), 100, clock_.Now() + absl::Milliseconds(1)));
  int refused = 0;
  for (const auto& answer : tally->told)
    refused += answer->status().code() == absl::StatusCode::kResourceExhausted;
  EXPECT_EQ(refused, 100 - 1000 / (static_cast<int>(kEnvelopeHeaderBytes) + 2));
  BlockOn(executor_->shard(0), Refuse(ports_[0].get()));
  const auto stopped =
      BlockOn(executor_->shard(0), AskMany(ports_[0].get(), 10, clock_.Now() + absl::Seconds(60)));
  for (const auto& answer : stopped->told)
    EXPECT_EQ(answer->status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ShardPortTest, BothShardsGetTheirOwnAnswers) {
  for (const Outcome& outcome : CallFromBothShards(20'000)) {
    EXPECT_EQ(outcome.right, 20'000);
  }
  // A hundred calls of a turn go as one batch.
  EXPECT_LE(stream_->frames(), 2 * 20'000 / 20);
}

TEST_F(ShardPortTest, ABrokenStreamEndsItsCalls) {
  frames_until_break_ = 50;
  OnAllPorts([this](ShardPort& port) { port.OnPeerUp(kPeer, stream_); });
  // Nobody connects again, and once the stream is broken an attempt fails.
  connects_ = false;
  std::thread failing([&] {
    while (!stream_->closed()) std::this_thread::yield();
    OnAllPorts([](ShardPort& port) {
      port.OnPeerDown(kPeer, nullptr, absl::UnavailableError("refused"));
    });
  });
  const std::vector<Outcome> outcomes = CallFromBothShards(20'000);
  failing.join();
  for (const Outcome& outcome : outcomes) {
    EXPECT_EQ(outcome.other, 0);
    EXPECT_GT(outcome.unavailable, 0);
  }
  EXPECT_GT(outcomes[0].right + outcomes[1].right, 0);
}

TEST_F(ShardPortTest, NothingIsHeldInTheEnd) {
  CallFromBothShards(1000);
  while (budget_->used() > 0) std::this_thread::yield();
}

TEST_F(ShardPortTest, CallsEndWhenThePortStops) {
  connects_ = false;
  Outcome outcome;
  std::thread caller([&] { outcome = BlockOn(executor_->shard(0), ManyCalls(0, 100)); });
  while (budget_->used() == 0) std::this_thread::yield();
  executor_->shard(0).Post([port = ports_[0].get()] { port->Refuse(); });
  caller.join();
  EXPECT_EQ(outcome.unavailable, 100);
}

}  // namespace
}  // namespace tholos::rpc
