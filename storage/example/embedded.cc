// The storage engine in a program of its own, without a server: it opens a directory (made if it is
// not there), writes, reads back what this and earlier runs have written, and stops.
//
//   embedded DIRECTORY TEXT...
//
// In CMake: target_link_libraries(program PRIVATE tholos::storage).
#include <cstdio>
#include <string>

#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/real/real_file_system.h"
#include "base/real/real_random.h"
#include "base/status_macros.h"
#include "data/codec.h"
#include "storage/engine.h"

namespace {

using tholos::base::Deadline;
using tholos::base::Task;
namespace base = tholos::base;
namespace data = tholos::data;
namespace storage = tholos::storage;

// CREATE TABLE notes (book text, line bigint, text text, PRIMARY KEY (book, line))
data::Schema::Ptr Notes(data::TableId id) {
  const data::DataType text(data::TypeId::kText), bigint(data::TypeId::kBigint);
  const data::KeyspaceSchema keyspace{
      .name = "notes", .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}};
  const data::TableSchema table{
      .id = id,
      .keyspace = "notes",
      .name = "notes",
      .columns = {{.name = "book", .type = text, .kind = data::ColumnKind::kPartitionKey},
                  {.name = "line", .type = bigint, .kind = data::ColumnKind::kClustering},
                  {.name = "text", .type = text, .kind = data::ColumnKind::kRegular, .id = 0}},
      .next_column_id = 1};
  return std::make_shared<const data::Schema>(
      data::Schema().WithKeyspace(keyspace, 1)->WithTable(table, 2).value());
}

Task<absl::StatusOr<int>> Run(storage::EngineOptions options, storage::EngineDeps deps,
                              std::vector<std::string> lines) {
  data::TableId id;
  id.bytes[15] = 1;
  const data::Schema::Ptr schema = Notes(id);
  THOLOS_CO_ASSIGN_OR_RETURN(const std::unique_ptr<storage::Engine> engine,
                             co_await storage::Engine::Open(std::move(options), deps, schema));
  // Numbers are 8 bytes big-endian; timestamps are microseconds.
  int64_t now = deps.clock.WallMicros();
  for (const std::string& line : lines) {
    std::string number;
    base::PutBigEndian64(&number, static_cast<uint64_t>(++now));
    data::Mutation mutation{.table = id};
    mutation.update.key = data::DecoratedKey::Of("diary");
    data::Row& row = mutation.update.rows.emplace_back();
    THOLOS_CO_ASSIGN_OR_RETURN(row.clustering,
                               data::EncodeClustering(*schema->FindTable(id), {number}));
    row.liveness = data::Liveness::At(now);
    row.cells.push_back(data::Cell::Value(0, now, line));
    // Durable when it returns OK.
    THOLOS_CO_RETURN_IF_ERROR(
        co_await engine->Apply(data::EncodeMutation(mutation), Deadline::Infinite()));
  }
  data::ReadCommand command{.table = id, .key = data::DecoratedKey::Of("diary")};
  command.now_seconds = deps.clock.WallSeconds();
  THOLOS_CO_ASSIGN_OR_RETURN(const data::ReadResult result,
                             co_await engine->Read(command, Deadline::Infinite()));
  int read = 0;
  for (const data::Partition& partition : result.partitions) {
    for (const data::Row& row : partition.rows) {
      std::printf("%s\n", row.Find(0)->value.c_str());
      ++read;
    }
  }
  co_await engine->Stop();
  co_return read;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY TEXT...\n", argv[0]);
    return 2;
  }
  base::RealClock clock;
  base::RealRandom random;
  base::Metrics metrics;
  base::NullLog log;
  const auto executor = base::RealExecutor::Start({.shards = 1, .background = 1}, clock);
  base::RealFileSystem files(*executor);
  const absl::StatusOr<int> read =
      base::BlockOn(executor->shard(0),
                    Run({.directory = argv[1]}, {clock, random, *executor, files, metrics, log},
                        std::vector<std::string>(argv + 2, argv + argc)));
  if (read.ok()) return 0;
  std::fprintf(stderr, "%s\n", read.status().ToString().c_str());
  return 1;
}
