#include "sstable/testing/tables.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "data/range_tombstones.h"
#include "data/vector_source.h"

namespace tholos::sstable {

using base::Task;

data::TableId TestTable() {
  data::TableId id;
  id.bytes.fill(7);
  return id;
}

WriterOptions TestWriterOptions(uint64_t generation) {
  WriterOptions options;
  options.directory = kTestDirectory;
  options.generation = generation;
  options.file_id = generation * 0x9E3779B97F4A7C15;
  options.table = TestTable();
  return options;
}

WriterOptions TinyBlocks(uint64_t generation, base::RandomStream& random) {
  WriterOptions options = TestWriterOptions(generation);
  options.block_bytes = 1 + random.Below(400);
  options.index_page_bytes = 1 + random.Below(200);
  options.write_bytes = 1 + random.Below(1000);
  options.compression = random.Chance(0.5) ? Compression::kLz4 : Compression::kNone;
  return options;
}

OpenOptions TestOpenOptions(uint64_t generation, BlockCache* cache) {
  OpenOptions options;
  options.directory = kTestDirectory;
  options.generation = generation;
  options.table = TestTable();
  options.cache = cache;
  return options;
}

Task<absl::Status> MakeTestDirectory(base::FileSystem& fs) {
  THOLOS_CO_RETURN_IF_ERROR(co_await fs.MakeDirectories(kTestDirectory));
  co_return co_await fs.SyncDirectory("/");
}

Task<std::vector<std::string>> FilesOf(base::FileSystem& fs) {
  std::vector<std::string> names;
  const auto entries = co_await fs.List(kTestDirectory);
  THOLOS_CHECK_OK(entries.status());
  for (const base::DirectoryEntry& entry : *entries) names.push_back(entry.name);
  co_return names;
}

Task<std::vector<uint64_t>> VisibleTables(base::FileSystem& fs) {
  std::vector<uint64_t> generations;
  for (const std::string& name : co_await FilesOf(fs)) {
    if (const auto generation = ParseFileName(name)) generations.push_back(*generation);
  }
  co_return generations;
}

namespace {
Task<absl::Status> AddAll(SSTableWriter& writer, std::vector<data::Partition> partitions) {
  for (const data::Partition& partition : partitions) {
    THOLOS_CO_RETURN_IF_ERROR(co_await writer.Add(partition));
  }
  co_return absl::OkStatus();
}
}  // namespace

Task<absl::StatusOr<TableMetadata>> WriteTable(base::FileSystem& fs, WriterOptions options,
                                               std::vector<data::Partition> partitions) {
  THOLOS_CO_RETURN_IF_ERROR(co_await MakeTestDirectory(fs));
  THOLOS_CO_ASSIGN_OR_RETURN(auto writer, co_await SSTableWriter::Create(fs, std::move(options)));
  absl::StatusOr<TableMetadata> table;
  absl::Status added = co_await AddAll(*writer, std::move(partitions));
  if (added.ok()) {
    table = co_await writer->Finish();
  } else {
    table = added;
  }
  if (!table.ok()) co_await writer->Abandon();
  co_return table;
}

Task<absl::StatusOr<std::vector<data::Partition>>> ReadTable(std::shared_ptr<const SSTable> table,
                                                             data::Selection selection,
                                                             ReadPattern pattern) {
  const bool reversed = selection.reversed;
  return data::ReadAll(table->NewSource(std::move(selection), pattern), reversed);
}

Task<absl::StatusOr<std::vector<data::Partition>>> OpenAndRead(base::FileSystem& fs,
                                                               OpenOptions options) {
  THOLOS_CO_ASSIGN_OR_RETURN(std::shared_ptr<SSTable> table,
                             co_await SSTable::Open(fs, std::move(options)));
  co_return co_await ReadTable(std::move(table));
}

Task<absl::Status> WriteWholeFile(base::FileSystem& fs, std::string path, std::string contents) {
  return base::WriteFileAtomically(fs, std::move(path), std::move(contents));
}

std::vector<data::Partition> RandomTable(base::RandomStream& random,
                                         const data::WorldShape& shape) {
  std::vector<data::Partition> partitions = data::RandomPartitions(random, shape);
  std::erase_if(partitions, [](const data::Partition& p) { return p.IsEmpty(); });
  return partitions;
}

std::vector<data::Partition> Select(const std::vector<data::Partition>& partitions,
                                    const data::Selection& selection) {
  std::vector<data::Partition> selected;
  for (const data::Partition& partition : partitions) {
    if (!selection.Selects(partition.key)) continue;
    selected.push_back(partition);
    std::vector<data::Row>& rows = selected.back().rows;
    std::erase_if(rows, [&](const data::Row& row) {
      return !selection.Selects(partition.key, row.clustering);
    });
    if (selection.reversed) std::reverse(rows.begin(), rows.end());
    selected.back().range_tombstones =
        data::ClipRanges(partition.range_tombstones, selection.SlicesOf(partition.key));
  }
  return selected;
}

}  // namespace tholos::sstable
