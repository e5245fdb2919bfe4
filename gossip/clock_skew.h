// ClockSkew: how far this node's wall clock is from those of its peers, and whether it is this node's
// that is wrong. Pure: it is told what was measured, and answers.
//
// An offset is measured as NTP does it (RFC 5905), around a call whose answer carries the peer's
// clock:
//
//     this node   before ────┐            ┌──── after        offset = peer - (before + after) / 2
//     peer                   └─── peer ───┘                  off by half of after - before at most
//
// Of each peer the last kSamplesMax are kept, and the one with the shortest round trip is believed:
// what it may be off by is smallest. (A median would need most of them to be good, and after a pause
// most are not.) Two that no error of measuring explains mean that a clock was set in between: the
// older one is forgotten, so that a clock that is put right is seen right by the next sample.
//
// The cluster's time is the median of all clocks, this node's own included. So one wrong clock never
// makes a node with a right one believe that it is wrong, and a node with a wrong one among two others
// that agree learns that it is itself:
//
//     peers' offsets     with its own    median    this node is
//     0 s, +3600 s       0, 0, 3600         0 s    right, the second peer is ahead
//     -3600 s, -3600 s   -3600 twice, 0  -3600 s   3600 s ahead
//     +3600 s            0, 3600            0 s    one of the two is wrong, nobody can tell which
//
// Of the two middle ones of an even number the one nearer to zero counts, for the same reason. Live
// peers that were not measured yet count as zeros, until kCountedMin clocks are known, so that the
// first answers after a start or a step of the clock do not decide alone.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "base/time.h"
#include "gossip/liveness.h"
#include "ring/cluster_state.h"

namespace tholos::gossip {

// Both clocks of this node at one moment.
struct ClockReading {
  base::MonotonicTime monotonic;
  int64_t wall_micros = 0;
};

// The wall clock was set in between (or the machine slept): it did not advance as the monotonic one
// did. Slewing, which is how NTP daemons correct small errors, is not setting: up to a tenth.
bool WasSet(const ClockReading& before, const ClockReading& after);

struct OffsetSample {
  base::MonotonicTime at;
  absl::Duration offset;  // the peer's clock minus this node's
  absl::Duration round_trip;
};

// Nothing if the round trip took longer than kRoundTripMax, or this node's clock was set meanwhile.
std::optional<OffsetSample> MeasureOffset(const ClockReading& before, int64_t peer_wall_micros,
                                          const ClockReading& after);

class ClockSkew {
 public:
  // Longer than between any two places on Earth (350 ms), and short enough that what a sample may be
  // off by is below half of kWarned.
  static constexpr absl::Duration kRoundTripMax = absl::Milliseconds(450);
  // Between clocks that a daemon keeps there are milliseconds.
  static constexpr absl::Duration kWarned = absl::Milliseconds(500);
  static constexpr size_t kSamplesMax = 8;  // of a peer, as NTP's clock filter
  // In five minutes two clocks that nobody keeps drift apart by 60 ms (100 ppm each); a node
  // of a cluster of a hundred exchanges with each other one every 100 s.
  static constexpr absl::Duration kSampleAgeMax = absl::Minutes(5);
  static constexpr size_t kCountedMin = 9;

  void Add(const ring::NodeId& peer, const OffsetSample& sample);
  // It died or restarted.
  void Forget(const ring::NodeId& peer) { peers_.erase(peer); }
  // This node's clock was set: what was measured before says nothing.
  void ForgetAll() { peers_.clear(); }

  // The peer's clock minus this node's, if it was measured.
  std::optional<absl::Duration> OffsetOf(const ring::NodeId& peer, base::MonotonicTime now) const;

  struct Estimate {
    // This node's clock minus the cluster's.
    absl::Duration ahead;
    size_t clocks = 1;  // whose median that is
    // The offset of a live peer that is furthest from zero.
    absl::Duration largest_offset;
    // The live peer whose clock is furthest from the cluster's, and how far it is ahead of it.
    std::optional<ring::NodeId> worst;
    absl::Duration worst_ahead;
    size_t wrong = 0;  // peers that are further from the cluster's than kWarned
  };
  // `alive`: this node included.
  Estimate Look(const LivenessView::Set& alive, base::MonotonicTime now) const;

 private:
  using Samples = std::deque<OffsetSample>;  // in the order of time
  absl::btree_map<ring::NodeId, Samples> peers_;
};

// When to speak of a clock that is wrong: when it has been for a while (`lasting`), again every
// kRepeat while it is, and once when it is right (less than half of the threshold). A while, for
// just after a step the first peer that answers looks wrong; whose clock it was is known when the
// others have answered.
class ClockAlarm {
 public:
  static constexpr absl::Duration kRepeat = absl::Minutes(5);
  static constexpr absl::Duration kLasting = absl::Seconds(10);
  explicit ClockAlarm(absl::Duration threshold, absl::Duration lasting = kLasting)
      : threshold_(threshold), lasting_(lasting) {}

  enum class Say : uint8_t { kNothing, kWrong, kRight };
  Say Look(absl::Duration error, base::MonotonicTime now);

 private:
  const absl::Duration threshold_;
  const absl::Duration lasting_;
  std::optional<base::MonotonicTime> wrong_since_;
  bool said_wrong_ = false;
  std::optional<base::MonotonicTime> last_said_;
};

}  // namespace tholos::gossip
