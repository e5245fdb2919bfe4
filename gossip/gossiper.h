// Gossiper: the driver of gossip. It has the time and the messages; what they mean is decided by
// pure parts: GossipState (who knows what), FailureDetector (who is alive), TargetPicker (whom to
// talk to) and ClockSkew (how wrong the clocks are).
//
// Once an interval it makes this node's heartbeat advance, exchanges states with a few peers and
// looks for silent ones. A peer that is heard of is asked (kEcho) before it counts as alive. A peer
// that refuses a call is probed until it answers or is convicted (failure_detector.h), so the death
// of a process is seen in about two to three seconds, while the death of a machine takes about 18.
//
// Exchanges and echoes also carry the peers' wall clocks. Where one differs from this node's by more
// than half a second for a while there are lines in the log, and gauges always.
//
// Shard 0 only, but for LivenessView and SkewView, through which every shard sees the result. Order
// of calls:
//
//   RegisterHandlers   before the transport starts; other nodes are answered from then on
//   Remember, SetOwn, Observe, AskSeeds
//   Start
//   Stop               tells the peers (so that they need not find out), before the transport stops
//   destructor         after the transport stopped: handlers refer to this object
//
// Refused, with a line in the log: nodes of another cluster name or partitioner, a node with this
// node's id, a node that claims to be in the life that another one leads at another address.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "gossip/clock_skew.h"
#include "gossip/failure_detector.h"
#include "gossip/gossip_state.h"
#include "gossip/liveness.h"
#include "gossip/skew_view.h"
#include "gossip/target_picker.h"
#include "rpc/transport.h"

namespace tholos::gossip {

struct GossiperOptions {
  std::string cluster_name;
  // This node may be among them.
  std::vector<base::Endpoint> seeds;
  absl::Duration interval = absl::Seconds(1);
  // Of one exchange or echo. Less than the interval: there is one exchange at a time with a peer, so
  // one that is lost and waited for until the next round would cost that round, too.
  absl::Duration call_timeout = absl::Milliseconds(900);
  // How long Stop tries to tell the peers.
  absl::Duration announce_timeout = absl::Milliseconds(500);
  PhiOptions phi;
};

struct GossiperDeps {
  base::Random& random;
  rpc::Transport& transport;
  base::Log& log;
  base::Metrics& metrics;
  LivenessView& liveness;
  SkewView& skew;
};

// What observers are told.
struct PeerEvent {
  enum class Kind : uint8_t {
    kChanged,  // it is new, restarted, or values of it changed
    kAlive,
    kDead,
  };
  NodeId id;
  Kind kind = Kind::kChanged;
  std::vector<StateKey> keys;  // kChanged: whose values changed
};

// The outcome of AskSeeds.
struct SeedAnswers {
  int asked = 0;     // seeds other than this node
  int answered = 0;  // in time, with their knowledge
  int refused = 0;   // nobody listens there
  // A seed will not have this node: another cluster name, or its id is taken.
  absl::Status rejection;
};

class Gossiper {
 public:
  Gossiper(GossiperOptions options, GossiperDeps deps, NodeId self, int64_t generation);
  ~Gossiper();
  Gossiper(const Gossiper&) = delete;
  Gossiper& operator=(const Gossiper&) = delete;

  void RegisterHandlers();
  // A peer of an earlier life: it is contacted from the first round on.
  void Remember(const NodeId& id, const absl::btree_map<StateKey, std::string>& values);
  void SetOwn(StateKey key, std::string value);
  // Called on shard 0 for every change, until this object is destroyed; may call back.
  using Observer = std::function<void(const PeerEvent&)>;
  void Observe(Observer observer) { observers_.push_back(std::move(observer)); }

  // The shadow round: asks every seed for all it knows, without announcing this node.
  base::Task<SeedAnswers> AskSeeds();

  void Start();
  base::Task<void> Stop();

  // Exchanges states with every live peer, and then again, instead of waiting for the next rounds:
  // each of them then knows what all of them were when this began. Two exchanges' time; a peer that
  // does not answer in time hears later, by a round. Does nothing with more than kSpreadMax of them,
  // for the messages grow with the square of their number.
  static constexpr size_t kSpreadMax = 100;
  base::Task<void> SpreadNow();

  const GossipState& state() const { return state_; }
  // This node is always alive.
  bool IsAlive(const NodeId& id) const { return id == self_ || detector_.IsAlive(id); }
  double Phi(const NodeId& id) const;
  // The peer's wall clock minus this node's; nothing if it was not measured. Zero for this node.
  std::optional<absl::Duration> ClockOffset(const NodeId& id) const;
  // Where the node listens, if it is known.
  std::optional<base::Endpoint> AddressOf(const NodeId& id) const;

 private:
  enum class Outcome { kAnswered, kRefused, kLost };

  // gossiper.cc: rounds, calls and probes.
  base::Task<void> Run();
  void Round(bool first);
  std::vector<base::Endpoint> Targets(bool first);
  base::Task<void> GossipTo(base::Endpoint to);
  base::Task<void> AskSeed(base::Endpoint seed, SeedAnswers* answers);
  void StartProbe(const NodeId& id, bool at_once);
  base::Task<void> Probe(NodeId id, bool at_once);
  base::Task<Outcome> EchoOnce(NodeId id);
  void ProbeSuspects();
  base::Task<void> Announce(base::Endpoint to);

  // gossiper_clock.cc: what the wall clocks say.
  ClockReading ReadClocks() const;
  Sender Self() const;
  void NoteIfSet();
  void Measure(const Sender& sender, const ClockReading& before, const ClockReading& after);
  void ForgetClock(const NodeId& id);
  void PublishSkew();
  void LogSkew(const ClockSkew::Estimate& estimate);

  // gossiper_messages.cc: what arrives, and what it changes.
  base::Task<absl::StatusOr<std::string>> HandleSyn(rpc::Incoming incoming);
  base::Task<absl::StatusOr<std::string>> HandleAck2(rpc::Incoming incoming);
  base::Task<absl::StatusOr<std::string>> HandleEcho(rpc::Incoming incoming);
  absl::Status CheckSyn(const Syn& syn, const base::Endpoint& from);
  Syn MakeSyn(bool shadow) const;
  void ApplyDeltas(const std::vector<Delta>& deltas);
  void ApplyChange(const StateChange& change);
  void Answered(const Sender& sender);
  void Refused(const NodeId& id);
  void Died(const NodeId& id, std::string_view why);
  void Notify(const PeerEvent& event);
  void PublishLiveness();
  absl::Status Malformed(const base::Endpoint& from, absl::Status status);
  void WarnOnce(std::string line);
  std::string Describe(const NodeId& id) const;
  std::vector<base::Endpoint> OtherSeeds() const;
  base::MonotonicTime Now() const;

  const GossiperOptions options_;
  const GossiperDeps deps_;
  const NodeId self_;
  GossipState state_;
  FailureDetector detector_;
  TargetPicker picker_;
  ClockSkew skew_;
  std::optional<ClockReading> last_reading_;  // of the last round
  ClockAlarm own_clock_{ClockSkew::kWarned};
  ClockAlarm own_clock_refused_;
  ClockAlarm peer_clocks_{ClockSkew::kWarned};
  std::vector<Observer> observers_;
  absl::btree_set<base::Endpoint> exchanging_;  // one exchange at a time with each
  absl::btree_set<NodeId> probing_;
  std::set<std::string> warned_;
  bool started_ = false;
  bool stopping_ = false;
  base::Event stop_;
  base::Scope scope_;
  // Dies with this object: posts that are under way look at it first.
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);

  base::Gauge& known_gauge_;
  base::Gauge& alive_gauge_;
  base::Gauge& clock_ahead_gauge_;
  base::Gauge& clock_offset_gauge_;
  base::Counter& rounds_;
  base::Counter& convictions_;
  base::Counter& malformed_;
};

}  // namespace tholos::gossip
