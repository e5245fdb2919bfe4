#include "rpc/sim_transport.h"

#include <functional>
#include <memory>
#include <set>

#include "base/async/when_all.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/sim/sim_node.h"
#include "base/sim/simulation.h"
#include "base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::rpc {
namespace {

using base::Task;
using base::sim::SimNode;
using base::sim::Simulation;
using testing::HasSubstr;
using Result = absl::StatusOr<std::string>;

Endpoint EndpointOf(const std::string& name) { return {name, 7000}; }

// Answers echoes, and counts them.
class Server {
 public:
  Server(SimNetwork& network, SimNode& node)
      : node_(node), transport_(network, node, EndpointOf(node.name())) {
    transport_.Handle(Verb::kEcho, [this](Incoming message) { return Echo(std::move(message)); });
    transport_.Handle(Verb::kWrite,
                      [this](Incoming message) { return Refuse(std::move(message)); });
    transport_.Handle(Verb::kReadData,
                      [this](Incoming message) { return Dawdle(std::move(message)); });
  }
  Task<void> Start() {
    const absl::Status status = co_await transport_.Start();
    THOLOS_CHECK(status.ok()) << status;
  }
  SimTransport& transport() { return transport_; }
  int echoes() const { return echoes_; }
  int last_shard() const { return last_shard_; }
  int dawdled() const { return dawdled_; }

 private:
  Task<Result> Echo(Incoming message) {
    ++echoes_;
    last_shard_ = node_.executor().current_shard();
    co_await base::Yield();
    co_return base::StrCat(message.from.host, ": ", message.body);
  }
  Task<Result> Refuse(Incoming) {
    co_return base::MakeRequestError({.kind = base::RequestErrorKind::kUnavailable, .required = 2},
                                     "one replica is alive");
  }
  Task<Result> Dawdle(Incoming) {
    co_await base::SleepFor(absl::Seconds(10));
    ++dawdled_;
    co_return "at last";
  }

  SimNode& node_;
  SimTransport transport_;
  int echoes_ = 0;
  int last_shard_ = -1;
  int dawdled_ = 0;
};

Task<void> CallInto(SimTransport* transport, Outgoing message, base::Deadline deadline,
                    std::optional<Result>* result) {
  *result = co_await transport->Call(std::move(message), deadline);
}

// Two nodes with a server each.
class SimTransportTest : public testing::Test {
 protected:
  explicit SimTransportTest(uint64_t seed = 1)
      : simulation_({.seed = seed}), network_(simulation_) {
    for (const char* name : {"a", "b"}) Boot(simulation_.AddNode(name, {}));
  }

  void Boot(SimNode& node) {
    node.Boot();
    Server& server = node.Own(std::make_unique<Server>(network_, node));
    servers_[node.name()] = &server;
    node.Spawn(server.Start());
    simulation_.RunFor(absl::Milliseconds(1));
  }
  SimNode& node(const std::string& name) { return *simulation_.FindNode(name); }
  Server& server(const std::string& name) { return *servers_.at(name); }

  // Starts a call from a to b.
  void StartCall(Verb verb, std::string body, absl::Duration timeout, int64_t token = kNoToken) {
    result_.reset();
    node("a").Spawn(
        CallInto(&server("a").transport(),
                 {.to = EndpointOf("b"), .verb = verb, .token = token, .body = std::move(body)},
                 node("a").clock().Now() + timeout, &result_));
  }
  Result FinishCall() {
    const auto outcome =
        simulation_.RunUntil([&] { return result_.has_value(); }, absl::Minutes(10));
    EXPECT_EQ(outcome, Simulation::Outcome::kReached);
    return *result_;
  }
  Result Call(Verb verb, std::string body, absl::Duration timeout = absl::Seconds(1),
              int64_t token = kNoToken) {
    StartCall(verb, std::move(body), timeout, token);
    return FinishCall();
  }

  Simulation simulation_;
  SimNetwork network_;
  std::map<std::string, Server*> servers_;
  std::optional<Result> result_;
};

TEST_F(SimTransportTest, CarriesBodiesAndErrorsToTheShardOfTheToken) {
  EXPECT_EQ(*Call(Verb::kEcho, "hello"), "a: hello");
  EXPECT_EQ(server("b").last_shard(), 0);
  EXPECT_EQ(*Call(Verb::kEcho, std::string("\0x", 2), absl::Seconds(1), 1),
            std::string("a: \0x", 5));
  EXPECT_EQ(server("b").last_shard(), 1);

  const absl::Status refused = Call(Verb::kWrite, "").status();
  EXPECT_EQ(base::GetRequestError(refused)->required, 2u);
  EXPECT_EQ(refused.message(), "one replica is alive");
  EXPECT_EQ(Call(Verb::kHint, "").status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(Call(Verb::kEcho, std::string(kMessageBytesMax + 1, 'x')).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(SimTransportTest, ADeadlineEndsACallButNotItsWork) {
  const base::MonotonicTime start = node("a").clock().Now();
  const absl::Status status = Call(Verb::kReadData, "", absl::Seconds(2)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(status.ToString(), HasSubstr("READ_DATA to b:7000"));
  EXPECT_NEAR(absl::ToDoubleSeconds(node("a").clock().Now() - start), 2, 0.1);
  simulation_.RunFor(absl::Seconds(20));
  EXPECT_EQ(server("b").dawdled(), 1);
  EXPECT_EQ(Call(Verb::kEcho, "", absl::ZeroDuration()).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server("b").echoes(), 0) << "expired work is not sent";
}

TEST_F(SimTransportTest, WorkThatExpiresInTheQueueOfItsShardIsNotStarted) {
  StartCall(Verb::kEcho, "", absl::Seconds(1));
  simulation_.RunUntil([&] { return network_.counts().delivered == 1; }, absl::Seconds(1));
  node("b").clock().RestartMonotonic(node("b").clock().Now() + absl::Seconds(2));
  EXPECT_EQ(FinishCall().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server("b").echoes(), 0);
}

TEST_F(SimTransportTest, SendAsksForNoAnswer) {
  node("a").executor().shard(0).Post([&] {
    server("a").transport().Send({.to = EndpointOf("b"), .verb = Verb::kEcho, .body = "x"});
    server("a").transport().Send({.to = EndpointOf("nobody"), .verb = Verb::kEcho, .body = "x"});
  });
  simulation_.RunFor(absl::Seconds(1));
  EXPECT_EQ(server("b").echoes(), 1);
  EXPECT_EQ(network_.counts().sent, 2u);
}

TEST_F(SimTransportTest, OneWayPartitions) {
  network_.Cut("b", "a");  // requests arrive, answers do not
  EXPECT_EQ(Call(Verb::kEcho, "").status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server("b").echoes(), 1);
  network_.HealAll();
  network_.Cut("a", "b");
  EXPECT_EQ(Call(Verb::kEcho, "").status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server("b").echoes(), 1);
  network_.Heal("a", "b");
  EXPECT_TRUE(Call(Verb::kEcho, "").ok());
  network_.Isolate("b");
  EXPECT_FALSE(Call(Verb::kEcho, "").ok());
}

TEST_F(SimTransportTest, ACloggedLinkDeliversLate) {
  network_.Clog("a", "b", absl::Seconds(5));
  const base::MonotonicTime start = simulation_.now();
  EXPECT_TRUE(Call(Verb::kEcho, "", absl::Seconds(10)).ok());
  EXPECT_GE(simulation_.now() - start, absl::Seconds(5));
  network_.link("a", "b").queue_bytes_max = 100;
  EXPECT_EQ(Call(Verb::kEcho, std::string(101, 'x')).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(SimTransportTest, AResetBreaksPendingCallsAndNoLaterOnes) {
  StartCall(Verb::kReadData, "", absl::Minutes(1));
  simulation_.RunFor(absl::Seconds(1));
  network_.Reset("b", "a");
  const absl::Status broken = FinishCall().status();
  EXPECT_EQ(broken.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsBrokenOff(broken));
  EXPECT_TRUE(Call(Verb::kEcho, "").ok());

  network_.Clog("a", "b", absl::Seconds(1));
  StartCall(Verb::kEcho, "", absl::Minutes(1));
  simulation_.RunFor(absl::Milliseconds(1));
  network_.Reset("a", "b");
  EXPECT_EQ(FinishCall().status().code(), absl::StatusCode::kUnavailable);
  simulation_.RunFor(absl::Seconds(5));
  EXPECT_EQ(server("b").echoes(), 1) << "what was on its way is lost";
}

TEST_F(SimTransportTest, LossAndDuplication) {
  network_.defaults().loss = 0.5;
  int lost = 0;
  for (int i = 0; i < 40; ++i) lost += !Call(Verb::kEcho, "").ok();
  EXPECT_GT(lost, 10);
  EXPECT_LT(lost, 40);
  network_.defaults().loss = 0;
  network_.defaults().duplicates = 1;
  const int before = server("b").echoes();
  EXPECT_TRUE(Call(Verb::kEcho, "").ok());
  simulation_.RunFor(absl::Seconds(1));
  EXPECT_EQ(server("b").echoes(), before + 2);
}

TEST_F(SimTransportTest, MessagesOvertakeEachOther) {
  std::vector<std::optional<Result>> results(20);
  std::vector<int> order;
  for (int i = 0; i < 20; ++i) {
    node("a").Spawn(CallInto(&server("a").transport(),
                             {.to = EndpointOf("b"), .verb = Verb::kEcho, .body = "x"},
                             base::Deadline::Infinite(), &results[i]));
  }
  simulation_.RunUntil(
      [&] {
        for (int i = 0; i < 20; ++i) {
          if (results[i].has_value() && std::find(order.begin(), order.end(), i) == order.end()) {
            order.push_back(i);
          }
        }
        return order.size() == 20;
      },
      absl::Minutes(1));
  EXPECT_EQ(order.size(), 20u);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(SimTransportTest, ACallToADeadNodeIsRefusedOrTimesOut) {
  node("b").Kill();
  std::set<absl::StatusCode> codes;
  for (int i = 0; i < 20; ++i) {
    const absl::Status status = Call(Verb::kEcho, "").status();
    codes.insert(status.code());
    EXPECT_FALSE(IsBrokenOff(status)) << "it never came there";
  }
  EXPECT_EQ(codes, (std::set<absl::StatusCode>{absl::StatusCode::kUnavailable,
                                               absl::StatusCode::kDeadlineExceeded}));
  Boot(node("b"));
  EXPECT_TRUE(Call(Verb::kEcho, "").ok());
}

TEST_F(SimTransportTest, ACallToANodeThatDiesBreaksOrTimesOut) {
  std::set<absl::StatusCode> codes;
  for (int i = 0; i < 20; ++i) {
    StartCall(Verb::kReadData, "", absl::Seconds(30));
    simulation_.RunFor(absl::Seconds(1));
    node("b").Kill();
    Boot(node("b"));  // what was sent to the old process does not reach the new one
    codes.insert(FinishCall().status().code());
    EXPECT_EQ(server("b").dawdled(), 0);
  }
  EXPECT_EQ(codes, (std::set<absl::StatusCode>{absl::StatusCode::kUnavailable,
                                               absl::StatusCode::kDeadlineExceeded}));
}

TEST_F(SimTransportTest, AnAnswerToAProcessNeverReachesTheNextOne) {
  network_.link("b", "a").delay_min = absl::Seconds(5);
  StartCall(Verb::kEcho, "old", absl::Seconds(10));
  simulation_.RunFor(absl::Seconds(1));
  EXPECT_EQ(server("b").echoes(), 1);
  node("a").Kill();
  Boot(node("a"));
  // Has the request id of the old call, whose answer arrives first.
  EXPECT_EQ(*Call(Verb::kEcho, "new", absl::Seconds(10)), "a: new");
}

TEST_F(SimTransportTest, AProcessIsNotAnsweredWhatItsPredecessorAsked) {
  StartCall(Verb::kReadData, "", absl::Minutes(1));
  simulation_.RunFor(absl::Seconds(1));
  node("a").Kill();
  Boot(node("a"));
  network_.link("a", "b").delay_min = absl::Seconds(20);
  EXPECT_EQ(*Call(Verb::kEcho, "new", absl::Minutes(1)), "a: new");
  EXPECT_EQ(server("b").dawdled(), 1);
}

TEST_F(SimTransportTest, ARequestToAProcessNeverReachesTheNextOne) {
  network_.Clog("a", "b", absl::Seconds(5));
  StartCall(Verb::kEcho, "", absl::Seconds(10));
  simulation_.RunFor(absl::Seconds(1));
  node("b").Kill();
  Boot(node("b"));
  EXPECT_FALSE(FinishCall().ok());
  EXPECT_EQ(server("b").echoes(), 0);
}

TEST_F(SimTransportTest, AnAddressInUseIsReported) {
  SimNode& c = simulation_.AddNode("c", {});
  c.Boot();
  SimTransport& second = c.Own(std::make_unique<SimTransport>(network_, c, EndpointOf("a")));
  absl::Status status;
  const auto start = [](SimTransport* transport, absl::Status* out) -> Task<void> {
    *out = co_await transport->Start();
  };
  c.Spawn(start(&second, &status));
  simulation_.RunFor(absl::Milliseconds(1));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.ToString(), HasSubstr("a:7000"));
}

Task<void> StopInto(SimTransport* transport, bool* stopped) {
  co_await transport->Stop();
  *stopped = true;
}

TEST_F(SimTransportTest, StopEndsCallsAndWaitsForHandlers) {
  StartCall(Verb::kReadData, "", absl::Minutes(1));
  simulation_.RunFor(absl::Seconds(1));
  bool a_stopped = false, b_stopped = false;
  node("b").Spawn(StopInto(&server("b").transport(), &b_stopped));
  simulation_.RunFor(absl::Seconds(2));
  EXPECT_FALSE(b_stopped) << "a handler still runs";
  EXPECT_FALSE(result_.has_value());
  node("a").Spawn(StopInto(&server("a").transport(), &a_stopped));
  EXPECT_EQ(FinishCall().status().code(), absl::StatusCode::kUnavailable);
  simulation_.RunFor(absl::Seconds(20));
  EXPECT_TRUE(a_stopped && b_stopped);
  EXPECT_EQ(server("b").dawdled(), 1);
  node("a").Shutdown();
  node("b").Shutdown();
}

class Chatter : public SimTransportTest {
 public:
  explicit Chatter(uint64_t seed) : SimTransportTest(seed) {}
  void TestBody() override {}

  uint64_t Run() {
    network_.defaults().loss = 0.05;
    network_.defaults().duplicates = 0.05;
    network_.defaults().slow_messages = 0.1;
    base::RandomStream random = simulation_.Stream("chatter");
    for (int round = 0; round < 10; ++round) {
      std::vector<std::optional<Result>> results(10);
      for (auto& result : results) {
        node("a").Spawn(CallInto(&server("a").transport(),
                                 {.to = EndpointOf("b"),
                                  .verb = random.Chance(0.7) ? Verb::kEcho : Verb::kReadData,
                                  .token = static_cast<int64_t>(random.Next()),
                                  .body = base::StrCat(random.Below(1000))},
                                 node("a").clock().Now() + absl::Seconds(20), &result));
      }
      simulation_.RunFor(absl::Milliseconds(random.Below(100)));
      if (random.Chance(0.5)) network_.Cut("b", "a");
      if (random.Chance(0.5)) network_.Reset("a", "b");
      simulation_.RunFor(absl::Milliseconds(random.Below(15000)));
      if (random.Chance(0.5)) node("b").Kill();
      simulation_.RunFor(absl::Seconds(21));
      for (const auto& result : results) EXPECT_TRUE(result.has_value());
      network_.HealAll();
      if (!node("b").running()) Boot(node("b"));
    }
    return simulation_.trace().hash();
  }
};

TEST(SimNetwork, ASeedReplaysItself) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const uint64_t hash = Chatter(seed).Run();
    EXPECT_EQ(hash, Chatter(seed).Run()) << seed;
    hashes.insert(hash);
  }
  EXPECT_EQ(hashes.size(), 10u);
}

}  // namespace
}  // namespace tholos::rpc
