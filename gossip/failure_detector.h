// FailureDetector: which peers are alive. Pure: it is told what happened and when, and answers.
//
// Two ways to find a peer dead, because they fail differently:
//
//   silence    its heartbeat advances nowhere in the cluster: phi-accrual (phi_accrual.h). Sure,
//   and slow: 18 s. refusal    calls to it end at once because nobody listens or the connection
//   breaks (kUnavailable): the process is
//              gone although its machine answers. kRefusalsToConvict of them in a row convict; the
//              driver probes a refusing peer every kProbeInterval, so that takes about a second.
//              Loss and delay show as timeouts, never as refusals, and so cannot bring this about;
//              one answer of any kind starts the count anew.
//
// One way to life: it answered a call of ours. A heartbeat heard through others only gives reason
// to ask it, so a peer that others can reach and this node cannot stays dead here.
//
//           answered a call                            convicted, or it announced its shutdown
//   dead ────────────────────> alive          alive ─────────────────────────────────────────────>
//   dead
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "gossip/phi_accrual.h"
#include "ring/cluster_state.h"

namespace tholos::gossip {

inline constexpr int kRefusalsToConvict = 3;
inline constexpr absl::Duration kProbeInterval = absl::Milliseconds(400);
// If this node itself did not run for so long (stopped, swapped out, a sleeping laptop) its peers'
// silence since then proves nothing.
inline constexpr absl::Duration kOwnPauseMax = absl::Seconds(5);

class FailureDetector {
 public:
  explicit FailureDetector(PhiOptions options = {}) : options_(options) {}

  bool IsAlive(const ring::NodeId& id) const;
  double Phi(const ring::NodeId& id, base::MonotonicTime now) const;  // zero if not known

  // The heartbeat of the peer advanced.
  void Heard(const ring::NodeId& id, base::MonotonicTime now);
  // It answered a call: true if it was dead until now.
  bool Answered(const ring::NodeId& id, base::MonotonicTime now);
  // A call found nobody there: true if that convicts a live peer.
  bool Refused(const ring::NodeId& id);
  // It restarted: what was learnt of its former life is forgotten. True if it was alive.
  bool Restarted(const ring::NodeId& id);
  // It says that it stops. True if it was alive.
  bool ShutDown(const ring::NodeId& id);

  // To be called at least every second: the live peers that fell silent; they are dead from now on.
  std::vector<ring::NodeId> Tick(base::MonotonicTime now);

 private:
  struct Peer {
    PhiAccrualDetector phi;
    bool alive = false;
    int refusals = 0;
  };
  Peer& Find(const ring::NodeId& id);
  bool Kill(Peer* peer);

  const PhiOptions options_;
  absl::btree_map<ring::NodeId, Peer> peers_;
  std::optional<base::MonotonicTime> last_tick_;
};

}  // namespace tholos::gossip
