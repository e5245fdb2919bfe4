#include "gossip/failure_detector.h"

#include <utility>

namespace tholos::gossip {

FailureDetector::Peer& FailureDetector::Find(const ring::NodeId& id) {
  return peers_.try_emplace(id, Peer{PhiAccrualDetector(options_)}).first->second;
}

bool FailureDetector::Kill(Peer* peer) { return std::exchange(peer->alive, false); }

bool FailureDetector::IsAlive(const ring::NodeId& id) const {
  const auto it = peers_.find(id);
  return it != peers_.end() && it->second.alive;
}

double FailureDetector::Phi(const ring::NodeId& id, base::MonotonicTime now) const {
  const auto it = peers_.find(id);
  return it == peers_.end() ? 0 : it->second.phi.Phi(now);
}

void FailureDetector::Heard(const ring::NodeId& id, base::MonotonicTime now) {
  Find(id).phi.Heard(now);
}

bool FailureDetector::Answered(const ring::NodeId& id, base::MonotonicTime now) {
  Peer& peer = Find(id);
  peer.refusals = 0;
  peer.phi.Excuse(now);
  return !std::exchange(peer.alive, true);
}

bool FailureDetector::Refused(const ring::NodeId& id) {
  Peer& peer = Find(id);
  if (!peer.alive || ++peer.refusals < kRefusalsToConvict) return false;
  peer.refusals = 0;
  return Kill(&peer);
}

bool FailureDetector::Restarted(const ring::NodeId& id) {
  Peer& peer = Find(id);
  peer.phi = PhiAccrualDetector(options_);
  peer.refusals = 0;
  return Kill(&peer);
}

bool FailureDetector::ShutDown(const ring::NodeId& id) { return Kill(&Find(id)); }

std::vector<ring::NodeId> FailureDetector::Tick(base::MonotonicTime now) {
  if (last_tick_.has_value() && now - *last_tick_ > kOwnPauseMax) {
    for (auto& [id, peer] : peers_) {
      if (peer.alive) peer.phi.Excuse(now);
    }
  }
  last_tick_ = now;
  std::vector<ring::NodeId> convicted;
  for (auto& [id, peer] : peers_) {
    if (peer.alive && peer.phi.Suspicious(now) && Kill(&peer)) convicted.push_back(id);
  }
  return convicted;
}

}  // namespace tholos::gossip
