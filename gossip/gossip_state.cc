#include "gossip/gossip_state.h"

#include <utility>

#include "base/check.h"

namespace tholos::gossip {
namespace {

// Generation of remembered nodes: older than all real ones.
constexpr int64_t kRemembered = 0;

// What was cut off an Ack for its size comes in a later round.
void AppendBounded(std::vector<Delta>* deltas, Delta delta, size_t* bytes) {
  *bytes += delta.Bytes();
  if (*bytes <= kMessageBytesMax) deltas->push_back(std::move(delta));
}

}  // namespace

GossipState::GossipState(NodeId self, int64_t generation) : self_(self) {
  THOLOS_CHECK(generation > kRemembered) << "generation " << generation;
  endpoints_[self_].generation = generation;
  Beat();  // nobody can know of a life that has no version yet
}

const EndpointState* GossipState::Find(const NodeId& id) const {
  const auto it = endpoints_.find(id);
  return it == endpoints_.end() ? nullptr : &it->second;
}

void GossipState::Beat() { endpoints_[self_].heartbeat = next_version_++; }

void GossipState::SetOwn(StateKey key, std::string value) {
  THOLOS_CHECK(value.size() <= kValueBytesMax) << StateKeyName(key);
  auto [it, fresh] = endpoints_[self_].values.try_emplace(key);
  if (!fresh && it->second.value == value) return;
  it->second = {next_version_++, std::move(value)};
}

void GossipState::Remember(const NodeId& id, const absl::btree_map<StateKey, std::string>& values) {
  if (endpoints_.size() >= kEndpointsMax) return;
  const auto [it, fresh] = endpoints_.try_emplace(id);
  if (!fresh) return;
  it->second.generation = kRemembered;
  for (const auto& [key, value] : values) it->second.values[key] = {0, value};
}

std::vector<Digest> GossipState::Digests() const {
  std::vector<Digest> digests;
  for (const auto& [id, state] : endpoints_) {
    if (state.generation != kRemembered) {
      digests.push_back({id, state.generation, state.MaxVersion()});
    }
  }
  return digests;
}

Delta GossipState::DeltaSince(const NodeId& id, const EndpointState& state, uint64_t version) {
  Delta delta{id, state.generation, version, state.heartbeat, {}};
  for (const auto& [key, value] : state.values) {
    if (value.version > version) delta.values.emplace_back(key, value);
  }
  return delta;
}

Ack GossipState::Examine(const std::vector<Digest>& digests) const {
  Ack ack;
  size_t bytes = 0;
  absl::btree_map<NodeId, Digest> theirs;
  for (const Digest& digest : digests) theirs.emplace(digest.id, digest);
  for (const auto& [id, state] : endpoints_) {
    if (state.generation == kRemembered) continue;
    const auto it = theirs.find(id);
    const bool older = it == theirs.end() || it->second.generation < state.generation;
    const bool same = !older && it->second.generation == state.generation;
    if (older) {
      AppendBounded(&ack.deltas, DeltaSince(id, state, 0), &bytes);
    } else if (same && it->second.version < state.MaxVersion()) {
      AppendBounded(&ack.deltas, DeltaSince(id, state, it->second.version), &bytes);
    }
  }
  for (const auto& [id, digest] : theirs) {
    const EndpointState* state = Find(id);
    if (state == nullptr || state->generation < digest.generation) {
      ack.requests.push_back({id, digest.generation, 0});
    } else if (state->generation == digest.generation && state->MaxVersion() < digest.version) {
      ack.requests.push_back({id, digest.generation, state->MaxVersion()});
    }
  }
  return ack;
}

std::vector<Delta> GossipState::DeltasFor(const std::vector<Digest>& requests) const {
  std::vector<Delta> deltas;
  size_t bytes = 0;
  for (const Digest& request : requests) {
    const EndpointState* state = Find(request.id);
    if (state == nullptr || state->generation == kRemembered) continue;
    const uint64_t since = state->generation == request.generation ? request.version : 0;
    AppendBounded(&deltas, DeltaSince(request.id, *state, since), &bytes);
  }
  return deltas;
}

std::vector<StateChange> GossipState::Apply(const std::vector<Delta>& deltas) {
  std::vector<StateChange> changes;
  for (const Delta& delta : deltas) {
    StateChange change;
    change.id = delta.id;
    if (ApplyOne(delta, &change)) changes.push_back(std::move(change));
  }
  return changes;
}

bool GossipState::ApplyOne(const Delta& delta, StateChange* change) {
  const auto it = endpoints_.find(delta.id);
  if (it == endpoints_.end()) {
    if (endpoints_.size() >= kEndpointsMax) return false;
    change->kind = StateChange::Kind::kNew;
    return Replace(delta, change);
  }
  EndpointState& state = it->second;
  if (delta.id == self_) {
    change->kind = StateChange::Kind::kOwnIdClaimed;
    if (delta.generation != state.generation) return delta.generation > state.generation;
    return delta.heartbeat >= next_version_;
  }
  if (delta.generation < state.generation) return false;
  if (delta.generation == state.generation) return Advance(delta, &state, change);
  change->kind =
      state.generation == kRemembered ? StateChange::Kind::kNew : StateChange::Kind::kRestarted;
  return Replace(delta, change);
}

bool GossipState::Replace(const Delta& delta, StateChange* change) {
  if (delta.from_version != 0 || delta.generation <= kRemembered) return false;
  EndpointState fresh;
  fresh.generation = delta.generation;
  if (!Advance(delta, &fresh, change)) return false;
  endpoints_[delta.id] = std::move(fresh);
  return true;
}

bool GossipState::Advance(const Delta& delta, EndpointState* state, StateChange* change) {
  if (delta.from_version > state->MaxVersion()) return false;
  EndpointState next = *state;
  for (const auto& [key, value] : delta.values) {
    const auto known = next.values.find(key);
    if (known != next.values.end() && value.version <= known->second.version) continue;
    if (value.value != next.Get(key)) change->keys.push_back(key);
    next.values[key] = value;
  }
  const bool beat = delta.heartbeat > state->heartbeat;
  if (beat) next.heartbeat = delta.heartbeat;
  if (next.values.size() > kValuesMax || next.Bytes() > kEndpointBytesMax) return false;
  const bool changed = beat || !change->keys.empty() || next.MaxVersion() > state->MaxVersion();
  if (changed) *state = std::move(next);
  return changed;
}

}  // namespace tholos::gossip
