#include "rpc/sim_network.h"

#include <algorithm>
#include <cmath>

#include "base/checksum.h"
#include "base/sim/simulation.h"
#include "base/strings.h"
#include "rpc/class_limits.h"
#include "rpc/sim_transport.h"

namespace tholos::rpc {

SimNetwork::SimNetwork(base::sim::Simulation& simulation)
    : simulation_(simulation), random_(simulation.Stream("network")) {}

SimNetwork::~SimNetwork() { simulation_.KillAll(); }

LinkFaults& SimNetwork::link(const std::string& from, const std::string& to) {
  return links_.try_emplace({from, to}, defaults_).first->second;
}

const LinkFaults& SimNetwork::FaultsOf(const Link& link) const {
  const auto it = links_.find(link);
  return it == links_.end() ? defaults_ : it->second;
}

void SimNetwork::Isolate(const std::string& node) {
  for (const auto& [endpoint, name] : names_) {
    if (name == node) continue;
    Cut(node, name);
    Cut(name, node);
  }
}

void SimNetwork::HealAll() {
  cut_.clear();
  clogged_until_.clear();
}

void SimNetwork::Clog(const std::string& from, const std::string& to, absl::Duration span) {
  clogged_until_[{from, to}] = simulation_.now() + span;
}

uint64_t& SimNetwork::ResetEpoch(const Link& link) {
  return reset_epochs_[{std::min(link.first, link.second), std::max(link.first, link.second)}];
}

void SimNetwork::Reset(const std::string& a, const std::string& b) {
  simulation_.trace().Fold(simulation_.now(), a, base::StrCat("reset with ", b));
  ++ResetEpoch({a, b});
  for (const auto& [instance, transport] : instances_) {
    for (const auto& [endpoint, name] : names_) {
      const std::string& own = transport->node_name();
      if ((own == a && name == b) || (own == b && name == a)) BreakCalls(instance, endpoint);
    }
  }
}

uint64_t SimNetwork::Add(SimTransport* transport) {
  names_[transport->self()] = transport->node_name();
  instances_.emplace(next_instance_, transport);
  return next_instance_++;
}

void SimNetwork::Remove(uint64_t instance, bool crashed) {
  const auto it = instances_.find(instance);
  const Endpoint endpoint = it->second->self();
  instances_.erase(it);
  StopListening(endpoint, instance);
  for (const auto& [other, transport] : instances_) {
    if (!crashed || random_.Chance(refusals)) BreakCalls(other, endpoint);
  }
}

absl::Status SimNetwork::Listen(const Endpoint& endpoint, uint64_t instance) {
  if (listeners_.emplace(endpoint, instance).second) return absl::OkStatus();
  return absl::FailedPreconditionError(
      base::StrCat("listen on ", endpoint.ToString(), ": the address is in use"));
}

void SimNetwork::StopListening(const Endpoint& endpoint, uint64_t instance) {
  const auto it = listeners_.find(endpoint);
  if (it != listeners_.end() && it->second == instance) listeners_.erase(it);
}

std::string SimNetwork::NameOf(const Endpoint& endpoint) const {
  const auto it = names_.find(endpoint);
  return it == names_.end() ? endpoint.ToString() : it->second;
}

bool SimNetwork::QueueFull(const SimTransport& from, const Endpoint& to, Verb verb, size_t bytes) {
  const Link link{from.node_name(), NameOf(to)};
  const VerbClass stream_class = ClassOf(verb);
  const auto it = bytes_on_way_.find({link, stream_class});
  const uint64_t queued = it == bytes_on_way_.end() ? 0 : it->second;
  const uint64_t foreground = FaultsOf(link).queue_bytes_max;
  return queued + bytes > LimitsOf(stream_class, {foreground, 0}).queue_bytes_max;
}

absl::Duration SimNetwork::Delay(const Link& link) {
  const LinkFaults& faults = FaultsOf(link);
  absl::Duration delay =
      faults.delay_min - std::log(1 - random_.Unit()) * faults.delay_mean_above_min;
  if (faults.slow_messages > 0 && random_.Chance(faults.slow_messages)) delay += faults.slow;
  return delay;
}

void SimNetwork::Send(Packet packet, Verb verb) {
  const Link link{NameOf(packet.from), NameOf(packet.to)};
  simulation_.trace().Fold(simulation_.now(), link.first,
                           base::StrCat("send ", VerbName(verb), " to ", link.second),
                           packet.frame.size(), base::Checksum64(packet.frame));
  ++counts_.sent;
  packet.stream_class = ClassOf(verb);
  if (packet.to_instance == 0) {
    const auto listener = listeners_.find(packet.to);
    if (listener == listeners_.end()) return Refuse(packet);
    packet.to_instance = listener->second;
  }
  packet.reset_epoch = ResetEpoch(link);
  Transmit(link, packet);
  const LinkFaults& faults = FaultsOf(link);
  if (link.first == link.second || faults.duplicates == 0) return;
  if (!random_.Chance(faults.duplicates)) return;
  ++counts_.duplicated;
  Transmit(link, packet);
}

void SimNetwork::Transmit(const Link& link, const Packet& packet) {
  const bool loopback = link.first == link.second;
  const LinkFaults& faults = FaultsOf(link);
  if (!loopback && (cut_.contains(link) || (faults.loss > 0 && random_.Chance(faults.loss)))) {
    ++counts_.lost;
    return;
  }
  base::MonotonicTime arrival = simulation_.now() + Delay(link);
  const auto clog = clogged_until_.find(link);
  if (clog != clogged_until_.end() && clog->second > arrival) arrival = clog->second + Delay(link);
  bytes_on_way_[{link, packet.stream_class}] += packet.frame.size();
  simulation_.At(arrival, base::StrCat("message ", link.first, " > ", link.second),
                 [this, link, packet]() mutable { Arrive(link, std::move(packet)); });
}

void SimNetwork::Arrive(const Link& link, Packet packet) {
  bytes_on_way_[{link, packet.stream_class}] -= packet.frame.size();
  const auto target = instances_.find(packet.to_instance);
  const bool gone = target == instances_.end() || cut_.contains(link);
  if (gone || packet.reset_epoch != ResetEpoch(link)) {
    ++counts_.lost;
    return;
  }
  ++counts_.delivered;
  target->second->Receive(std::move(packet.frame), packet.from, packet.from_instance);
}

void SimNetwork::Refuse(const Packet& packet) {
  ++counts_.lost;
  if (packet.request_id == 0 || !random_.Chance(refusals)) return;
  simulation_.After(Delay({NameOf(packet.to), NameOf(packet.from)}), "refusal",
                    [this, instance = packet.from_instance, id = packet.request_id] {
                      const auto it = instances_.find(instance);
                      if (it != instances_.end()) it->second->FailCall(id, "not connected");
                    });
}

void SimNetwork::BreakCalls(uint64_t instance, const Endpoint& to) {
  simulation_.After(Delay({NameOf(to), instances_.at(instance)->node_name()}), "broken connection",
                    [this, instance, to, last = instances_.at(instance)->last_request_id()] {
                      const auto it = instances_.find(instance);
                      if (it != instances_.end()) it->second->FailCallsTo(to, last);
                    });
}

}  // namespace tholos::rpc
