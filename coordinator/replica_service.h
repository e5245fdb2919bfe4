// ReplicaService: the replica's side of reads and writes. Answers kWrite, kRepairWrite, kHint,
// kReplayWrite, kReadData, kReadDigest and those of repair from the storage engine, kForwardWrite
// through the forwarder, and kTraced around them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/semaphore.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/executor.h"
#include "coordinator/faults.h"
#include "coordinator/timestamp_source.h"
#include "coordinator/trace.h"
#include "data/read.h"
#include "rpc/transport.h"
#include "storage/engine.h"

namespace tholos::coordinator {

// Makes `table` known here by asking `from`, which used it. OK: it is known to the engine now. Runs
// on any shard, one call a shard at a time.
using EnsureTable =
    std::function<base::Task<absl::Status>(data::TableId table, base::Endpoint from)>;

struct ReplicaServiceOptions {
  // Writes being applied, a shard. Beyond it a write is refused: its coordinator hints it.
  int64_t in_flight_bytes_max = 128 << 20;
  // Answers of reads being made, a shard: twice what each may have at most (its result, and that
  // encoded), from kSmallRangeRead on. Beyond it reads wait in turn; what expires meanwhile is
  // dropped. What has been made is the transport's, whose queues have bounds of their own.
  int64_t answer_bytes_max = 64 << 20;
  // How long a table that could not be found is not asked for again.
  absl::Duration missing_table_pause = absl::Seconds(1);
  Faults faults;
};

// Lives until the transport has stopped; it has no work of its own.
class ReplicaService {
 public:
  struct Deps {
    const base::Clock& clock;
    base::Executor& executor;
    storage::Engine& engine;
    TimestampSource& timestamps;
  };
  ReplicaService(ReplicaServiceOptions options, Deps deps, EnsureTable ensure_table);

  // Who answers kForwardWrite (write/forward.h), with the notes of a traced request, else nullptr.
  using Forward = std::function<base::Task<absl::StatusOr<std::string>>(rpc::Incoming, StepNotes*)>;
  // Both before the transport starts. SetForward is for nodes that relay.
  void SetForward(Forward forward) { forward_ = std::move(forward); }
  void RegisterWith(rpc::Transport& transport);

  // Applies a write (write_message.h) as one that came with kWrite. Its table is asked of
  // `message.from` if it is not known here. On a shard. `notes`: of a traced request, else nullptr.
  base::Task<absl::StatusOr<std::string>> Write(rpc::Incoming message, StepNotes* notes);

 private:
  // Confined to its shard.
  struct Shard {
    explicit Shard(const ReplicaServiceOptions& options)
        : in_flight(options.in_flight_bytes_max), answers(options.answer_bytes_max) {}
    base::Semaphore in_flight;
    base::Semaphore answers;
    base::Semaphore asking{1};
    data::TableId learned;  // the last one
    data::TableId missing;  // the last one that was not found, not asked for until
    base::MonotonicTime missing_until;
  };

  base::Task<absl::StatusOr<std::string>> Answer(rpc::Incoming message, StepNotes* notes);
  base::Task<absl::StatusOr<std::string>> ReadData(rpc::Incoming message, StepNotes* notes);
  base::Task<absl::StatusOr<std::string>> ReadDigest(rpc::Incoming message, StepNotes* notes);
  // `room`: for the result and its encoded form.
  base::Task<absl::StatusOr<data::ReadResult>> Read(rpc::Incoming message, StepNotes* notes,
                                                    base::Semaphore::Units* room);
  base::Task<absl::StatusOr<std::string>> AnswerTraced(rpc::Incoming message);
  base::Task<absl::Status> Learn(data::TableId table, base::Endpoint from);

  const ReplicaServiceOptions options_;
  const Deps deps_;
  const EnsureTable ensure_table_;
  Forward forward_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace tholos::coordinator
