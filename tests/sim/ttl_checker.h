// What a correct cluster may answer about values that expire.
//
// As of a RegisterChecker, each register has one writer, which numbers its operations upwards and
// uses the number as the timestamp and the value. Here a value may have a TTL, and the writer may
// *retry* an operation: the same value with the same timestamp, through another node, whose clock
// counts the TTL (maybe another one, or none) from another moment. At one timestamp the earliest
// expiry wins, none being the latest (data/partition.h).
//
// When a value expires is known up to what the clock of the write's coordinator showed between the
// request and its end. Whether a read shows it is decided by the clock of the read's coordinator; a
// node whose clock is ahead may turn it into a tombstone earlier, in a compaction or a read repair.
// So a value
//
//   may be hidden   once any node's clock showed, since it was written, the earliest moment that
//                   can be its expiry, or the read's coordinator might have
//   may be shown    while the read's coordinator's clock might be before the latest moment that can
//                   be its expiry; of an operation that was retried, before the earliest expiry of
//                   those tries that had been acknowledged, or seen, when the read began
//
// and a value that is hidden hides all older ones: it must not un-expire what it replaced, nor come
// back itself. TTL(v) as the read shows it must be what is left of the TTL of one of the tries.
//
// Linear in the length of the history.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "tests/sim/checker.h"
#include "tests/sim/wall_clocks.h"

namespace tholos::sim {

class TtlChecker {
 public:
  // Names a try of an operation.
  struct Try {
    uint64_t version = 0;
    size_t index = 0;
  };
  // A read, or one page of it.
  struct Read {
    base::MonotonicTime began;
    WallSpan now;  // what its coordinator's clock showed meanwhile
    // It binds later reads and is bound by what was before. At ONE it is not: it may be old, but
    // shows nothing that has expired.
    bool bound = true;
  };
  struct Seen {
    uint64_t version = 0;
    std::optional<int32_t> ttl_left;
  };

  // The clocks outlive the checker.
  explicit TtlChecker(const WallClocks& clocks) : clocks_(clocks) {}

  // A try begins at the coordinator and the moment of `mark`: of an erasure, or of a value that
  // lives `ttl` seconds (0: for ever). `version` is above all of this register so far, or the
  // latest one again.
  Try Begin(const std::string& key, uint64_t version, bool erase, int32_t ttl,
            const WallClocks::Mark& mark);
  void End(const std::string& key, const Try& of, Outcome outcome);

  // The oldest version that a read starting now may see.
  uint64_t Floor(const std::string& key) const;
  // A read that started when Floor was `floor` saw this, or nothing. Returns what is wrong, or
  // nothing.
  std::optional<std::string> Observe(const std::string& key, uint64_t floor,
                                     const std::optional<Seen>& seen, const Read& read);
  // The same of what shows that it is alive, but not its version: the row itself.
  std::optional<std::string> ObserveAlive(const std::string& key, uint64_t floor, const Read& read);

  // By then everything with a TTL has expired.
  int64_t latest_expiry() const { return latest_expiry_; }
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t observations() const { return observations_; }

 private:
  // A read judges by what the clock showed when it began.
  static constexpr absl::Duration kReadMax = absl::Seconds(3);
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  struct Attempt {
    int32_t ttl = 0;
    WallClocks::Mark mark;
    Outcome outcome = Outcome::kUnknown;
    std::optional<WallSpan> clock;  // of the coordinator until the end; none: it goes on
  };
  // Reads that begin from `since` on see an expiry of at most `expires_by`.
  struct Bound {
    base::MonotonicTime since;
    int64_t expires_by = kNever;
  };
  struct Operation {
    bool erase = false;
    std::vector<Attempt> attempts;
    std::vector<Bound> bounds;  // later ones are smaller
  };
  struct Register {
    std::map<uint64_t, Operation> operations;  // by version
    uint64_t floor = 0;
  };
  WallSpan ExpiryOf(const Attempt& attempt) const;
  static int64_t ExpiresBy(const Operation& operation, const Read& read);
  void Bind(Operation* operation, int64_t expires_by) const;
  bool MayHide(const Operation& operation, const Read& read) const;
  bool MayShow(const Operation& operation, const Read& read) const;
  bool MayHaveLeft(const Operation& operation, std::optional<int32_t> ttl_left,
                   const Read& read) const;
  std::optional<std::string> ObserveNothing(const std::string& key, uint64_t floor,
                                            const Read& read, Register* r);

  const WallClocks& clocks_;
  std::map<std::string, Register> registers_;
  int64_t latest_expiry_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t observations_ = 0;
};

}  // namespace tholos::sim
