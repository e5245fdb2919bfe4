#include "sstable/json_dump.h"

#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/source.h"

namespace tholos::sstable {
namespace {

using base::Task;

std::string Hex(std::string_view bytes) {
  return base::StrCat("\"", absl::BytesToHexString(base::ToAbsl(bytes)), "\"");
}

std::string Seconds(int64_t seconds) {
  return seconds == data::kNoExpiry ? "null" : base::StrCat(seconds);
}

std::string DeletionJson(const data::Deletion& deletion) {
  return base::StrCat("{\"timestamp\":", deletion.timestamp,
                      ",\"local_seconds\":", deletion.local_seconds, "}");
}

std::string CellJson(const data::Cell& cell) {
  std::string out = base::StrCat("{\"column\":", cell.column);
  if (!cell.path.empty()) base::StrAppend(&out, ",\"path\":", Hex(cell.path));
  base::StrAppend(&out, ",\"timestamp\":", cell.timestamp);
  if (cell.expiring()) base::StrAppend(&out, ",\"ttl\":", cell.ttl_seconds);
  if (cell.expiring() || cell.tombstone) {
    base::StrAppend(&out, ",\"local_seconds\":", cell.local_seconds);
  }
  base::StrAppend(&out, cell.tombstone ? ",\"deleted\":true" : ",\"value\":",
                  cell.tombstone ? "" : Hex(cell.value), "}");
  return out;
}

// The fields of a row, each with a comma before it.
std::string RowFields(const data::Row& row) {
  std::string out;
  if (!row.liveness.empty()) {
    base::StrAppend(&out, ",\"timestamp\":", row.liveness.timestamp);
    if (row.liveness.expiring()) {
      base::StrAppend(&out, ",\"ttl\":", row.liveness.ttl_seconds,
                      ",\"expires_at\":", row.liveness.expires_at);
    }
  }
  if (!row.deletion.live()) base::StrAppend(&out, ",\"deleted\":", DeletionJson(row.deletion));
  for (size_t i = 0; i < row.complex_deletions.size(); ++i) {
    const data::ComplexDeletion& each = row.complex_deletions[i];
    base::StrAppend(&out, i > 0 ? "," : ",\"complex_deletions\":[", "{\"column\":", each.column,
                    ",\"deleted\":", DeletionJson(each.deletion), "}");
  }
  if (!row.complex_deletions.empty()) out += "]";
  if (!row.cells.empty()) {
    out += ",\"cells\":[";
    for (size_t i = 0; i < row.cells.size(); ++i) {
      base::StrAppend(&out, i > 0 ? "," : "", CellJson(row.cells[i]));
    }
    out += "]";
  }
  return out;
}

std::string PartitionJson(const data::PartitionHeader& header) {
  std::string out = base::StrCat("{\"partition\":{\"token\":", header.key.token,
                                 ",\"key\":", Hex(header.key.key), "}");
  if (!header.deletion.live()) {
    base::StrAppend(&out, ",\"deleted\":", DeletionJson(header.deletion));
  }
  if (header.static_row.has_value()) {
    const std::string fields = RowFields(*header.static_row);
    base::StrAppend(&out, ",\"static\":{", fields.empty() ? "" : fields.substr(1), "}");
  }
  return out + "}";
}

std::string RowJson(const std::string& key, const data::Row& row) {
  return base::StrCat("{\"row\":{\"key\":", Hex(key), ",\"clustering\":", Hex(row.clustering), "}",
                      RowFields(row), "}");
}

std::string ChangeJson(const std::string& key, const data::DeletionChange& change) {
  return base::StrCat(
      "{\"range\":{\"key\":", Hex(key), ",\"from\":", Hex(change.at),
      "},\"deleted\":", change.deletion.live() ? "null" : DeletionJson(change.deletion), "}");
}

}  // namespace

Task<absl::StatusOr<std::shared_ptr<SSTable>>> OpenFile(base::FileSystem& fs, std::string path) {
  Footer footer;
  {
    THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs.Open(path, base::OpenMode::kRead));
    THOLOS_CO_ASSIGN_OR_RETURN(footer, co_await ReadFooter(*file));
  }
  OpenOptions options{
      .path = std::move(path), .generation = footer.generation, .table = footer.table};
  co_return co_await SSTable::Open(fs, std::move(options));
}

std::string MetadataAsJson(const TableMetadata& metadata) {
  const TableStatistics& s = metadata.statistics;
  return base::StrCat(
      "{\"table\":\"", metadata.table.ToString(), "\",\"generation\":", metadata.generation,
      ",\"file_bytes\":", metadata.file_bytes, ",\"digest\":\"",
      absl::StrCat(absl::Hex(metadata.digest, absl::kZeroPad16)),
      "\",\"partitions\":", s.partitions, ",\"rows\":", s.rows, ",\"cells\":", s.cells,
      ",\"tombstones\":", s.tombstones, ",\"min_timestamp\":", s.min_timestamp,
      ",\"max_timestamp\":", s.max_timestamp,
      ",\"min_local_deletion_seconds\":", Seconds(s.min_local_deletion_seconds),
      ",\"max_local_deletion_seconds\":", Seconds(s.max_local_deletion_seconds),
      ",\"raw_data_bytes\":", s.raw_data_bytes, ",\"first_token\":", s.first_key.token,
      ",\"last_token\":", s.last_key.token, "}");
}

Task<absl::Status> DumpJson(std::shared_ptr<SSTable> table,
                            std::function<void(const std::string&)> line) {
  line(MetadataAsJson(table->metadata()));
  const auto source = table->NewSource({}, ReadPattern::kSequential);
  while (true) {
    THOLOS_CO_ASSIGN_OR_RETURN(const bool more, co_await source->NextPartition());
    if (!more) co_return absl::OkStatus();
    line(PartitionJson(source->partition()));
    while (true) {
      THOLOS_CO_ASSIGN_OR_RETURN(const data::Item item, co_await source->NextItem());
      if (item == data::Item::kEnd) break;
      const std::string& key = source->partition().key.key;
      line(item == data::Item::kRow ? RowJson(key, source->row())
                                    : ChangeJson(key, source->change()));
    }
  }
}

}  // namespace tholos::sstable
