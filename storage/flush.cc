#include "storage/flush.h"

#include <utility>

#include "base/status_macros.h"

namespace tholos::storage {
namespace {

base::Task<absl::Status> Copy(data::PartitionSource& from, sstable::SSTableWriter& to) {
  while (true) {
    THOLOS_CO_ASSIGN_OR_RETURN(const bool more, co_await from.NextPartition());
    if (!more) co_return absl::OkStatus();
    THOLOS_CO_RETURN_IF_ERROR(co_await to.AddPartition(from.partition()));
    while (true) {
      THOLOS_CO_ASSIGN_OR_RETURN(const data::Item item, co_await from.NextItem());
      if (item == data::Item::kEnd) break;
      if (item == data::Item::kRow) {
        THOLOS_CO_RETURN_IF_ERROR(co_await to.AddRow(from.row()));
      } else {
        THOLOS_CO_RETURN_IF_ERROR(co_await to.AddChange(from.change()));
      }
    }
  }
}

}  // namespace

base::Task<absl::StatusOr<std::optional<sstable::TableMetadata>>> WriteMemtable(
    base::FileSystem& fs, sstable::WriterOptions options,
    std::shared_ptr<const Memtable> memtable) {
  THOLOS_CO_ASSIGN_OR_RETURN(auto writer,
                             co_await sstable::SSTableWriter::Create(fs, std::move(options)));
  auto source = MemtableSource(std::move(memtable), data::Selection::Everything());
  absl::Status copied = co_await Copy(*source, *writer);
  if (!copied.ok() || writer->partitions() == 0) {
    co_await writer->Abandon();
    if (!copied.ok()) co_return copied;
    co_return std::nullopt;
  }
  auto finished = co_await writer->Finish();
  if (!finished.ok()) {
    co_await writer->Abandon();
    co_return finished.status();
  }
  co_return *std::move(finished);
}

}  // namespace tholos::storage
