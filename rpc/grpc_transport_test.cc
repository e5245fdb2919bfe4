#include "rpc/grpc_transport.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/when_all.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/real/real_random.h"
#include "base/strings.h"
#include "rpc/frame.h"
#include "rpc/grpc_client.h"

extern char** environ;

namespace tholos::rpc {
namespace {

using base::BlockOn;
using base::Task;

constexpr int64_t kTokenOfShard1 = 1;  // of two shards

// Set once by one thread; others wait.
class Notification {
 public:
  void Notify() { promise_.set_value(); }
  void Wait() { EXPECT_TRUE(WaitFor(absl::Seconds(60))); }
  bool WaitFor(absl::Duration span) {
    return future_.wait_for(absl::ToChronoMilliseconds(span)) == std::future_status::ready;
  }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future();
};

// A copy that no thread shares. Those who share an absl::Status are counted in Debian's library,
// which is not instrumented: ThreadSanitizer takes the last one for a race with the others.
absl::StatusOr<std::string> OwnCopy(absl::StatusOr<std::string> result) {
  if (result.ok()) return result;
  std::string bytes;
  base::EncodeStatus(result.status(), &bytes);
  std::string_view in = bytes;
  absl::Status copy;
  EXPECT_TRUE(base::DecodeStatus(&in, &copy).ok());
  return IsBrokenOff(result.status()) ? BrokenOff(std::move(copy)) : copy;
}

Task<absl::StatusOr<std::string>> CallOnce(Transport* transport, Outgoing message,
                                           base::Deadline deadline) {
  co_return OwnCopy(co_await transport->Call(std::move(message), deadline));
}

// A node's doors and its transport; stops it when destroyed.
class Node {
 public:
  explicit Node(GrpcTransportOptions options = {}) {
    if (options.listen.host.empty()) options.listen = {"127.0.0.1", 0};
    if (options.cluster_name.empty()) options.cluster_name = "test";
    base::RealExecutorOptions threads;
    threads.shards = 2;
    threads.background = 1;
    executor_ = base::RealExecutor::Start(threads, clock_);
    transport_ = std::make_unique<GrpcTransport>(
        options, GrpcTransport::Deps{*executor_, clock_, random_, metrics_, log_});
    AddHandlers();
  }
  ~Node() {
    Stop();
    transport_.reset();
  }

  absl::Status Start() {
    const absl::Status status = BlockOn(executor_->shard(0), transport_->Start());
    started_ = status.ok();
    return status;
  }
  void Stop() {
    if (std::exchange(started_, false)) BlockOn(executor_->shard(0), transport_->Stop());
  }

  absl::StatusOr<std::string> Call(Outgoing message, absl::Duration patience = absl::Seconds(20)) {
    return BlockOn(executor_->shard(0),
                   CallOnce(transport_.get(), std::move(message), Soon(patience)));
  }
  base::Deadline Soon(absl::Duration patience) const { return clock_.Now() + patience; }

  const Endpoint& endpoint() const { return transport_->self(); }
  GrpcTransport& transport() { return *transport_; }
  base::RealExecutor& executor() { return *executor_; }
  uint64_t CounterOnShard0(std::string_view name) {
    return metrics_.AddCounter(name, "", {{"shard", "0"}}).value();
  }
  // Bytes that wait to be sent to `peer`, or are being sent.
  int64_t QueuedBytes(const Endpoint& peer) {
    return metrics_
        .AddGauge("tholos_internode_queue_bytes", "",
                  {{"peer", peer.ToString()}, {"class", "bulk"}})
        .value();
  }
  // The same, of hints.
  int64_t QueuedHintBytes(const Endpoint& peer) {
    return metrics_
        .AddGauge("tholos_internode_queue_bytes", "",
                  {{"peer", peer.ToString()}, {"class", "hints"}})
        .value();
  }
  // Handlers of kHint and kRepairWrite wait for this, on shard 0.
  base::Event& release() { return release_; }
  std::atomic<int> one_way_received = 0;
  std::atomic<int> held_started = 0;

 private:
  Task<absl::StatusOr<std::string>> Echo(Incoming incoming) {
    co_return base::StrCat(executor_->current_shard(), ":", incoming.body);
  }
  Task<absl::StatusOr<std::string>> WaitForRelease(Incoming) {
    ++held_started;
    co_await release_.Wait();
    co_return "released";
  }
  void AddHandlers() {
    transport_->Handle(Verb::kEcho, [this](Incoming in) { return Echo(std::move(in)); });
    transport_->Handle(Verb::kWrite, [this](Incoming in) { return Echo(std::move(in)); });
    for (const Verb verb : {Verb::kHint, Verb::kRepairWrite}) {
      transport_->Handle(verb, [this](Incoming in) { return WaitForRelease(std::move(in)); });
    }
    transport_->Handle(Verb::kReadData, [](Incoming) {
      return Task<absl::StatusOr<std::string>>::Ready(
          base::MakeRequestError({.kind = base::RequestErrorKind::kTimeout,
                                  .consistency = "QUORUM",
                                  .required = 2,
                                  .received = 1},
                                 "one of two answered"));
    });
    transport_->Handle(Verb::kReadDigest, [](Incoming) {
      return Task<absl::StatusOr<std::string>>::Ready(std::string(kMessageBytesMax + 1, 'x'));
    });
    transport_->Handle(Verb::kGossipAck, [this](Incoming incoming) {
      if (incoming.body == "one-way") ++one_way_received;
      return Task<absl::StatusOr<std::string>>::Ready(std::string());
    });
  }

  base::RealClock clock_;
  base::RealRandom random_;
  base::Metrics metrics_;
  base::NullLog log_;
  std::unique_ptr<base::RealExecutor> executor_;
  base::Event release_;
  std::unique_ptr<GrpcTransport> transport_;
  bool started_ = false;
};

class GrpcTransportTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(a_.Start().ok());
    ASSERT_TRUE(b_.Start().ok());
  }
  Node a_, b_;
};

Task<bool> SetEvent(base::Event* event) {
  event->Set();
  co_return true;
}

TEST_F(GrpcTransportTest, TheTokenChoosesTheShard) {
  EXPECT_EQ(a_.Call({b_.endpoint(), Verb::kEcho, kNoToken, "hello"}).value(), "0:hello");
  EXPECT_EQ(a_.Call({b_.endpoint(), Verb::kEcho, kTokenOfShard1, "hello"}).value(), "1:hello");
  EXPECT_EQ(b_.Call({a_.endpoint(), Verb::kWrite, kTokenOfShard1, ""}).value(), "1:");
  EXPECT_EQ(a_.Call({a_.endpoint(), Verb::kEcho, kNoToken, "self"}).value(), "0:self");
}

TEST_F(GrpcTransportTest, LargeBodiesArriveWhole) {
  const std::string body(kMessageBytesMax - 100, 'b');
  EXPECT_EQ(a_.Call({b_.endpoint(), Verb::kWrite, kNoToken, body}, absl::Seconds(60)).value(),
            "0:" + body);
}

TEST_F(GrpcTransportTest, TooLargeBodiesAreRefused) {
  const auto request =
      a_.Call({b_.endpoint(), Verb::kWrite, kNoToken, std::string(kMessageBytesMax + 1, 'b')});
  EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument);
  const auto answer = a_.Call({b_.endpoint(), Verb::kReadDigest, kNoToken, ""});
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(a_.Call({b_.endpoint(), Verb::kEcho, kNoToken, "still there"}).ok());
}

Task<int> ManyCalls(Node* node, Endpoint to, int count, std::string body) {
  int wrong = 0;
  constexpr int kAtOnce = 1000;
  for (int done = 0; done < count; done += kAtOnce) {
    std::vector<Task<absl::StatusOr<std::string>>> calls;
    for (int i = 0; i < kAtOnce; ++i) {
      calls.push_back(node->transport().Call(
          {to, Verb::kWrite, i % 2 == 0 ? kNoToken : kTokenOfShard1, base::StrCat(i, body)},
          node->Soon(absl::Seconds(60))));
    }
    const auto answers = co_await WhenAll(std::move(calls));
    for (int i = 0; i < kAtOnce; ++i) {
      const auto& answer = answers[static_cast<size_t>(i)];
      if (!answer.ok() || *answer != base::StrCat(i % 2, ":", i, body)) ++wrong;
    }
  }
  co_return wrong;
}

TEST_F(GrpcTransportTest, AHundredThousandPipelinedCalls) {
  EXPECT_EQ(BlockOn(a_.executor().shard(0), ManyCalls(&a_, b_.endpoint(), 100'000, "x")), 0);
}

TEST_F(GrpcTransportTest, EveryLoopCanCall) {
  EXPECT_EQ(BlockOn(a_.executor().shard(1), ManyCalls(&a_, b_.endpoint(), 1000, "")), 0);
  EXPECT_EQ(BlockOn(a_.executor().background(), ManyCalls(&a_, b_.endpoint(), 1000, "")), 0);
}

TEST_F(GrpcTransportTest, ErrorsKeepTheirPayload) {
  const auto result = a_.Call({b_.endpoint(), Verb::kReadData, kNoToken, ""});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(std::string(result.status().message()), "one of two answered");
  const auto error = base::GetRequestError(result.status());
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, base::RequestErrorKind::kTimeout);
  EXPECT_EQ(error->consistency, "QUORUM");
  EXPECT_EQ(error->received, 1u);
}

TEST_F(GrpcTransportTest, AVerbWithoutHandlerIsNamed) {
  const auto result = a_.Call({b_.endpoint(), Verb::kSchemaPull, kNoToken, ""});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(std::string(result.status().message()), "no handler for verb 20 (SCHEMA_PULL)");
}

TEST_F(GrpcTransportTest, ACallEndsAtItsDeadline) {
  const auto result =
      a_.Call({b_.endpoint(), Verb::kRepairWrite, kNoToken, ""}, absl::Milliseconds(300));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(b_.held_started, 1);
  // The late answer finds nobody.
  BlockOn(b_.executor().shard(0), SetEvent(&b_.release()));
  EXPECT_TRUE(a_.Call({b_.endpoint(), Verb::kRepairWrite, kNoToken, ""}).ok());
}

TEST_F(GrpcTransportTest, ExpiredRequestsAreNotExecuted) {
  ASSERT_TRUE(a_.Call({b_.endpoint(), Verb::kWrite, kNoToken, ""}).ok());
  const auto result =
      a_.Call({b_.endpoint(), Verb::kRepairWrite, kNoToken, ""}, absl::ZeroDuration());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  // Behind it on the same stream and shard.
  ASSERT_TRUE(a_.Call({b_.endpoint(), Verb::kWrite, kNoToken, ""}).ok());
  EXPECT_EQ(b_.held_started, 0);
  EXPECT_EQ(b_.CounterOnShard0("tholos_internode_expired_total"), 1u);
}

TEST_F(GrpcTransportTest, OneWayMessagesArrive) {
  const auto send = [&](base::Loop& loop) {
    loop.Post([&] { a_.transport().Send({b_.endpoint(), Verb::kGossipAck, kNoToken, "one-way"}); });
  };
  send(a_.executor().shard(0));
  send(a_.executor().shard(1));
  send(a_.executor().background());
  // Same class: once connected, calls overtake nothing that was sent before.
  while (b_.one_way_received < 3) {
    ASSERT_TRUE(a_.Call({b_.endpoint(), Verb::kEcho, kNoToken, ""}).ok());
  }
  a_.transport().Send({{"127.0.0.1", 1}, Verb::kGossipAck, kNoToken, "to nobody"});
}

TEST_F(GrpcTransportTest, NobodyListening) {
  Endpoint nobody;
  {
    Node gone;
    ASSERT_TRUE(gone.Start().ok());
    nobody = gone.endpoint();
  }
  const base::Deadline patience = a_.Soon(absl::Seconds(10));
  for (int i = 0; i < 3; ++i) {
    const auto result = a_.Call({nobody, Verb::kEcho, kNoToken, ""});
    EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
    EXPECT_FALSE(IsBrokenOff(result.status()));
  }
  EXPECT_LT(a_.Soon(absl::ZeroDuration()), patience);
}

TEST_F(GrpcTransportTest, AnAddressInUseIsNamed) {
  GrpcTransportOptions options;
  options.listen = a_.endpoint();
  Node second(options);
  const absl::Status status = second.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(
      std::string(status.message()),
      base::StrCat("cannot listen on ", a_.endpoint().ToString(), ": Address already in use"));
}

TEST_F(GrpcTransportTest, OtherClustersAreRefused) {
  GrpcTransportOptions options;
  options.cluster_name = "other";
  Node stranger(options);
  ASSERT_TRUE(stranger.Start().ok());
  const auto result = stranger.Call({a_.endpoint(), Verb::kEcho, kNoToken, ""});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(result.status().message()).find("belongs to cluster 'test', not 'other'"),
            std::string::npos)
      << result.status();
}

Task<std::vector<absl::StatusCode>> CallsAtOnce(Node* node, Endpoint to, int count, size_t bytes) {
  std::vector<Task<absl::StatusOr<std::string>>> calls;
  for (int i = 0; i < count; ++i) {
    calls.push_back(node->transport().Call({to, Verb::kWrite, kNoToken, std::string(bytes, 'x')},
                                           node->Soon(absl::Seconds(20))));
  }
  std::vector<absl::StatusCode> codes;
  for (auto& answer : co_await WhenAll(std::move(calls))) codes.push_back(answer.status().code());
  co_return codes;
}

TEST_F(GrpcTransportTest, AFullQueueRefuses) {
  GrpcTransportOptions options;
  options.queue_bytes_max = 1000;
  Node small(options);
  ASSERT_TRUE(small.Start().ok());
  using absl::StatusCode;
  // An answer may be here before gRPC says that the request is out.
  const auto await_empty_queue = [&] {
    while (small.QueuedBytes(b_.endpoint()) > 0) std::this_thread::yield();
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(BlockOn(small.executor().shard(0), CallsAtOnce(&small, b_.endpoint(), 3, 400)),
              (std::vector<StatusCode>{StatusCode::kOk, StatusCode::kOk,
                                       StatusCode::kResourceExhausted}));
    await_empty_queue();
    // One that exceeds the whole queue goes alone.
    EXPECT_EQ(BlockOn(small.executor().shard(0), CallsAtOnce(&small, b_.endpoint(), 2, 5000)),
              (std::vector<StatusCode>{StatusCode::kOk, StatusCode::kResourceExhausted}));
    await_empty_queue();
  }
}

TEST_F(GrpcTransportTest, ReadingPausesWhileTooMuchIsInHand) {
  GrpcTransportOptions options;
  options.inbound_bytes_max = 1000;
  Node small(options);
  ASSERT_TRUE(small.Start().ok());
  EXPECT_EQ(BlockOn(a_.executor().shard(0),
                    ManyCalls(&a_, small.endpoint(), 20'000, std::string(300, 'y'))),
            0);
}

// Of a verb whose handler waits to be released.
Task<void> CallsHeld(Node* node, Endpoint to, Verb verb, int count, size_t bytes,
                     std::atomic<int>* answered) {
  std::vector<Task<absl::StatusOr<std::string>>> calls;
  for (int i = 0; i < count; ++i) {
    calls.push_back(node->transport().Call({to, verb, kNoToken, std::string(bytes, 'x')},
                                           node->Soon(absl::Seconds(60))));
  }
  for (const auto& answer : co_await WhenAll(std::move(calls))) *answered += answer.ok() ? 1 : 0;
}

// It takes a window and a batch in hand, the rest waits with the sender, and nobody else notices.
TEST_F(GrpcTransportTest, ASlowReceiverHoldsAWindow) {
  GrpcTransportOptions options;
  options.inbound_bytes_max = 1 << 20;
  Node slow(options);
  ASSERT_TRUE(slow.Start().ok());
  constexpr int kCalls = 30;
  constexpr size_t kBytes = 100'000;
  std::atomic<int> answered = 0;
  std::thread caller([&] {
    BlockOn(a_.executor().shard(0),
            CallsHeld(&a_, slow.endpoint(), Verb::kRepairWrite, kCalls, kBytes, &answered));
  });
  // Three of them make a batch, and with the fourth batch a window is in hand.
  constexpr int kInHand = 12;
  while (slow.held_started < kInHand) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(a_.Call({b_.endpoint(), Verb::kWrite, kNoToken, "other"}).ok());
  }
  EXPECT_EQ(slow.held_started, kInHand);
  const auto waiting = static_cast<int64_t>((kCalls - kInHand) * (kBytes + kEnvelopeHeaderBytes));
  // A request may have arrived before gRPC says that it is out.
  while (a_.QueuedBytes(slow.endpoint()) > waiting) std::this_thread::yield();
  EXPECT_EQ(a_.QueuedBytes(slow.endpoint()), waiting);
  slow.executor().shard(0).Post([&] { slow.release().Set(); });
  caller.join();
  EXPECT_EQ(answered, kCalls);
}

// 12 MiB of hints, of which one is in the handlers' hands, four in the receiver's window.
TEST_F(GrpcTransportTest, HintsHaveAStreamAndAShareOfTheirOwn) {
  constexpr size_t kBytes = size_t{128} << 10;
  std::atomic<int> answered = 0;
  std::thread caller([&] {
    BlockOn(a_.executor().shard(0),
            CallsHeld(&a_, b_.endpoint(), Verb::kHint, 96, kBytes, &answered));
  });
  while (b_.held_started < 8) std::this_thread::yield();
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(a_.Call({b_.endpoint(), Verb::kWrite, kNoToken, "first"}).ok());
  EXPECT_EQ(b_.held_started, 8) << "a MiB at a time";
  EXPECT_GE(a_.QueuedHintBytes(b_.endpoint()), int64_t{7} << 20) << "the rest waits at the sender";
  EXPECT_EQ(a_.QueuedBytes(b_.endpoint()), 0);
  BlockOn(b_.executor().shard(0), SetEvent(&b_.release()));
  caller.join();
  EXPECT_EQ(answered, 96);
}

TEST_F(GrpcTransportTest, AClassThatIsNoneIsRefused) {
  Notification done;
  absl::Status why;
  std::shared_ptr<OutboundStream> last;
  OutboundEvents events;
  events.up = [] {};
  events.received = [](std::string_view) { return absl::OkStatus(); };
  events.done = [&](absl::Status status, std::shared_ptr<OutboundStream> stream) {
    why = std::move(status);
    last = std::move(stream);
    done.Notify();
  };
  auto stream = DialStream(b_.executor(), a_.endpoint(),
                           {"test", b_.endpoint(), static_cast<VerbClass>(77)}, events);
  done.Wait();
  EXPECT_EQ(why.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(why.message()).find("no class 77 of streams"), std::string::npos) << why;
}

// Bytes that are no frame end their stream, and only that.
TEST_F(GrpcTransportTest, MalformedFramesEndTheStream) {
  Notification up, done;
  absl::Status why;
  std::shared_ptr<OutboundStream> last;
  OutboundEvents events;
  events.up = [&] { up.Notify(); };
  events.received = [](std::string_view) { return absl::OkStatus(); };
  events.done = [&](absl::Status status, std::shared_ptr<OutboundStream> stream) {
    why = std::move(status);
    last = std::move(stream);
    done.Notify();
  };
  auto stream =
      DialStream(b_.executor(), a_.endpoint(), {"test", b_.endpoint(), VerbClass::kBulk}, events);
  up.Wait();
  stream->Push({"these bytes are no frame, surely not", {}});
  done.Wait();
  EXPECT_EQ(why.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(why.message()).find("malformed internode frame"), std::string::npos);
  EXPECT_TRUE(b_.Call({a_.endpoint(), Verb::kEcho, kNoToken, ""}).ok());
}

// Calls until one is answered.
bool EventuallyAnswers(Node& node, const Endpoint& to, absl::Duration patience) {
  const base::Deadline deadline = node.Soon(patience);
  while (node.Soon(absl::ZeroDuration()) < deadline) {
    if (node.Call({to, Verb::kEcho, kNoToken, ""}, patience).ok()) return true;
  }
  return false;
}

Task<void> CallHint(Node* node, Endpoint to, absl::StatusOr<std::string>* result,
                    Notification* ended) {
  *result = OwnCopy(co_await node->transport().Call({to, Verb::kRepairWrite, kNoToken, ""},
                                                    node->Soon(absl::Seconds(60))));
  ended->Notify();
}

TEST_F(GrpcTransportTest, APeerStopsUnderACallAndComesBack) {
  const Endpoint endpoint = b_.endpoint();
  absl::StatusOr<std::string> result = absl::UnknownError("");
  Notification ended;
  SpawnDetached(a_.executor().shard(0), CallHint(&a_, endpoint, &result, &ended));
  while (b_.held_started == 0) std::this_thread::yield();
  std::thread stop([&] { b_.Stop(); });
  ended.Wait();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
  EXPECT_TRUE(IsBrokenOff(result.status())) << result.status();
  // Stop() waits for the handler.
  BlockOn(b_.executor().shard(0), SetEvent(&b_.release()));
  stop.join();

  GrpcTransportOptions options;
  options.listen = endpoint;
  Node again(options);
  ASSERT_TRUE(again.Start().ok());
  EXPECT_TRUE(EventuallyAnswers(a_, endpoint, absl::Seconds(20)));
}

Task<void> CallUntilStopped(Node* node, Endpoint to, const std::atomic<bool>* stop,
                            std::atomic<int>* unexpected) {
  while (!*stop) {
    const auto result = co_await node->transport().Call(
        {to, Verb::kWrite, kTokenOfShard1, std::string(1000, 'l')}, node->Soon(absl::Seconds(60)));
    if (!result.ok() && result.status().code() != absl::StatusCode::kUnavailable) ++*unexpected;
    co_await base::Yield();
  }
}

Task<void> Load(Node* node, Endpoint to, const std::atomic<bool>* stop,
                std::atomic<int>* unexpected) {
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 100; ++i) tasks.push_back(CallUntilStopped(node, to, stop, unexpected));
  co_await WhenAll(std::move(tasks));
}

TEST_F(GrpcTransportTest, StopsUnderLoad) {
  std::atomic<bool> stop = false;
  std::atomic<int> unexpected = 0;
  std::vector<std::thread> load;
  for (int shard = 0; shard < 2; ++shard) {
    load.emplace_back([&, shard] {
      BlockOn(a_.executor().shard(shard), Load(&a_, b_.endpoint(), &stop, &unexpected));
    });
    load.emplace_back([&, shard] {
      BlockOn(b_.executor().shard(shard), Load(&b_, a_.endpoint(), &stop, &unexpected));
    });
  }
  while (b_.CounterOnShard0("tholos_internode_sent_total") < 2000) std::this_thread::yield();
  b_.Stop();
  EXPECT_EQ(b_.Call({a_.endpoint(), Verb::kEcho, kNoToken, ""}).status().code(),
            absl::StatusCode::kUnavailable);
  a_.Stop();
  stop = true;
  for (std::thread& thread : load) thread.join();
  EXPECT_EQ(unexpected, 0);
}

TEST(GrpcClient, AttemptsComeAndGo) {
  const base::RealClock clock;
  base::RealExecutorOptions threads;
  threads.shards = 1;
  threads.background = 1;
  const auto executor = base::RealExecutor::Start(threads, clock);
  for (int i = 0; i < 300; ++i) {
    Notification ended;
    std::shared_ptr<OutboundStream> last;
    OutboundEvents events;
    events.up = [] {};
    events.received = [](std::string_view) { return absl::OkStatus(); };
    events.done = [&](absl::Status status, std::shared_ptr<OutboundStream> stream) {
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
      last = std::move(stream);
      ended.Notify();
    };
    std::shared_ptr<OutboundStream> stream =
        DialStream(*executor, {"127.61.7.9", 1}, {"test", {"127.61.7.9", 2}}, std::move(events));
    ended.Wait();
    EXPECT_EQ(last, stream);
  }
}

TEST(ByteBudget, GivesOutNoMoreThanItHas) {
  int room = 0;
  auto budget = std::make_shared<ByteBudget>(100, nullptr, [&] { ++room; });
  ByteBudget::Hold a = ByteBudget::TryTake(budget, 60);
  ByteBudget::Hold b = ByteBudget::TryTake(budget, 40);
  EXPECT_TRUE(a && b);
  EXPECT_FALSE(ByteBudget::TryTake(budget, 1));
  ByteBudget::Hold c = ByteBudget::Take(budget, 30);
  EXPECT_EQ(budget->used(), 130u);
  c.Release();
  EXPECT_EQ(room, 0);
  a.Merge(std::move(b));
  EXPECT_EQ(a.bytes(), 100u);
  a.Release();
  EXPECT_EQ(room, 1);
  EXPECT_EQ(budget->used(), 0u);
  EXPECT_TRUE(ByteBudget::TryTake(budget, 1000));
}

// Another process: this program, run with a filter for the test below, which writes its port and
// serves until it is killed.
class PeerProcess {
 public:
  PeerProcess() {
    int fds[2];
    EXPECT_EQ(pipe(fds), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 3);
    std::string program = "grpc_transport_test";
    std::string filter = "--gtest_filter=Peer.DISABLED_Serves";
    std::string also = "--gtest_also_run_disabled_tests";
    char* arguments[] = {program.data(), filter.data(), also.data(), nullptr};
    EXPECT_EQ(posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    EXPECT_EQ(read(fds[0], &port_, sizeof(port_)), static_cast<ssize_t>(sizeof(port_)));
    close(fds[0]);
  }
  ~PeerProcess() { Kill(); }
  void Kill() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  void Freeze() { kill(pid_, SIGSTOP); }
  Endpoint endpoint() const { return {"127.0.0.1", port_}; }

 private:
  pid_t pid_ = 0;
  uint16_t port_ = 0;
};

TEST(Peer, DISABLED_Serves) {
  Node node;
  ASSERT_TRUE(node.Start().ok());
  const uint16_t port = node.endpoint().port;
  ASSERT_EQ(write(3, &port, sizeof(port)), static_cast<ssize_t>(sizeof(port)));
  while (true) pause();
}

TEST_F(GrpcTransportTest, AKilledPeerEndsItsCalls) {
  PeerProcess peer;
  ASSERT_TRUE(a_.Call({peer.endpoint(), Verb::kWrite, kNoToken, ""}).ok());
  absl::StatusOr<std::string> result = absl::UnknownError("");
  Notification ended;
  SpawnDetached(a_.executor().shard(1), CallHint(&a_, peer.endpoint(), &result, &ended));
  ASSERT_TRUE(a_.Call({peer.endpoint(), Verb::kWrite, kNoToken, ""}).ok());
  peer.Kill();
  ASSERT_TRUE(ended.WaitFor(absl::Seconds(10)));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
}

TEST_F(GrpcTransportTest, ASilentPeerIsNoticed) {
  PeerProcess peer;
  ASSERT_TRUE(a_.Call({peer.endpoint(), Verb::kWrite, kNoToken, ""}).ok());
  peer.Freeze();
  absl::StatusOr<std::string> result = absl::UnknownError("");
  Notification ended;
  SpawnDetached(a_.executor().shard(1), CallHint(&a_, peer.endpoint(), &result, &ended));
  ASSERT_TRUE(ended.WaitFor(absl::Seconds(15)));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
}

// More than its socket and its queue take; others are served meanwhile.
TEST_F(GrpcTransportTest, ASilentPeerBehindAFullSocketIsNoticed) {
  PeerProcess peer;
  ASSERT_TRUE(a_.Call({peer.endpoint(), Verb::kWrite, kNoToken, ""}).ok());
  peer.Freeze();
  std::vector<absl::StatusCode> codes;
  Notification ended;
  std::thread caller([&] {
    codes = BlockOn(a_.executor().shard(1), CallsAtOnce(&a_, peer.endpoint(), 40, 1 << 20));
    ended.Notify();
  });
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(a_.Call({b_.endpoint(), Verb::kWrite, kNoToken, "other"}).ok());
  }
  EXPECT_TRUE(ended.WaitFor(absl::Seconds(15)));
  caller.join();
  EXPECT_EQ(codes, std::vector<absl::StatusCode>(40, absl::StatusCode::kUnavailable));
  EXPECT_EQ(a_.QueuedBytes(peer.endpoint()), 0);
}

}  // namespace
}  // namespace tholos::rpc
