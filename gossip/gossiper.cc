#include "gossip/gossiper.h"

#include <algorithm>
#include <utility>

#include "base/async/when_all.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/strings.h"

namespace tholos::gossip {
namespace {

// How many peers and seeds the first round goes to: a node that comes back is seen by everybody at
// once.
constexpr size_t kFirstTargetsMax = 16;
constexpr int kProbesMax = 10;

}  // namespace

Gossiper::Gossiper(GossiperOptions options, GossiperDeps deps, NodeId self, int64_t generation)
    : options_(std::move(options)),
      deps_(deps),
      self_(self),
      state_(self, generation),
      detector_(options_.phi),
      picker_(deps.random.Stream("gossip")),
      own_clock_refused_(deps.skew.max(), /*lasting=*/absl::ZeroDuration()),
      known_gauge_(
          deps.metrics.AddGauge("tholos_gossip_known_nodes", "Nodes known, this one included.")),
      alive_gauge_(deps.metrics.AddGauge("tholos_gossip_alive_nodes",
                                         "Nodes believed alive, this one included.")),
      clock_ahead_gauge_(deps.metrics.AddGauge(
          "tholos_gossip_clock_ahead_microseconds",
          "How far this node's clock is ahead of the cluster's (below zero: behind).")),
      clock_offset_gauge_(deps.metrics.AddGauge(
          "tholos_gossip_clock_offset_microseconds",
          "The clock of the live peer that differs most, minus this node's.")),
      rounds_(deps.metrics.AddCounter("tholos_gossip_rounds_total", "Rounds of gossip.")),
      convictions_(deps.metrics.AddCounter("tholos_gossip_convictions_total",
                                           "Peers found dead by silence or refusal.")),
      malformed_(deps.metrics.AddCounter("tholos_gossip_malformed_messages_total",
                                         "Gossip messages that could not be decoded.")) {
  PublishLiveness();
}

Gossiper::~Gossiper() {
  THOLOS_CHECK(!started_ || stopping_ || base::Loop::CurrentCrashed()) << "not stopped";
  deps_.liveness.OnSuspect(nullptr);
}

base::MonotonicTime Gossiper::Now() const { return base::Loop::Current().clock().Now(); }

double Gossiper::Phi(const NodeId& id) const { return detector_.Phi(id, Now()); }

std::optional<base::Endpoint> Gossiper::AddressOf(const NodeId& id) const {
  const EndpointState* state = state_.Find(id);
  if (state == nullptr) return std::nullopt;
  auto endpoint = base::Endpoint::Parse(state->Get(StateKey::kInternode));
  if (!endpoint.ok()) return std::nullopt;
  return *std::move(endpoint);
}

void Gossiper::Remember(const NodeId& id, const absl::btree_map<StateKey, std::string>& values) {
  if (id != self_) state_.Remember(id, values);
}

void Gossiper::SetOwn(StateKey key, std::string value) { state_.SetOwn(key, std::move(value)); }

std::vector<base::Endpoint> Gossiper::OtherSeeds() const {
  std::vector<base::Endpoint> seeds;
  for (const base::Endpoint& seed : options_.seeds) {
    if (seed != deps_.transport.self()) seeds.push_back(seed);
  }
  return seeds;
}

void Gossiper::Start() {
  THOLOS_CHECK(!started_) << "started twice";
  started_ = true;
  base::Loop& loop = base::Loop::Current();
  std::weak_ptr<bool> here = here_;
  deps_.liveness.OnSuspect([this, here, &loop] {
    loop.Post([this, here] {
      if (!here.expired()) ProbeSuspects();
    });
  });
  scope_.Spawn(Run());
}

base::Task<void> Gossiper::Stop() {
  if (stopping_) co_return;
  stopping_ = true;
  deps_.liveness.OnSuspect(nullptr);
  stop_.Set();
  co_await scope_.Stop();
  if (!started_) co_return;
  state_.SetOwn(StateKey::kShutdown, "1");
  std::vector<base::Task<void>> announcements;
  for (const auto& [id, state] : state_.endpoints()) {
    const auto address = AddressOf(id);
    if (id != self_ && detector_.IsAlive(id) && address.has_value()) {
      announcements.push_back(Announce(*address));
    }
  }
  co_await base::WhenAll(std::move(announcements));
}

base::Task<void> Gossiper::Announce(base::Endpoint to) {
  const Ack2 message{Self(), {state_.OwnDelta()}};
  // Whoever misses it finds out by itself.
  (void)co_await deps_.transport.Call(
      {.to = std::move(to), .verb = rpc::Verb::kGossipAck, .body = Encode(message)},
      Now() + options_.announce_timeout);
}

base::Task<void> Gossiper::Run() {
  bool first = true;
  base::MonotonicTime next = Now();
  while (!stopping_) {
    Round(first);
    first = false;
    next = std::max(next + options_.interval, Now());
    co_await stop_.WaitUntil(next);
  }
}

void Gossiper::Round(bool first) {
  rounds_.Add();
  state_.Beat();
  NoteIfSet();
  for (const NodeId& id : detector_.Tick(Now())) {
    convictions_.Add();
    Died(id, "silent");
  }
  PublishSkew();
  for (base::Endpoint& target : Targets(first)) {
    if (exchanging_.insert(target).second) scope_.Spawn(GossipTo(std::move(target)));
  }
}

std::vector<base::Endpoint> Gossiper::Targets(bool first) {
  std::vector<base::Endpoint> live, dead;
  for (const auto& [id, state] : state_.endpoints()) {
    const auto address = AddressOf(id);
    if (id == self_ || !address.has_value() || *address == deps_.transport.self()) continue;
    (detector_.IsAlive(id) ? live : dead).push_back(*address);
  }
  const std::vector<base::Endpoint> seeds = OtherSeeds();
  if (!first) return picker_.Pick(live, dead, seeds);
  absl::btree_set<base::Endpoint> all(seeds.begin(), seeds.end());
  all.insert(live.begin(), live.end());
  all.insert(dead.begin(), dead.end());
  std::vector<base::Endpoint> targets(all.begin(), all.end());
  if (targets.size() > kFirstTargetsMax) targets.resize(kFirstTargetsMax);
  return targets;
}

// The three messages of an exchange (message.h), from the side that begins.
base::Task<void> Gossiper::GossipTo(base::Endpoint to) {
  const ClockReading before = ReadClocks();
  auto answer = co_await deps_.transport.Call(
      {.to = to, .verb = rpc::Verb::kGossipSyn, .body = Encode(MakeSyn(/*shadow=*/false))},
      Now() + options_.call_timeout);
  const ClockReading after = ReadClocks();
  exchanging_.erase(to);
  if (!answer.ok()) {
    if (absl::IsFailedPrecondition(answer.status())) {
      WarnOnce(base::StrCat(to.ToString(),
                            " refuses to gossip: ", base::ToStd(answer.status().message())));
    }
    if (!absl::IsUnavailable(answer.status())) co_return;
    std::vector<NodeId> there;
    for (const auto& [id, state] : state_.endpoints()) {
      if (id != self_ && AddressOf(id) == to) there.push_back(id);
    }
    for (const NodeId& id : there) Refused(id);
    co_return;
  }
  const auto ack = DecodeAck(*answer);
  if (!ack.ok()) {
    (void)Malformed(to, ack.status());
    co_return;
  }
  ApplyDeltas(ack->deltas);
  Answered(ack->sender);
  Measure(ack->sender, before, after);
  if (ack->requests.empty()) co_return;
  const Ack2 ack2{Self(), state_.DeltasFor(ack->requests)};
  // What it answers says only that it has it now, which SpreadNow waits for.
  (void)co_await deps_.transport.Call(
      {.to = to, .verb = rpc::Verb::kGossipAck, .body = Encode(ack2)},
      Now() + options_.call_timeout);
}

base::Task<void> Gossiper::SpreadNow() {
  for (int pass = 0; pass < 2 && !stopping_; ++pass) {
    std::vector<base::Endpoint> live;
    for (const auto& [id, state] : state_.endpoints()) {
      if (id == self_ || !detector_.IsAlive(id)) continue;
      if (auto address = AddressOf(id); address.has_value()) live.push_back(*std::move(address));
    }
    if (live.size() > kSpreadMax) co_return;
    // Beside one of a round that may be under way: that one may have missed what is new.
    std::vector<base::Task<void>> exchanges;
    for (base::Endpoint& to : live) exchanges.push_back(GossipTo(std::move(to)));
    co_await base::WhenAll(std::move(exchanges));
  }
}

base::Task<SeedAnswers> Gossiper::AskSeeds() {
  SeedAnswers answers;
  std::vector<base::Task<void>> calls;
  for (const base::Endpoint& seed : OtherSeeds()) calls.push_back(AskSeed(seed, &answers));
  answers.asked = static_cast<int>(calls.size());
  co_await base::WhenAll(std::move(calls));
  co_return answers;
}

base::Task<void> Gossiper::AskSeed(base::Endpoint seed, SeedAnswers* answers) {
  auto answer = co_await deps_.transport.Call(
      {.to = seed, .verb = rpc::Verb::kGossipSyn, .body = Encode(MakeSyn(/*shadow=*/true))},
      Now() + options_.call_timeout);
  if (absl::IsUnavailable(answer.status())) ++answers->refused;
  if (absl::IsFailedPrecondition(answer.status())) {
    answers->rejection = absl::FailedPreconditionError(
        base::StrCat("seed ", seed.ToString(), ": ", base::ToStd(answer.status().message())));
  }
  if (!answer.ok()) co_return;
  const auto ack = DecodeAck(*answer);
  if (!ack.ok()) {
    (void)Malformed(seed, ack.status());
    co_return;
  }
  ++answers->answered;
  ApplyDeltas(ack->deltas);
}

void Gossiper::StartProbe(const NodeId& id, bool at_once) {
  if (!started_ || stopping_ || !probing_.insert(id).second) return;
  scope_.Spawn(Probe(id, at_once));
}

// Asks a peer that refused until it answers or is convicted; one that is only to be greeted
// (`at_once`) only if it refuses too. Gives up after kProbesMax: then silence will tell.
base::Task<void> Gossiper::Probe(NodeId id, bool at_once) {
  bool go_on = !at_once || co_await EchoOnce(id) == Outcome::kRefused;
  for (int i = 0; go_on && i < kProbesMax && detector_.IsAlive(id); ++i) {
    if (co_await stop_.WaitUntil(Now() + kProbeInterval)) break;
    go_on = co_await EchoOnce(id) != Outcome::kAnswered;
  }
  probing_.erase(id);
}

base::Task<Gossiper::Outcome> Gossiper::EchoOnce(NodeId id) {
  const auto to = AddressOf(id);
  if (!to.has_value()) co_return Outcome::kLost;
  const ClockReading before = ReadClocks();
  auto answer = co_await deps_.transport.Call(
      {.to = *to, .verb = rpc::Verb::kEcho, .body = Encode(Echo{Self()})},
      Now() + options_.call_timeout);
  const ClockReading after = ReadClocks();
  if (absl::IsUnavailable(answer.status())) {
    Refused(id);
    co_return Outcome::kRefused;
  }
  if (!answer.ok()) co_return Outcome::kLost;
  const auto echo = DecodeEcho(*answer);
  if (!echo.ok()) {
    (void)Malformed(*to, echo.status());
    co_return Outcome::kLost;
  }
  Answered(echo->sender);
  Measure(echo->sender, before, after);
  if (echo->sender.id == id) co_return Outcome::kAnswered;
  // Another node listens at its address now.
  WarnOnce(base::StrCat("at ", to->ToString(), " there is node ", echo->sender.id.ToString(),
                        " and no longer ", id.ToString()));
  co_return Outcome::kLost;
}

void Gossiper::ProbeSuspects() {
  for (const NodeId& id : deps_.liveness.TakeSuspects()) {
    if (id != self_ && detector_.IsAlive(id)) StartProbe(id, /*at_once=*/true);
  }
}

}  // namespace tholos::gossip
