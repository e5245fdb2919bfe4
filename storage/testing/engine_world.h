// An engine on a simulated machine, for tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/sim/test_world.h"
#include "storage/engine.h"
#include "storage/testing/model.h"

namespace tholos::storage {

// Tables ks.t0, ks.t1, ...: text key, text clustering, regular columns 0 and 1, static column 2, a
// map 3, a counter 4.
data::TableId TestTableId(uint8_t n);
// `cached_rows`: the option caching {'rows_per_partition'}.
data::Schema::Ptr TestSchema(int tables, int64_t gc_grace_seconds = 864000,
                             const std::string& cached_rows = "NONE");

inline constexpr data::ColumnId kStaticColumn = 2;
inline constexpr data::ColumnId kCollectionColumn = 3;

class EngineWorld {
 public:
  explicit EngineWorld(uint64_t seed, int shards = 2);

  // The machine boots with another number of shards; nothing of the old process is left.
  void BootWithShards(int shards);
  // Opens the engine in the running process, which owns it.
  base::Task<absl::Status> Open();
  // Open() to its end.
  absl::Status OpenNow() { return world.Run(Open()); }
  void StopNow() { world.Run(engine->Stop()); }

  int64_t now_seconds() { return world.clock().WallSeconds(); }
  base::Deadline Soon() { return world.clock().Now() + absl::Seconds(10); }

  base::Task<absl::Status> Apply(data::Mutation mutation);
  // Everything visible in the table by a scan in pages of `row_limit`.
  base::Task<absl::StatusOr<VisibleTable>> Scan(data::TableId table, uint32_t row_limit = 5000);
  base::Task<absl::StatusOr<VisiblePartition>> ReadPartition(data::TableId table, std::string key);
  // One row by its full primary key, and the static row.
  base::Task<absl::StatusOr<VisiblePartition>> ReadRow(data::TableId table, std::string key,
                                                       std::string clustering);

  // Paths of all files under the engine's directory.
  std::vector<std::string> Files();
  // Files that belong to nothing: temporary ones, and SSTables that no manifest lists.
  std::vector<std::string> Orphans();
  bool LogHas(std::string_view text);

  base::sim::TestWorld world;
  base::Metrics metrics;
  EngineOptions options;
  data::Schema::Ptr schema;
  const ReconciledHorizon* reconciled = nullptr;
  Engine* engine = nullptr;

 private:
  base::Task<void> ListInto(std::string directory, std::vector<std::string>* files);
};

// Random mutations of few things. Timestamps: those of values are each used once.
class MutationMaker {
 public:
  struct Options {
    int tables = 2;
    uint64_t partitions = 6;
    uint64_t rows = 12;
    // False: each mutation is newer than all before. True: some are older, and deletions tie with
    // others.
    bool any_order = true;
    size_t value_bytes_max = 60;
  };
  MutationMaker(uint64_t seed, Options options) : random_(seed), options_(options) {}
  data::Mutation Next(int64_t now_seconds);
  // Bounds between and behind the rows, or none.
  data::Slice RandomRange();
  // Of one row.
  data::Slice RandomRow();
  base::RandomStream& random() { return random_; }

 private:
  data::Timestamp NextTimestamp();
  data::Timestamp TiedTimestamp();
  data::Row RandomUpdate(data::Timestamp timestamp, int64_t now_seconds);
  void AddCounts(data::Timestamp timestamp, int64_t now_seconds, data::Row* row);
  data::Cell RandomCell(data::ColumnId column, data::Timestamp timestamp, int32_t ttl,
                        int64_t now_seconds);

  base::RandomStream random_;
  const Options options_;
  data::Timestamp last_ = 1'000'000;
  std::vector<data::Timestamp> unused_;  // older ones
};

}  // namespace tholos::storage
