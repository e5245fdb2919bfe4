#include "storage/testing/engine_world.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "data/codec.h"
#include "data/counter.h"
#include "sstable/format.h"
#include "storage/directories.h"
#include "storage/manifest.h"

namespace tholos::storage {
namespace {

constexpr char kRoot[] = "/node/data";

data::TableSchema TestTable(uint8_t n, int64_t gc_grace_seconds, const std::string& cached_rows) {
  using data::ColumnKind;
  const data::DataType text(data::TypeId::kText);
  data::TableOptions options;
  options.caching["rows_per_partition"] = cached_rows;
  return {.id = TestTableId(n),
          .keyspace = "ks",
          .name = base::StrCat("t", n),
          .columns = {{.name = "k", .type = text, .kind = ColumnKind::kPartitionKey},
                      {.name = "c", .type = text, .kind = ColumnKind::kClustering},
                      {.name = "m",
                       .type = data::DataType::Map(text, text, /*frozen=*/false),
                       .kind = ColumnKind::kRegular,
                       .id = kCollectionColumn},
                      {.name = "n",
                       .type = data::DataType(data::TypeId::kCounter),
                       .kind = ColumnKind::kRegular,
                       .id = kCounterColumn},
                      {.name = "s", .type = text, .kind = ColumnKind::kStatic, .id = kStaticColumn},
                      {.name = "v0", .type = text, .kind = ColumnKind::kRegular, .id = 0},
                      {.name = "v1", .type = text, .kind = ColumnKind::kRegular, .id = 1}},
          .next_column_id = 5,
          .gc_grace_seconds = gc_grace_seconds,
          .options = options};
}

}  // namespace

data::TableId TestTableId(uint8_t n) {
  data::TableId id;
  id.bytes[15] = static_cast<uint8_t>(n + 1);
  return id;
}

data::Schema::Ptr TestSchema(int tables, int64_t gc_grace_seconds, const std::string& cached_rows) {
  data::KeyspaceSchema keyspace{
      .name = "ks", .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}};
  data::Schema schema = data::Schema().WithKeyspace(keyspace, 1).value();
  for (int i = 0; i < tables; ++i) {
    const auto n = static_cast<uint8_t>(i);
    schema = schema.WithTable(TestTable(n, gc_grace_seconds, cached_rows), 2 + i).value();
  }
  return std::make_shared<const data::Schema>(std::move(schema));
}

EngineWorld::EngineWorld(uint64_t seed, int shards)
    : world({.seed = seed, .node = {.shards = shards}}), schema(TestSchema(2)) {
  options.directory = kRoot;
  options.commitlog_segment_bytes = 16 << 10;
  options.commitlog_bytes_max = 128 << 10;
  options.mutation_bytes_max = 8 << 10;
  options.memtable_bytes_max = 1 << 20;
  options.cache_bytes_max = 64 << 10;
}

void EngineWorld::BootWithShards(int shards) {
  world.node().Kill();
  world.node().Boot(shards);
  world.KillAndBoot();
}

base::Task<absl::Status> EngineWorld::Open() {
  engine = nullptr;
  const EngineDeps deps{world.clock(), world.random(), world.executor(), world.files(),
                        metrics,       world.log(),    reconciled};
  THOLOS_CO_ASSIGN_OR_RETURN(std::unique_ptr<Engine> opened,
                             co_await Engine::Open(options, deps, schema));
  engine = &world.node().Own(std::move(opened));
  co_return absl::OkStatus();
}

base::Task<absl::Status> EngineWorld::Apply(data::Mutation mutation) {
  co_return co_await engine->Apply(data::EncodeMutation(mutation), Soon());
}

base::Task<absl::StatusOr<VisibleTable>> EngineWorld::Scan(data::TableId table,
                                                           uint32_t row_limit) {
  VisibleTable visible;
  data::ReadCommand command{.table = table, .row_limit = row_limit, .now_seconds = now_seconds()};
  while (true) {
    THOLOS_CO_ASSIGN_OR_RETURN(const data::ReadResult page, co_await engine->Read(command, Soon()));
    AddVisible(page, command.now_seconds, &visible);
    if (!page.more) co_return visible;
    command.after = data::LastPosition(page);
    if (!command.after.has_value()) co_return absl::InternalError("an empty page says `more`");
  }
}

base::Task<absl::StatusOr<VisiblePartition>> EngineWorld::ReadPartition(data::TableId table,
                                                                        std::string key) {
  data::ReadCommand command{
      .table = table, .key = data::DecoratedKey::Of(key), .now_seconds = now_seconds()};
  THOLOS_CO_ASSIGN_OR_RETURN(const data::ReadResult result, co_await engine->Read(command, Soon()));
  VisibleTable visible;
  AddVisible(result, command.now_seconds, &visible);
  co_return visible[key];
}

base::Task<absl::StatusOr<VisiblePartition>> EngineWorld::ReadRow(data::TableId table,
                                                                  std::string key,
                                                                  std::string clustering) {
  data::ReadCommand command{
      .table = table, .key = data::DecoratedKey::Of(key), .now_seconds = now_seconds()};
  command.slices = {{clustering, data::Behind(clustering)}};
  THOLOS_CO_ASSIGN_OR_RETURN(const data::ReadResult result, co_await engine->Read(command, Soon()));
  VisibleTable visible;
  AddVisible(result, command.now_seconds, &visible);
  co_return visible[key];
}

base::Task<void> EngineWorld::ListInto(std::string directory, std::vector<std::string>* files) {
  auto entries = co_await world.files().List(directory);
  if (!entries.ok()) co_return;
  for (const base::DirectoryEntry& entry : *entries) {
    const std::string path = base::StrCat(directory, "/", entry.name);
    if (entry.is_directory) {
      co_await ListInto(path, files);
    } else {
      files->push_back(path);
    }
  }
}

std::vector<std::string> EngineWorld::Files() {
  std::vector<std::string> files;
  world.Run(ListInto(kRoot, &files));
  return files;
}

std::vector<std::string> EngineWorld::Orphans() {
  std::set<std::string> live;
  const std::vector<std::string> files = Files();
  for (const std::string& path : files) {
    if (!path.ends_with("/manifest")) continue;
    auto manifest = DecodeManifest(*world.files().Peek(path));
    if (!manifest.ok()) continue;
    for (const LiveTable& table : manifest->tables) {
      live.insert(
          base::StrCat(path.substr(0, path.rfind('/')), "/", sstable::FileName(table.generation)));
    }
  }
  std::vector<std::string> orphans;
  for (const std::string& path : files) {
    const bool backup = path.find("/backups/") != std::string::npos;
    const bool unlisted = path.ends_with(".sst") && !live.contains(path) && !backup;
    if (unlisted || path.find(".tmp") != std::string::npos) orphans.push_back(path);
  }
  return orphans;
}

bool EngineWorld::LogHas(std::string_view text) {
  const auto& lines = world.log().lines();
  return std::any_of(lines.begin(), lines.end(), [text](const std::string& line) {
    return line.find(text) != std::string::npos;
  });
}

data::Timestamp MutationMaker::NextTimestamp() {
  if (options_.any_order && random_.Chance(0.2) && !unused_.empty()) {
    std::swap(unused_[random_.Below(unused_.size())], unused_.back());
    const data::Timestamp old = unused_.back();
    unused_.pop_back();
    return old;
  }
  if (random_.Chance(0.3)) unused_.push_back(++last_);
  return ++last_;
}

// Of any value, or of none.
data::Timestamp MutationMaker::TiedTimestamp() {
  return last_ - static_cast<data::Timestamp>(random_.Below(20));
}

data::Cell MutationMaker::RandomCell(data::ColumnId column, data::Timestamp timestamp, int32_t ttl,
                                     int64_t now_seconds) {
  if (random_.Chance(0.15)) return data::Cell::Tombstone(column, timestamp, now_seconds);
  std::string value =
      base::StrCat(timestamp, std::string(random_.Below(options_.value_bytes_max), 'v'));
  if (ttl > 0) return data::Cell::Expiring(column, timestamp, std::move(value), ttl, now_seconds);
  return data::Cell::Value(column, timestamp, std::move(value));
}

data::Row MutationMaker::RandomUpdate(data::Timestamp timestamp, int64_t now_seconds) {
  data::Row row;
  const int32_t ttl = random_.Chance(0.25) ? static_cast<int32_t>(1 + random_.Below(30)) : 0;
  if (random_.Chance(0.6)) {
    row.liveness = ttl > 0 ? data::Liveness::Expiring(timestamp, ttl, now_seconds)
                           : data::Liveness::At(timestamp);
  }
  for (data::ColumnId column : {0, 1}) {
    if (random_.Chance(0.7)) row.cells.push_back(RandomCell(column, timestamp, ttl, now_seconds));
  }
  if (random_.Chance(0.3)) {
    // Elements of a collection; or all of it is overwritten.
    if (random_.Chance(0.4)) {
      row.complex_deletions.push_back({kCollectionColumn, {timestamp - 1, now_seconds}});
    }
    for (const char* element : {"a", "b", "c"}) {
      if (!random_.Chance(0.4)) continue;
      row.cells.push_back(
          RandomCell(kCollectionColumn, timestamp, ttl, now_seconds).At(std::string(element)));
    }
  }
  return row;
}

// What some hosts have counted so far, or a deletion of the counter.
void MutationMaker::AddCounts(data::Timestamp timestamp, int64_t now_seconds, data::Row* row) {
  if (random_.Chance(0.15)) {
    const data::Timestamp deletion = options_.any_order ? TiedTimestamp() : timestamp;
    row->complex_deletions.push_back({kCounterColumn, {deletion, now_seconds}});
    return;
  }
  for (uint8_t host = 1; host <= 3; ++host) {
    if (!random_.Chance(0.5)) continue;
    data::CounterShard shard{.clock = timestamp, .count = random_.Between(-1000, 1000)};
    shard.host.bytes[0] = host;
    row->cells.push_back(data::EncodeCounterShard(kCounterColumn, shard));
  }
}

data::Slice MutationMaker::RandomRange() {
  const auto bound = [this] {
    const uint64_t number = random_.Below(options_.rows + 1);
    return base::StrCat("c", number / 10, number % 10, random_.Chance(0.5) ? "\xFF" : "");
  };
  data::Slice range{.lower = random_.Chance(0.1) ? "" : bound(), .upper = bound()};
  if (random_.Chance(0.1)) range.upper.clear();
  while (range.IsEmpty()) range = {bound(), bound()};
  return range;
}

data::Slice MutationMaker::RandomRow() {
  const uint64_t number = random_.Below(options_.rows + 1);
  const std::string row = base::StrCat("c", number / 10, number % 10);
  return {row, data::Behind(row)};
}

data::Mutation MutationMaker::Next(int64_t now_seconds) {
  const auto table = static_cast<uint8_t>(random_.Below(static_cast<uint64_t>(options_.tables)));
  data::Mutation mutation{.table = TestTableId(table)};
  data::Partition& update = mutation.update;
  update.key = data::DecoratedKey::Of(base::StrCat("p", random_.Below(options_.partitions)));
  const data::Timestamp timestamp = NextTimestamp();
  const data::Timestamp deletion =
      options_.any_order && random_.Chance(0.5) ? TiedTimestamp() : timestamp;
  const uint64_t kind = random_.Below(100);
  if (kind < 5) {
    update.deletion = {deletion, now_seconds};
    return mutation;
  }
  if (kind < 15) {
    update.static_row.emplace();
    update.static_row->cells.push_back(RandomCell(kStaticColumn, timestamp, 0, now_seconds));
    return mutation;
  }
  if (kind < 25) {
    update.range_tombstones.push_back({RandomRange(), {deletion, now_seconds}});
    return mutation;
  }
  std::set<uint64_t> numbers;
  for (uint64_t i = 1 + random_.Below(3); i > 0; --i) numbers.insert(random_.Below(options_.rows));
  for (const uint64_t number : numbers) {
    data::Row row = kind < 35 ? data::Row{} : RandomUpdate(timestamp, now_seconds);
    if (kind >= 35 && random_.Chance(0.2)) AddCounts(timestamp, now_seconds, &row);
    if (kind < 35) row.deletion = {deletion, now_seconds};
    row.clustering = base::StrCat("c", number / 10, number % 10);
    if (!row.IsEmpty()) update.rows.push_back(std::move(row));
  }
  return mutation;
}

}  // namespace tholos::storage
