// The simulated network: carries encoded frames between the SimTransports of a simulation, and
// loses, delays, repeats and reorders them as its links say.
//
// A link is one direction between two nodes, by their names. It starts with the network's defaults.
// A node's messages to itself are delivered without faults.
//
//   delay     each message has its own, so messages overtake each other
//   loss      the message vanishes; who waits for it waits until the deadline
//   cut       the link loses everything: Cut(a, b) alone is a one-way partition
//   clog      messages queue up and arrive after the clog has gone
//   reset     what is on its way between two nodes is lost, and pending calls fail with
//   kUnavailable
//
// A message to a node that is down is lost; its caller is told so (kUnavailable) or not, at random.
// What was sent to one process never reaches the next process on that node.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "base/endpoint.h"
#include "base/random.h"
#include "base/time.h"
#include "rpc/transport.h"

namespace tholos::base::sim {
class Simulation;
}

namespace tholos::rpc {

class SimTransport;

struct LinkFaults {
  // At least `delay_min`, then exponentially distributed.
  absl::Duration delay_min = absl::Microseconds(50);
  absl::Duration delay_mean_above_min = absl::Microseconds(150);
  // This share of messages takes `slow` longer.
  double slow_messages = 0;
  absl::Duration slow = absl::Milliseconds(100);
  double loss = 0;
  double duplicates = 0;
  // What may be on its way, of the foreground (the other classes: class_limits.h); a call beyond
  // that fails with kResourceExhausted.
  uint64_t queue_bytes_max = uint64_t{128} << 20;
};

// Confined to the simulation's thread. It outlives the transports: when destroyed it kills all
// nodes.
class SimNetwork {
 public:
  explicit SimNetwork(base::sim::Simulation& simulation);
  ~SimNetwork();
  SimNetwork(const SimNetwork&) = delete;

  // For links that have none of their own.
  LinkFaults& defaults() { return defaults_; }
  // The link's own faults, at first a copy of the defaults.
  LinkFaults& link(const std::string& from, const std::string& to);

  void Cut(const std::string& from, const std::string& to) { cut_.emplace(from, to); }
  void Heal(const std::string& from, const std::string& to) { cut_.erase({from, to}); }
  // Both ways, with every node known so far.
  void Isolate(const std::string& node);
  // Ends all cuts and clogs.
  void HealAll();
  void Clog(const std::string& from, const std::string& to, absl::Duration span);
  void Reset(const std::string& a, const std::string& b);

  // How likely the caller of a node that is down, or that dies, is told: kUnavailable, not silence.
  double refusals = 0.5;

  struct Counts {
    uint64_t sent = 0;
    uint64_t delivered = 0;
    uint64_t lost = 0;
    uint64_t duplicated = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  friend class SimTransport;
  using Link = std::pair<std::string, std::string>;

  struct Packet {
    Endpoint from;
    Endpoint to;
    uint64_t from_instance = 0;
    uint64_t to_instance = 0;
    uint64_t reset_epoch = 0;
    uint64_t request_id = 0;  // of a request: whom to tell that it cannot be delivered
    VerbClass stream_class = VerbClass::kBulk;
    std::string frame;
  };

  // Instances are processes' transports; each has a number of its own.
  uint64_t Add(SimTransport* transport);
  // The transport goes; `crashed`: without a word to its peers.
  void Remove(uint64_t instance, bool crashed);
  absl::Status Listen(const Endpoint& endpoint, uint64_t instance);
  void StopListening(const Endpoint& endpoint, uint64_t instance);

  bool QueueFull(const SimTransport& from, const Endpoint& to, Verb verb, size_t bytes);
  // To whoever listens at `packet.to` now, or, if it is given, to `to_instance` alone.
  void Send(Packet packet, Verb verb);
  void Transmit(const Link& link, const Packet& packet);
  void Arrive(const Link& link, Packet packet);
  void Refuse(const Packet& packet);
  // All pending calls from `instance` to `to` break, after a while.
  void BreakCalls(uint64_t instance, const Endpoint& to);
  absl::Duration Delay(const Link& link);
  const LinkFaults& FaultsOf(const Link& link) const;
  std::string NameOf(const Endpoint& endpoint) const;
  uint64_t& ResetEpoch(const Link& link);

  base::sim::Simulation& simulation_;
  base::RandomStream random_;
  LinkFaults defaults_;
  std::map<Link, LinkFaults> links_;
  std::set<Link> cut_;
  std::map<Link, base::MonotonicTime> clogged_until_;
  std::map<Link, uint64_t> reset_epochs_;  // by the names in order
  std::map<std::pair<Link, VerbClass>, uint64_t> bytes_on_way_;
  std::map<Endpoint, std::string> names_;  // every address ever used
  std::map<uint64_t, SimTransport*> instances_;
  std::map<Endpoint, uint64_t> listeners_;
  uint64_t next_instance_ = 1;
  Counts counts_;
};

}  // namespace tholos::rpc
