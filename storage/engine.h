// The storage engine: the door to everything a node keeps on disk. It stands alone: open it on a
// directory, no server needed.
//
//   directory/
//     engine.lock
//     engine.meta                                         layout: shard count (directories.h)
//     commitlog/<layout>-<shard>/<segment>.log            docs/format-commitlog.md
//     tables/<keyspace>.<table>-<id>/manifest             which SSTables are live (manifest.h)
//     tables/<keyspace>.<table>-<id>/<generation>.sst
//     tables/<keyspace>.<table>-<id>/snapshots/<name>/    manifest and SSTables as above
//     tables/<keyspace>.<table>-<id>/backups/             links of flushed SSTables, if asked for
//
// The number of shards is the executor's, at every start. When it has changed, what the old logs
// hold is flushed first, and SSTables are read by every shard that has tokens in them until
// compactions have split them.
//
// Promise: when Apply returned OK the mutation is on disk and survives a power loss (in the default
// mode of the commit log; engine_options.h says what `periodic` promises instead). Writes that
// arrive while a sync is in flight form the next group. After a failed sync no write is
// acknowledged any more: every later Apply returns kFailedPrecondition until the node is restarted.
// On a full disk Apply returns kResourceExhausted (nothing applied), and recovers when space
// returns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "data/codec.h"
#include "data/read.h"
#include "data/schema/schema.h"
#include "storage/engine_options.h"
#include "storage/reconciled.h"
#include "storage/table_files.h"

namespace tholos::storage {

struct EngineDeps {
  const base::Clock& clock;
  base::Random& random;
  base::Executor& executor;
  base::FileSystem& fs;
  base::Metrics& metrics;
  base::Log& log;
  const ReconciledHorizon* reconciled = nullptr;  // none: gc_grace alone decides what is purged
};

struct SnapshotInfo {
  data::TableId table;
  TableSnapshot snapshot;
};

struct TableStats {
  uint64_t memtable_bytes = 0;
  uint64_t sstables = 0;
  uint64_t sstable_bytes = 0;
};

// Usable from every shard: work is carried to the shard that owns the token and the result comes
// back.
class Engine {
 public:
  virtual ~Engine() = default;

  // Locks the directory, opens tables, replays the commit log; when it returns everything ever
  // acknowledged is readable. Mutations of tables that `schema` does not have are dropped.
  // kFailedPrecondition if another process has the directory; kDataLoss names file and offset of a
  // corruption that is not a torn tail. Runs on shard 0.
  static base::Task<absl::StatusOr<std::unique_ptr<Engine>>> Open(EngineOptions options,
                                                                  EngineDeps deps,
                                                                  data::Schema::Ptr schema);

  // Tables that are new become writable; those that are gone are dropped with their files. From
  // shard 0.
  virtual base::Task<absl::Status> SetSchema(data::Schema::Ptr schema) = 0;

  // Applies an encoded mutation (data/codec.h); durable when it returns OK. kNotFound: no such
  // table; kDataLoss: malformed bytes; kDeadlineExceeded: expired before it touched the log.
  virtual base::Task<absl::Status> Apply(std::string encoded_mutation, base::Deadline deadline) = 0;

  // kNotFound: no such table. kDataLoss names the corrupt file and block: this replica cannot
  // answer.
  virtual base::Task<absl::StatusOr<data::ReadResult>> Read(data::ReadCommand command,
                                                            base::Deadline deadline) = 0;

  // Writes all memtables (of one table, or of all) to SSTables.
  virtual base::Task<absl::Status> Flush(std::optional<data::TableId> table) = 0;
  // Merges all SSTables of a table into one a shard.
  virtual base::Task<absl::Status> CompactAll(data::TableId table) = 0;

  // Removes everything that was applied before the call, on all shards at once: durable when it
  // returns OK, and a crash before that leaves all or nothing. With a name, a snapshot of what is
  // removed is taken first; without that, nothing is flushed, so it works on a full disk too.
  virtual base::Task<absl::Status> Truncate(data::TableId table,
                                            std::optional<std::string> snapshot) = 0;

  // Flushes a table and keeps its SSTables, by hard links, under a name that it does not have yet.
  // kAlreadyExists; kInvalidArgument for what is no name.
  virtual base::Task<absl::StatusOr<TableSnapshot>> Snapshot(data::TableId table,
                                                             std::string name) = 0;
  virtual base::Task<absl::StatusOr<std::vector<SnapshotInfo>>> ListSnapshots() = 0;
  virtual base::Task<absl::Status> RemoveSnapshot(data::TableId table, std::string name) = 0;
  // Adds a snapshot's data to the table: what is newer there stays. All or nothing, durable when it
  // returns OK. kNotFound; kDataLoss names a damaged file, and nothing has been added.
  virtual base::Task<absl::Status> RestoreSnapshot(data::TableId table, std::string name) = 0;

  virtual base::Task<absl::StatusOr<TableStats>> Stats(data::TableId table) = 0;
  // Bytes of all SSTables and memtables: the load a node tells its peers.
  virtual uint64_t LiveBytes() const = 0;

  // Flushes nothing (the log has everything), ends background work, closes files.
  virtual base::Task<void> Stop() = 0;
};

}  // namespace tholos::storage
