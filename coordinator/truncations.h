// When this node emptied its tables (TRUNCATE): what was written before, and still waits here as a
// hint or in a logged batch, is not delivered any more.
#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/async/task.h"
#include "base/time.h"
#include "data/schema/schema.h"
#include "storage/engine.h"

namespace tholos::coordinator {

// A TRUNCATE has two steps (truncate.h). From the first one on, what was written before it waits; it
// is dropped once the second has begun here, and delivered as ever if that one does not come before
// the request's deadline: then nothing was emptied, and what was acknowledged must arrive.
//
// Moments of the second step are kept in the table system_local.truncations. Thread-safe.
class Truncations {
 public:
  explicit Truncations(storage::Engine& engine) : engine_(engine) {}

  // Before anything else.
  base::Task<absl::Status> Load();
  // The first step, of a request that ends at `deadline`. `wall_micros`: now, on this node's clock.
  void Begin(data::TableId table, int64_t wall_micros, base::Deadline deadline)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The second. OK: what was written before the first is gone for good, durably.
  // kFailedPrecondition: there was none, or its deadline has passed at `now`.
  base::Task<absl::Status> Complete(data::TableId table, base::MonotonicTime now,
                                    base::Deadline deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  enum class Fate {
    kDeliver,
    kWait,  // it is not known yet
    kDrop,  // the table was emptied since
  };
  // Of something that waits here since `created_micros` of this node's clock.
  Fate FateOf(const data::TableId& table, int64_t created_micros, base::MonotonicTime now) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Begun {
    int64_t wall_micros = 0;
    base::Deadline deadline;
  };

  storage::Engine& engine_;
  mutable absl::Mutex mutex_;
  absl::btree_map<data::TableId, int64_t> moments_ ABSL_GUARDED_BY(mutex_);
  // Of each table the last, until it is completed.
  absl::btree_map<data::TableId, Begun> begun_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::coordinator
