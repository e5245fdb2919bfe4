#include <utility>

#include "absl/strings/escaping.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/source.h"
#include "sstable/reader.h"
#include "sstable/verifier.h"

namespace tholos::sstable {
namespace {

std::string Quoted(std::string_view bytes) {
  return base::StrCat("\"", absl::CHexEscape(base::ToAbsl(bytes)), "\"");
}

void DumpDeletion(const data::Deletion& deletion, std::string* out) {
  if (deletion.live()) return;
  base::StrAppend(out, " deleted @", deletion.timestamp, " at ", deletion.local_seconds, "s");
}

void DumpCell(const data::Cell& cell, std::string* out) {
  base::StrAppend(out, "    column ", cell.column);
  if (!cell.path.empty()) base::StrAppend(out, " [", Quoted(cell.path), "]");
  base::StrAppend(out, " @", cell.timestamp);
  if (cell.expiring())
    base::StrAppend(out, " ttl ", cell.ttl_seconds, " until ", cell.local_seconds, "s");
  if (cell.tombstone) {
    base::StrAppend(out, " deleted at ", cell.local_seconds, "s");
  } else {
    base::StrAppend(out, " ", Quoted(cell.value));
  }
  out->append("\n");
}

void DumpRow(std::string_view title, const data::Row& row, std::string* out) {
  base::StrAppend(out, "  ", title);
  if (!row.liveness.empty()) {
    base::StrAppend(out, " @", row.liveness.timestamp);
    if (row.liveness.ttl_seconds != 0)
      base::StrAppend(out, " until ", row.liveness.expires_at, "s");
  }
  DumpDeletion(row.deletion, out);
  out->append("\n");
  for (const data::ComplexDeletion& each : row.complex_deletions) {
    base::StrAppend(out, "    column ", each.column);
    DumpDeletion(each.deletion, out);
    out->append("\n");
  }
  for (const data::Cell& cell : row.cells) DumpCell(cell, out);
}

void DumpMetadata(const TableMetadata& table, std::string* out) {
  const TableStatistics& s = table.statistics;
  base::StrAppend(out, "table ", table.table.ToString(), " generation ", table.generation, ": ",
                  table.file_bytes, " bytes, ", s.partitions, " partitions, ", s.rows, " rows, ",
                  s.cells, " cells, ", s.tombstones, " tombstones (", s.range_tombstones,
                  " of ranges)\n");
}

}  // namespace

base::Task<absl::Status> DumpTo(base::FileSystem& fs, std::string directory, uint64_t generation,
                                data::TableId table, std::string* out) {
  OpenOptions options{.directory = std::move(directory), .generation = generation, .table = table};
  THOLOS_CO_ASSIGN_OR_RETURN(const std::shared_ptr<SSTable> opened,
                             co_await SSTable::Open(fs, std::move(options)));
  DumpMetadata(opened->metadata(), out);
  const auto source = opened->NewSource({}, ReadPattern::kSequential);
  while (true) {
    THOLOS_CO_ASSIGN_OR_RETURN(const bool more, co_await source->NextPartition());
    if (!more) co_return absl::OkStatus();
    const data::PartitionHeader& header = source->partition();
    base::StrAppend(out, "partition ", header.key.token, " ", Quoted(header.key.key));
    DumpDeletion(header.deletion, out);
    out->append("\n");
    if (header.static_row.has_value()) DumpRow("static", *header.static_row, out);
    while (true) {
      THOLOS_CO_ASSIGN_OR_RETURN(const data::Item item, co_await source->NextItem());
      if (item == data::Item::kEnd) break;
      if (item == data::Item::kChange) {
        const data::DeletionChange& change = source->change();
        base::StrAppend(out, "  from ", Quoted(change.at));
        DumpDeletion(change.deletion, out);
        out->append(change.deletion.live() ? " no range deleted\n" : "\n");
        continue;
      }
      DumpRow(base::StrCat("row ", Quoted(source->row().clustering)), source->row(), out);
    }
  }
}

}  // namespace tholos::sstable
