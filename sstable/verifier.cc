#include "sstable/verifier.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/digest.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/block.h"
#include "sstable/entry.h"
#include "sstable/filter.h"
#include "sstable/format.h"

namespace tholos::sstable {
namespace {

using base::Task;

constexpr size_t kFindingsMax = 1000;

class Verifier {
 public:
  // Without an expectation: whatever the footer says.
  Verifier(std::unique_ptr<base::File> file, std::optional<uint64_t> generation,
           std::optional<data::TableId> table)
      : file_(std::move(file)), generation_(generation), table_(table) {}

  Task<absl::StatusOr<VerifyReport>> Run() {
    THOLOS_CO_ASSIGN_OR_RETURN(const uint64_t file_bytes, co_await file_->Size());
    THOLOS_CO_RETURN_IF_ERROR(co_await CheckFooter(file_bytes));
    if (!report_.ok()) co_return std::move(report_);
    THOLOS_CO_RETURN_IF_ERROR(co_await LoadSections());
    if (root_ != nullptr) THOLOS_CO_RETURN_IF_ERROR(co_await CheckBody());
    CheckStatistics();
    THOLOS_CO_RETURN_IF_ERROR(co_await CheckDigest(file_bytes - kFooterBytes));
    co_return std::move(report_);
  }

 private:
  void Find(std::string section, uint64_t offset, std::string what) {
    ++report_.findings_total;
    if (report_.findings.size() < kFindingsMax) {
      report_.findings.push_back({std::move(section), offset, std::move(what)});
    }
  }
  void Find(std::string section, uint64_t offset, const absl::Status& status) {
    Find(std::move(section), offset, std::string(base::ToStd(status.message())));
  }

  Task<absl::Status> CheckFooter(uint64_t file_bytes) {
    if (file_bytes < kFooterBytes) {
      Find("footer", 0, base::StrCat("the file has only ", file_bytes, " bytes"));
      co_return absl::OkStatus();
    }
    const uint64_t offset = file_bytes - kFooterBytes;
    THOLOS_CO_ASSIGN_OR_RETURN(const std::string bytes, co_await file_->Read(offset, kFooterBytes));
    const absl::StatusOr<Footer> footer = DecodeFooter(bytes, offset);
    if (!footer.ok()) {
      Find("footer", offset, footer.status());
      co_return absl::OkStatus();
    }
    footer_ = *footer;
    if (generation_.has_value() && footer_.generation != *generation_)
      Find("footer", offset, "another generation");
    if (table_.has_value() && footer_.table != *table_) Find("footer", offset, "another table");
    co_return absl::OkStatus();
  }

  // Nothing, and a finding, if the block is damaged; an error if it cannot be read.
  Task<absl::StatusOr<std::optional<std::string>>> Unseal(BlockHandle handle, std::string section) {
    ++report_.blocks;
    THOLOS_CO_ASSIGN_OR_RETURN(const std::string stored,
                               co_await file_->Read(handle.offset, handle.stored_bytes));
    absl::StatusOr<std::string> payload =
        UnsealBlock(stored, footer_.file_id, handle.offset, &decompressor_);
    if (payload.ok()) co_return std::optional<std::string>(*std::move(payload));
    Find(std::move(section), handle.offset, payload.status());
    co_return std::optional<std::string>();
  }

  // The same for a sorted run of entries: null and a finding if it is damaged or empty.
  Task<absl::StatusOr<std::shared_ptr<const Block>>> LoadBlock(BlockHandle handle,
                                                               std::string section) {
    std::shared_ptr<const Block> none;
    THOLOS_CO_ASSIGN_OR_RETURN(const std::optional<std::string> payload,
                               co_await Unseal(handle, section));
    if (!payload.has_value()) co_return none;
    absl::StatusOr<std::shared_ptr<const Block>> block = Block::Parse(*payload);
    if (block.ok()) co_return *std::move(block);
    Find(std::move(section), handle.offset, block.status());
    co_return none;
  }

  Task<absl::Status> LoadSections() {
    if (footer_.dictionary != BlockHandle()) {
      THOLOS_CO_ASSIGN_OR_RETURN(const std::optional<std::string> dictionary,
                                 co_await Unseal(footer_.dictionary, "dictionary"));
      if (dictionary.has_value()) decompressor_ = BlockDecompressor(*dictionary);
    }
    THOLOS_CO_ASSIGN_OR_RETURN(std::optional<std::string> filter,
                               co_await Unseal(footer_.filter, "filter"));
    if (filter.has_value()) {
      absl::StatusOr<Filter> parsed = Filter::Parse(*std::move(filter));
      if (parsed.ok()) {
        filter_ = *std::move(parsed);
      } else {
        Find("filter", footer_.filter.offset, parsed.status());
      }
    }
    THOLOS_CO_ASSIGN_OR_RETURN(const std::optional<std::string> statistics,
                               co_await Unseal(footer_.statistics, "statistics"));
    if (statistics.has_value()) {
      absl::StatusOr<TableStatistics> decoded = DecodeStatistics(*statistics);
      if (decoded.ok()) {
        claimed_ = *std::move(decoded);
      } else {
        Find("statistics", footer_.statistics.offset, decoded.status());
      }
    }
    THOLOS_CO_ASSIGN_OR_RETURN(root_, co_await LoadBlock(footer_.root, "root"));
    co_return absl::OkStatus();
  }

  // Walks root, pages and blocks in the order of the file.
  Task<absl::Status> CheckBody() {
    BlockCursor root(root_);
    while (root.Next()) {
      const absl::StatusOr<IndexEntry> entry =
          CheckedEntry(root.value(), "root", footer_.root.offset);
      if (!entry.ok()) continue;
      if (!entry->header.empty()) Find("root", footer_.root.offset, "a header in the root");
      THOLOS_CO_RETURN_IF_ERROR(co_await CheckPage(entry->handle, std::string(root.key())));
    }
    if (next_offset_ != footer_.body_bytes) {
      Find("file", next_offset_, "bytes that belong to no block before the filter");
    }
    co_return absl::OkStatus();
  }

  absl::StatusOr<IndexEntry> CheckedEntry(std::string_view value, std::string section,
                                          uint64_t offset) {
    absl::StatusOr<IndexEntry> entry = DecodeIndexEntry(value);
    if (entry.ok() && entry->handle.end() > footer_.body_bytes) {
      entry = absl::DataLossError("the index points outside of the body");
    }
    if (!entry.ok()) {
      Find(std::move(section), offset, entry.status());
      gap_ = true;
    }
    return entry;
  }

  void CheckPlace(BlockHandle handle, std::string section) {
    if (handle.offset != next_offset_ && !gap_) {
      Find(std::move(section), handle.offset,
           base::StrCat("does not follow the block before it, which ends at ", next_offset_));
    }
    next_offset_ = handle.end();
  }

  Task<absl::Status> CheckPage(BlockHandle handle, std::string first_key) {
    THOLOS_CO_ASSIGN_OR_RETURN(const std::shared_ptr<const Block> block,
                               co_await LoadBlock(handle, "index page"));
    if (block == nullptr || block->empty()) {
      if (block != nullptr) Find("index page", handle.offset, "empty");
      gap_ = true;  // its data blocks are unknown
    } else {
      BlockCursor page(block);
      page.Next();
      if (page.key() != first_key) {
        Find("index page", handle.offset, "its first key is not the root's");
      }
      do {
        const auto data = CheckedEntry(page.value(), "index page", handle.offset);
        if (!data.ok()) continue;
        THOLOS_CO_RETURN_IF_ERROR(
            co_await CheckData(data->handle, std::string(page.key()), std::string(data->header)));
      } while (page.Next());
    }
    CheckPlace(handle, "index page");
    co_return absl::OkStatus();
  }

  // `header`: what the index says of the partition the block begins inside of.
  Task<absl::Status> CheckData(BlockHandle handle, std::string first_key, std::string header) {
    CheckPlace(handle, "data block");
    THOLOS_CO_ASSIGN_OR_RETURN(const std::shared_ptr<const Block> block,
                               co_await LoadBlock(handle, "data block"));
    if (block == nullptr) {
      gap_ = true;
      co_return absl::OkStatus();
    }
    BlockCursor entry(block);
    if (!entry.Next()) {
      Find("data block", handle.offset, "empty");
      co_return absl::OkStatus();
    }
    if (entry.key() != first_key) {
      Find("data block", handle.offset, "its first key is not the index's");
    }
    CheckBlockStart(handle, entry, header);
    do {
      if (absl::Status status = CheckEntry(entry.key(), entry.value()); !status.ok()) {
        Find("data block", handle.offset, status);
      }
    } while (entry.Next());
    counted_.raw_data_bytes += block->payload_bytes();
    co_return absl::OkStatus();
  }

  // A block that begins inside a partition can be read alone.
  void CheckBlockStart(BlockHandle handle, const BlockCursor& first, std::string_view header) {
    const bool inside = !prefix_.empty() && IsRowOf(first.key(), prefix_);
    if (gap_) return;
    const bool indexed = inside && header_value_.size() <= kIndexedHeaderBytesMax;
    if (header != (indexed ? std::string_view(header_value_) : std::string_view())) {
      Find("data block", handle.offset, "the index has another header of its partition");
    }
    if (!inside || in_effect_.live()) return;
    const absl::StatusOr<RowEntry> entry = DecodeRowEntry(first.value());
    if (entry.ok() && !entry->change.has_value()) {
      Find("data block", handle.offset, "does not say which range tombstone it begins in");
    }
  }

  absl::Status CheckEntry(std::string_view key, std::string_view value) {
    const bool in_order = last_key_.empty() || last_key_ < key;
    last_key_ = key;
    if (!in_order) return absl::DataLossError("entries out of order");
    THOLOS_ASSIGN_OR_RETURN(const size_t prefix_length, PartitionPrefixLength(key));
    const std::string_view prefix = key.substr(0, prefix_length);
    if (IsHeaderOf(key, prefix)) return CheckHeader(prefix, value);
    if (!IsRowOf(key, prefix)) return absl::DataLossError("an entry of unknown kind");
    if (prefix != prefix_ && !gap_)
      return absl::DataLossError("a row without its partition's header");
    THOLOS_ASSIGN_OR_RETURN(const RowEntry entry, DecodeRowEntry(value));
    if (entry.change.has_value() && *entry.change != in_effect_) {
      in_effect_ = *entry.change;
      counted_.AddRange(in_effect_);
    }
    if (entry.row.empty()) {
      if (!entry.change.has_value()) return absl::DataLossError("an entry that says nothing");
      return absl::OkStatus();
    }
    data::Row row;
    THOLOS_RETURN_IF_ERROR(DecodeRow(entry.row, &row));
    if (row.IsEmpty()) return absl::DataLossError("an empty row");
    ++report_.rows;
    counted_.Add(row);
    return absl::OkStatus();
  }

  absl::Status CheckHeader(std::string_view prefix, std::string_view value) {
    prefix_ = prefix;
    header_value_ = value;
    in_effect_ = data::Deletion();
    data::PartitionHeader header;
    THOLOS_ASSIGN_OR_RETURN(header.key, DecodePartitionPrefix(prefix));
    THOLOS_RETURN_IF_ERROR(DecodeHeader(value, &header));
    ++report_.partitions;
    counted_.Add(header);
    if (filter_.MayContain(FilterHash(header.key.key))) return absl::OkStatus();
    return absl::DataLossError("a partition that the filter does not know");
  }

  // What no block's checksum covers is nothing; so of a file with a finding this says nothing new.
  Task<absl::Status> CheckDigest(uint64_t bytes) {
    if (!report_.ok()) co_return absl::OkStatus();
    constexpr uint64_t kStep = 1 << 20;
    base::Digest64 digest;
    for (uint64_t offset = 0; offset < bytes; offset += kStep) {
      THOLOS_CO_ASSIGN_OR_RETURN(
          const std::string part,
          co_await file_->Read(offset, static_cast<size_t>(std::min(kStep, bytes - offset))));
      digest.Add(part);
    }
    if (digest.value() != footer_.digest) Find("file", 0, "the digest in the footer is another");
    co_return absl::OkStatus();
  }

  void CheckStatistics() {
    // Of a damaged file nothing can be counted.
    if (!claimed_.has_value() || gap_ || root_ == nullptr) return;
    if (counted_ != *claimed_) {
      Find("statistics", footer_.statistics.offset, "not what the contents give");
    }
  }

  const std::unique_ptr<base::File> file_;
  const std::optional<uint64_t> generation_;
  const std::optional<data::TableId> table_;
  BlockDecompressor decompressor_;
  VerifyReport report_;
  Footer footer_;
  Filter filter_;
  std::optional<TableStatistics> claimed_;
  std::shared_ptr<const Block> root_;

  uint64_t next_offset_ = 0;  // where the next block must begin
  bool gap_ = false;          // a damaged block was passed: what follows may lack its context
  std::string last_key_;
  std::string prefix_;  // of the last partition header
  std::string header_value_;
  data::Deletion in_effect_;  // of range tombstones, in that partition
  TableStatistics counted_;
};

}  // namespace

std::string VerifyReport::ToString() const {
  std::string text = base::StrCat(blocks, " blocks, ", partitions, " partitions, ", rows, " rows, ",
                                  findings_total, " findings\n");
  for (const VerifyFinding& finding : findings) {
    base::StrAppend(&text, finding.section, " at ", finding.offset, ": ", finding.what, "\n");
  }
  return text;
}

Task<absl::StatusOr<VerifyReport>> VerifyTable(base::FileSystem& fs, std::string directory,
                                               uint64_t generation, data::TableId table) {
  THOLOS_CO_ASSIGN_OR_RETURN(
      auto file,
      co_await fs.Open(base::StrCat(directory, "/", FileName(generation)), base::OpenMode::kRead));
  Verifier verifier(std::move(file), generation, table);
  co_return co_await verifier.Run();
}

Task<absl::StatusOr<VerifyReport>> VerifyFile(base::FileSystem& fs, std::string path) {
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs.Open(path, base::OpenMode::kRead));
  Verifier verifier(std::move(file), std::nullopt, std::nullopt);
  co_return co_await verifier.Run();
}

}  // namespace tholos::sstable
