#include "storage/flush.h"

#include <utility>

#include "base/status_macros.h"

namespace tholos::storage {
namespace {

using base::Task;

// Partitions of only rows, which most are, as the memtable has them encoded; others as a source
// gives them.
class Flush {
 public:
  Flush(std::shared_ptr<const Memtable> memtable, sstable::SSTableWriter& writer)
      : memtable_(std::move(memtable)), writer_(writer) {}

  Task<absl::Status> Run() {
    const Memtable::Partitions& partitions = memtable_->partitions();
    for (auto place = partitions.First(); !place.at_end(); place = partitions.Next(place)) {
      Prefetch(partitions, place);
      const Memtable::Partition& partition = *place.item();
      const Memtable::Contents* contents = partition.contents();
      const data::Token token = Memtable::TokenOf(place.prefix());
      if (const Memtable::Row* row = partition.only_row(); row != nullptr) {
        Start(token, partition);
        Add(*row);
      } else if (contents != nullptr && !IsBare(*contents)) {
        THOLOS_CO_RETURN_IF_ERROR(co_await CopyDecoded({token, std::string(partition.key())}));
      } else if (contents != nullptr) {
        Start(token, partition);
        const Memtable::Rows& rows = contents->rows;
        for (auto at = rows.First(); !at.at_end(); at = rows.Next(at)) {
          PrefetchRow(rows.Ahead(at, kRowAhead));
          Add(*at.item());
          if (writer_.needs_relief()) THOLOS_CO_RETURN_IF_ERROR(co_await writer_.Relieve());
        }
      }
      if (writer_.needs_relief()) THOLOS_CO_RETURN_IF_ERROR(co_await writer_.Relieve());
    }
    co_return absl::OkStatus();
  }

 private:
  // A partition and its row lie anywhere in memory; the first names the second.
  static constexpr uint32_t kPartitionAhead = 12;
  static constexpr uint32_t kRowAhead = 6;

  static void Prefetch(const Memtable::Partitions& partitions,
                       const Memtable::Partitions::Place& place) {
    if (auto* partition = partitions.Ahead(place, kPartitionAhead); partition != nullptr) {
      __builtin_prefetch(partition);
    }
    if (auto* partition = partitions.Ahead(place, kRowAhead); partition != nullptr) {
      PrefetchRow(partition->only_row());
    }
  }
  static void PrefetchRow(const Memtable::Row* row) {
    const char* bytes = reinterpret_cast<const char*>(row);
    if (row == nullptr) return;
    for (int line = 0; line < 3; ++line) __builtin_prefetch(bytes + 64 * line);
  }

  static bool IsBare(const Memtable::Contents& contents) {
    return contents.deletion.live() && contents.static_row == nullptr && contents.ranges.empty();
  }

  void Start(data::Token token, const Memtable::Partition& partition) {
    prefix_.clear();
    sstable::AppendPartitionPrefix(token, partition.key(), &prefix_);
    writer_.AddBarePartition(prefix_);
  }

  void Add(const Memtable::Row& row) {
    base::Reader in(row.body());
    writer_.AddEncodedRow(row.key(), data::TakeRowBodyView(&in));
  }

  Task<absl::Status> CopyDecoded(data::DecoratedKey key) {
    const auto from = MemtableSource(memtable_, {.key = std::move(key)});
    THOLOS_CO_ASSIGN_OR_RETURN(const bool found, co_await from->NextPartition());
    if (!found) co_return absl::OkStatus();
    THOLOS_CO_RETURN_IF_ERROR(co_await writer_.AddPartition(from->partition()));
    while (true) {
      THOLOS_CO_ASSIGN_OR_RETURN(const data::Item item, co_await from->NextItem());
      if (item == data::Item::kEnd) co_return absl::OkStatus();
      if (item == data::Item::kRow) {
        THOLOS_CO_RETURN_IF_ERROR(co_await writer_.AddRow(from->row()));
      } else {
        THOLOS_CO_RETURN_IF_ERROR(co_await writer_.AddChange(from->change()));
      }
    }
  }

  const std::shared_ptr<const Memtable> memtable_;
  sstable::SSTableWriter& writer_;
  std::string prefix_;
};

}  // namespace

base::Task<absl::StatusOr<std::optional<sstable::TableMetadata>>> WriteMemtable(
    base::FileSystem& fs, sstable::WriterOptions options,
    std::shared_ptr<const Memtable> memtable) {
  options.partitions_max = memtable->partitions().size();
  THOLOS_CO_ASSIGN_OR_RETURN(auto writer,
                             co_await sstable::SSTableWriter::Create(fs, std::move(options)));
  Flush flush(std::move(memtable), *writer);
  absl::Status copied = co_await flush.Run();
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
