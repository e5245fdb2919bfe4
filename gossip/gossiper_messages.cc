// The passive half of the gossiper: what arrives, and what it changes.
#include <utility>

#include "base/clock.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "gossip/gossiper.h"

namespace tholos::gossip {
namespace {

constexpr std::string_view kPart = "gossip";
constexpr size_t kWarningsMax = 100;

}  // namespace

void Gossiper::RegisterHandlers() {
  using rpc::Verb;
  deps_.transport.Handle(Verb::kGossipSyn,
                         [this](rpc::Incoming in) { return HandleSyn(std::move(in)); });
  deps_.transport.Handle(Verb::kGossipAck,
                         [this](rpc::Incoming in) { return HandleAck2(std::move(in)); });
  deps_.transport.Handle(Verb::kEcho,
                         [this](rpc::Incoming in) { return HandleEcho(std::move(in)); });
}

Syn Gossiper::MakeSyn(bool shadow) const {
  Syn syn;
  syn.shadow = shadow;
  syn.cluster_name = options_.cluster_name;
  syn.sender = Self();
  if (!shadow) syn.digests = state_.Digests();
  return syn;
}

absl::Status Gossiper::CheckSyn(const Syn& syn, const base::Endpoint& from) {
  std::string refusal;
  const EndpointState* known = state_.Find(syn.sender.id);
  const auto address = AddressOf(syn.sender.id);
  if (syn.cluster_name != options_.cluster_name) {
    refusal = base::StrCat("cluster name \"", syn.cluster_name, "\" is not \"",
                           options_.cluster_name, "\"");
  } else if (syn.partitioner != kPartitioner) {
    refusal = base::StrCat("partitioner ", syn.partitioner, " is not ", kPartitioner);
  } else if (syn.sender.id == self_) {
    refusal = base::StrCat("host id ", self_.ToString(), " is taken by the node at ",
                           deps_.transport.self().ToString());
  } else if (known != nullptr && known->generation == syn.sender.generation &&
             address.has_value() && *address != from) {
    // One life has one address. Copies that were started within the same second have one generation
    // and heartbeats that keep step, so neither would ever see the other in what is gossiped.
    refusal = base::StrCat("host id ", syn.sender.id.ToString(), " is taken by the node at ",
                           address->ToString());
  } else {
    return absl::OkStatus();
  }
  WarnOnce(base::StrCat("refused to gossip with ", from.ToString(), ": its ", refusal));
  return absl::FailedPreconditionError(refusal);
}

base::Task<absl::StatusOr<std::string>> Gossiper::HandleSyn(rpc::Incoming incoming) {
  const auto syn = DecodeSyn(incoming.body);
  if (!syn.ok()) co_return Malformed(incoming.from, syn.status());
  THOLOS_CO_RETURN_IF_ERROR(CheckSyn(*syn, incoming.from));
  Ack ack = state_.Examine(syn->digests);
  ack.sender = Self();
  if (syn->shadow) ack.requests.clear();
  // It can reach this node; can this node reach it?
  const EndpointState* sender = state_.Find(syn->sender.id);
  if (sender != nullptr && !sender->IsShutdown() && !detector_.IsAlive(syn->sender.id)) {
    StartProbe(syn->sender.id, /*at_once=*/true);
  }
  co_return Encode(ack);
}

base::Task<absl::StatusOr<std::string>> Gossiper::HandleAck2(rpc::Incoming incoming) {
  const auto ack2 = DecodeAck2(incoming.body);
  if (!ack2.ok()) co_return Malformed(incoming.from, ack2.status());
  ApplyDeltas(ack2->deltas);
  co_return std::string();
}

base::Task<absl::StatusOr<std::string>> Gossiper::HandleEcho(rpc::Incoming incoming) {
  const auto echo = DecodeEcho(incoming.body);
  if (!echo.ok()) co_return Malformed(incoming.from, echo.status());
  co_return Encode(Echo{Self()});
}

void Gossiper::ApplyDeltas(const std::vector<Delta>& deltas) {
  for (const StateChange& change : state_.Apply(deltas)) ApplyChange(change);
  known_gauge_.Set(static_cast<int64_t>(state_.endpoints().size()));
}

void Gossiper::ApplyChange(const StateChange& change) {
  using Kind = StateChange::Kind;
  const NodeId& id = change.id;
  if (change.kind == Kind::kOwnIdClaimed) {
    WarnOnce(
        base::StrCat("another node has this node's host id ", id.ToString(),
                     ": one of them was made from a copy of the other's data directory. Stop it"));
    return;
  }
  if (change.kind == Kind::kRestarted) {
    deps_.log.Info(kPart, base::StrCat("node ", Describe(id), " restarted"));
    ForgetClock(id);
    if (detector_.Restarted(id)) Died(id, "restarted");
  }
  detector_.Heard(id, Now());
  const bool stops = state_.Find(id)->IsShutdown();
  if (stops && detector_.ShutDown(id)) Died(id, "shut down");
  if (!stops && !detector_.IsAlive(id)) StartProbe(id, /*at_once=*/true);
  if (change.kind != Kind::kBeat || !change.keys.empty()) {
    Notify({id, PeerEvent::Kind::kChanged, change.keys});
  }
}

void Gossiper::Answered(const Sender& sender) {
  const EndpointState* state = state_.Find(sender.id);
  // Not yet heard of in this life: gossip brings it.
  if (sender.id == self_ || state == nullptr || state->generation != sender.generation) return;
  if (state->IsShutdown() || !detector_.Answered(sender.id, Now())) return;
  deps_.log.Info(kPart, base::StrCat("node ", Describe(sender.id), " is up"));
  PublishLiveness();
  Notify({sender.id, PeerEvent::Kind::kAlive, {}});
}

void Gossiper::Refused(const NodeId& id) {
  if (detector_.Refused(id)) {
    convictions_.Add();
    Died(id, "refuses connections");
  } else if (detector_.IsAlive(id)) {
    StartProbe(id, /*at_once=*/false);
  }
}

void Gossiper::Died(const NodeId& id, std::string_view why) {
  deps_.log.Warning(kPart, base::StrCat("node ", Describe(id), " is down: ", why));
  ForgetClock(id);
  PublishLiveness();
  Notify({id, PeerEvent::Kind::kDead, {}});
}

void Gossiper::Notify(const PeerEvent& event) {
  // By index: an observer may add another one.
  for (size_t i = 0; i < observers_.size(); ++i) observers_[i](event);
}

void Gossiper::PublishLiveness() {
  LivenessView::Set alive = {self_};
  for (const auto& [id, state] : state_.endpoints()) {
    if (detector_.IsAlive(id)) alive.insert(id);
  }
  alive_gauge_.Set(static_cast<int64_t>(alive.size()));
  deps_.liveness.Publish(std::move(alive));
}

absl::Status Gossiper::Malformed(const base::Endpoint& from, absl::Status status) {
  malformed_.Add();
  WarnOnce(base::StrCat("from ", from.ToString(), ": ", base::ToStd(status.message())));
  return status;
}

void Gossiper::WarnOnce(std::string line) {
  if (warned_.size() >= kWarningsMax || !warned_.insert(line).second) return;
  deps_.log.Warning(kPart, line);
}

std::string Gossiper::Describe(const NodeId& id) const {
  const auto address = AddressOf(id);
  return base::StrCat(id.ToString(), " (", address.has_value() ? address->ToString() : "?", ")");
}

}  // namespace tholos::gossip
