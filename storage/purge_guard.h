// Keeps a purge from changing what is read.
//
// A compaction may drop a tombstone when nothing outside of it is old enough to be shadowed by that
// tombstone. It looks when it begins; what is written while it runs, with an old timestamp, it does
// not see. So before its result is installed the owner asks again, and what is still on its way
// through the commit log counts as written:
//
//   compaction  |-- purges a tombstone of 50 --|- MayInstall? - manifest - swap -|
//   write of 40      ^ seen by MayInstall: the result is thrown away, nothing is purged
//   write of 40                                     ^ waits for the swap (HoldsBack)
//
// A write that comes later is one that comes after a purge, which by definition is not shadowed any
// more: that is what gc_grace is waited for.
//
// Confined to its table's shard.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>

#include "base/async/event.h"
#include "base/async/loop.h"
#include "data/partition.h"

namespace tholos::storage {

class PurgeGuard {
 public:
  // A write between the check of HoldsBack and the memtable.
  class Writing {
   public:
    Writing(PurgeGuard& guard, data::Timestamp min_timestamp)
        : guard_(guard), epoch_(guard.BeginWrite(min_timestamp)) {}
    Writing(const Writing&) = delete;
    ~Writing() { --guard_.epochs_[epoch_].writes; }

   private:
    PurgeGuard& guard_;
    const int epoch_;
  };

  // What has purged something as new as `newest_purged` is being installed.
  class Installing {
   public:
    Installing(PurgeGuard& guard, data::Timestamp newest_purged)
        : guard_(guard), place_(guard.installing_.insert(newest_purged)) {}
    Installing(const Installing&) = delete;
    ~Installing() {
      if (base::Loop::CurrentCrashed()) return;
      guard_.installing_.erase(place_);
      guard_.installed_.Pulse();
    }

   private:
    PurgeGuard& guard_;
    const std::multiset<data::Timestamp>::iterator place_;
  };

  // A write with something as old must wait until this is false.
  bool HoldsBack(data::Timestamp min_timestamp) const {
    return !installing_.empty() && min_timestamp <= *installing_.rbegin();
  }
  // Until an installation has ended; false: the deadline has passed.
  base::Event::Waiter WaitForInstallation(base::Deadline deadline) {
    return installed_.WaitUntil(deadline);
  }

  // Of all writes under way, or less: of those that ended while one of them was.
  data::Timestamp min_timestamp_under_way() const {
    data::Timestamp oldest = std::numeric_limits<data::Timestamp>::max();
    for (const Epoch& epoch : epochs_) {
      if (epoch.writes > 0) oldest = std::min(oldest, epoch.min_timestamp);
    }
    return oldest;
  }

 private:
  // Writes end roughly in their order, so one of two epochs always runs dry.
  struct Epoch {
    uint64_t writes = 0;
    data::Timestamp min_timestamp = std::numeric_limits<data::Timestamp>::max();
  };

  int BeginWrite(data::Timestamp min_timestamp) {
    if (epochs_[1 - current_].writes == 0) {
      current_ = 1 - current_;
      epochs_[current_] = Epoch();
    }
    Epoch& epoch = epochs_[current_];
    ++epoch.writes;
    epoch.min_timestamp = std::min(epoch.min_timestamp, min_timestamp);
    return current_;
  }

  Epoch epochs_[2];
  int current_ = 0;
  std::multiset<data::Timestamp> installing_;
  base::Event installed_;
};

}  // namespace tholos::storage
