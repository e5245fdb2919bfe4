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

// Kept in the table system_local.truncations. Thread-safe.
class Truncations {
 public:
  explicit Truncations(storage::Engine& engine) : engine_(engine) {}

  // Before anything else.
  base::Task<absl::Status> Load();
  // OK: durable. `wall_micros`: now, on this node's clock.
  base::Task<absl::Status> Note(data::TableId table, int64_t wall_micros, base::Deadline deadline);
  // The table was emptied after this moment of this node's clock.
  bool Covers(const data::TableId& table, int64_t created_micros) const;

 private:
  storage::Engine& engine_;
  mutable absl::Mutex mutex_;
  absl::btree_map<data::TableId, int64_t> moments_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::coordinator
