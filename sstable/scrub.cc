#include "sstable/scrub.h"

#include <memory>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/block.h"
#include "sstable/entry.h"
#include "sstable/format.h"
#include "sstable/reader.h"

namespace tholos::sstable {
namespace {

using base::Task;

constexpr size_t kFindingsMax = 1000;

class Scrubber {
 public:
  Scrubber(std::unique_ptr<base::File> file, Footer footer, std::unique_ptr<SSTableWriter> writer)
      : file_(std::move(file)), footer_(footer), writer_(std::move(writer)) {}

  Task<absl::StatusOr<ScrubReport>> Run() {
    absl::Status copied = co_await Copy();
    if (copied.ok()) {
      auto written = co_await writer_->Finish();
      if (written.ok()) {
        report_.written = *std::move(written);
        co_return std::move(report_);
      }
      copied = written.status();
    }
    co_await writer_->Abandon();
    co_return copied;
  }

 private:
  void Lose(std::string section, uint64_t offset, const absl::Status& why) {
    if (report_.lost.size() >= kFindingsMax) return;
    report_.lost.push_back({std::move(section), offset, std::string(base::ToStd(why.message()))});
  }

  Task<absl::StatusOr<std::shared_ptr<const Block>>> Load(BlockHandle handle) {
    THOLOS_CO_ASSIGN_OR_RETURN(const std::string stored,
                               co_await file_->Read(handle.offset, handle.stored_bytes));
    THOLOS_CO_ASSIGN_OR_RETURN(const std::string payload,
                               UnsealBlock(stored, footer_.file_id, handle.offset, &decompressor_));
    co_return Block::Parse(payload);
  }

  Task<absl::Status> LoadDictionary() {
    if (footer_.dictionary == BlockHandle()) co_return absl::OkStatus();
    THOLOS_CO_ASSIGN_OR_RETURN(
        const std::string stored,
        co_await file_->Read(footer_.dictionary.offset, footer_.dictionary.stored_bytes));
    THOLOS_CO_ASSIGN_OR_RETURN(
        const std::string dictionary,
        UnsealBlock(stored, footer_.file_id, footer_.dictionary.offset, nullptr));
    decompressor_ = BlockDecompressor(dictionary);
    co_return absl::OkStatus();
  }

  Task<absl::Status> Copy() {
    // Blocks that need it are lost with it, one by one.
    if (absl::Status loaded = co_await LoadDictionary(); !loaded.ok()) {
      Lose("dictionary", footer_.dictionary.offset, loaded);
    }
    auto root = co_await Load(footer_.root);
    if (!root.ok()) {
      co_return absl::DataLossError(base::StrCat(file_->path(), ": root at ", footer_.root.offset,
                                                 ": ", base::ToStd(root.status().message())));
    }
    BlockCursor page(*std::move(root));
    while (page.Next()) THOLOS_CO_RETURN_IF_ERROR(co_await CopyPage(std::string(page.value())));
    co_return absl::OkStatus();
  }

  Task<absl::Status> CopyPage(std::string entry) {
    const auto index = DecodeIndexEntry(entry);
    if (!index.ok()) {
      Lose("root", footer_.root.offset, index.status());
      co_return co_await EndRange();
    }
    const BlockHandle handle = index->handle;
    auto loaded = co_await Load(handle);
    if (!loaded.ok()) {
      Lose("index page", handle.offset, loaded.status());
      co_return co_await EndRange();
    }
    BlockCursor block(*std::move(loaded));
    while (block.Next()) {
      THOLOS_CO_RETURN_IF_ERROR(co_await CopyBlock(std::string(block.value()), handle.offset));
    }
    co_return absl::OkStatus();
  }

  // What a range tombstone covers beyond a gap is not known: it ends behind what was copied.
  Task<absl::Status> EndRange() {
    if (in_effect_.live()) co_return absl::OkStatus();
    in_effect_ = data::Deletion();
    std::string behind = last_clustering_;
    behind.push_back('\0');
    co_return co_await writer_->AddChange({.at = std::move(behind), .deletion = {}});
  }

  Task<absl::Status> CopyBlock(std::string index_entry, uint64_t page_offset) {
    const auto index = DecodeIndexEntry(index_entry);
    if (!index.ok()) {
      ++report_.blocks_lost;
      Lose("index page", page_offset, index.status());
      co_return co_await EndRange();
    }
    const uint64_t offset = index->handle.offset;
    auto loaded = co_await Load(index->handle);
    if (!loaded.ok()) {
      ++report_.blocks_lost;
      Lose("data block", offset, loaded.status());
      co_return co_await EndRange();
    }
    BlockCursor entry(*std::move(loaded));
    while (entry.Next()) {
      // The writer insists on order, which a block that is itself in order may break.
      absl::Status readable = Decode(entry.key(), entry.value(), index->header);
      if (readable.ok()) {
        THOLOS_CO_RETURN_IF_ERROR(co_await CopyDecoded());
      } else {
        ++report_.entries_lost;
        Lose("data block", offset, readable);
      }
    }
    co_return absl::OkStatus();
  }

  // Into header_ (starts_partition_), change_ and row_ (has_row_). `indexed_header` is what the
  // index says of the partition that the block begins inside of.
  absl::Status Decode(std::string_view key, std::string_view value,
                      std::string_view indexed_header) {
    starts_partition_ = false;
    has_row_ = false;
    change_.reset();
    if (!last_key_.empty() && key <= last_key_) {
      return absl::DataLossError("an entry out of order");
    }
    THOLOS_ASSIGN_OR_RETURN(const size_t prefix_length, PartitionPrefixLength(key));
    const std::string_view prefix = key.substr(0, prefix_length);
    data::PartitionHeader header;
    if (IsHeaderOf(key, prefix)) {
      THOLOS_ASSIGN_OR_RETURN(header.key, DecodePartitionPrefix(prefix));
      THOLOS_RETURN_IF_ERROR(DecodeHeader(value, &header));
      header_ = std::move(header);
      starts_partition_ = true;
    } else if (IsRowOf(key, prefix)) {
      THOLOS_ASSIGN_OR_RETURN(const RowEntry entry, DecodeRowEntry(value));
      data::Row row;
      if (!entry.row.empty()) THOLOS_RETURN_IF_ERROR(DecodeRow(entry.row, &row));
      row.clustering = key.substr(prefix_length + 1);
      if (prefix != prefix_) {
        THOLOS_ASSIGN_OR_RETURN(header.key, DecodePartitionPrefix(prefix));
        if (indexed_header.empty() || !DecodeHeader(indexed_header, &header).ok()) {
          ++report_.partitions_without_header;
        }
        header_ = std::move(header);
        starts_partition_ = true;
      }
      change_ = entry.change;
      has_row_ = !entry.row.empty();
      row_ = std::move(row);
    } else {
      return absl::DataLossError("an entry of unknown kind");
    }
    prefix_ = prefix;
    last_key_ = key;
    return absl::OkStatus();
  }

  Task<absl::Status> CopyDecoded() {
    if (starts_partition_) {
      in_effect_ = data::Deletion();
      last_clustering_.clear();
      THOLOS_CO_RETURN_IF_ERROR(co_await writer_->AddPartition(header_));
    }
    if (change_.has_value()) {
      in_effect_ = *change_;
      THOLOS_CO_RETURN_IF_ERROR(
          co_await writer_->AddChange({.at = row_.clustering, .deletion = *change_}));
    }
    if (change_.has_value() || has_row_) last_clustering_ = row_.clustering;
    if (has_row_) THOLOS_CO_RETURN_IF_ERROR(co_await writer_->AddRow(row_));
    co_return absl::OkStatus();
  }

  const std::unique_ptr<base::File> file_;
  const Footer footer_;
  const std::unique_ptr<SSTableWriter> writer_;
  BlockDecompressor decompressor_;
  ScrubReport report_;

  std::string last_key_;
  std::string prefix_;
  std::string last_clustering_;  // in the partition
  data::Deletion in_effect_;     // of range tombstones, behind it
  // Of the entry that is being copied.
  data::PartitionHeader header_;
  std::optional<data::Deletion> change_;
  data::Row row_;
  bool starts_partition_ = false;
  bool has_row_ = false;
};

}  // namespace

std::string ScrubReport::ToString() const {
  std::string text =
      base::StrCat(written.statistics.partitions, " partitions and ", written.statistics.rows,
                   " rows saved; ", blocks_lost, " blocks and ", entries_lost, " entries lost, ",
                   partitions_without_header, " partitions without header\n");
  for (const VerifyFinding& finding : lost) {
    base::StrAppend(&text, finding.section, " at ", finding.offset, ": ", finding.what, "\n");
  }
  return text;
}

Task<absl::StatusOr<ScrubReport>> ScrubFile(base::FileSystem& fs, std::string path,
                                            WriterOptions output) {
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs.Open(path, base::OpenMode::kRead));
  THOLOS_CO_ASSIGN_OR_RETURN(const Footer footer, co_await ReadFooter(*file));
  output.table = footer.table;
  THOLOS_CO_ASSIGN_OR_RETURN(auto writer, co_await SSTableWriter::Create(fs, std::move(output)));
  Scrubber scrubber(std::move(file), footer, std::move(writer));
  co_return co_await scrubber.Run();
}

}  // namespace tholos::sstable
