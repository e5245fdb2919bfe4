#include "sstable/reader.h"

#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/table_source.h"

namespace tholos::sstable {

using base::Task;

Task<absl::StatusOr<std::shared_ptr<SSTable>>> SSTable::Open(base::FileSystem& fs,
                                                             OpenOptions options) {
  const std::string path = options.path.empty()
                               ? base::StrCat(options.directory, "/", FileName(options.generation))
                               : options.path;
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs.Open(path, base::OpenMode::kRead));
  std::shared_ptr<SSTable> table(new SSTable(std::move(options), std::move(file)));
  THOLOS_CO_RETURN_IF_ERROR(co_await table->Load());
  co_return table;
}

SSTable::SSTable(OpenOptions options, std::unique_ptr<base::File> file)
    : options_(std::move(options)), file_(std::move(file)) {}

SSTable::~SSTable() {
  if (release_ == nullptr || base::Loop::CurrentCrashed()) return;
  file_.reset();
  release_(metadata_.generation);
}

void SSTable::OnLastRelease(absl::AnyInvocable<void(uint64_t generation)> release) {
  release_ = std::move(release);
}

const std::string& SSTable::path() const { return file_->path(); }

size_t SSTable::memory_bytes() const { return sizeof(SSTable) + filter_.bytes() + root_->bytes(); }

absl::Status SSTable::Corrupt(std::string_view section, uint64_t offset,
                              std::string_view what) const {
  return absl::DataLossError(base::StrCat(path(), ": ", section, " at ", offset, ": ", what));
}

Task<absl::Status> SSTable::Load() {
  THOLOS_CO_ASSIGN_OR_RETURN(const uint64_t file_bytes, co_await file_->Size());
  THOLOS_CO_RETURN_IF_ERROR(co_await LoadFooter(file_bytes));

  if (footer_.dictionary != BlockHandle()) {
    THOLOS_CO_ASSIGN_OR_RETURN(const std::string dictionary,
                               co_await ReadSection(footer_.dictionary, "dictionary"));
    decompressor_ = BlockDecompressor(dictionary);
  }
  THOLOS_CO_ASSIGN_OR_RETURN(const std::string statistics,
                             co_await ReadSection(footer_.statistics, "statistics"));
  absl::StatusOr<TableStatistics> decoded = DecodeStatistics(statistics);
  if (!decoded.ok()) co_return Damaged("statistics", footer_.statistics, decoded.status());
  metadata_ = {.table = footer_.table,
               .generation = options_.generation,
               .file_id = footer_.file_id,
               .file_bytes = file_bytes,
               .digest = footer_.digest,
               .statistics = *std::move(decoded)};

  THOLOS_CO_ASSIGN_OR_RETURN(const std::string root, co_await ReadSection(footer_.root, "root"));
  absl::StatusOr<std::shared_ptr<const Block>> block = Block::Parse(root);
  if (!block.ok()) co_return Damaged("root", footer_.root, block.status());
  root_ = *std::move(block);

  if (options_.load_filter) {
    THOLOS_CO_ASSIGN_OR_RETURN(std::string filter, co_await ReadSection(footer_.filter, "filter"));
    absl::StatusOr<Filter> parsed = Filter::Parse(std::move(filter));
    if (!parsed.ok()) co_return Damaged("filter", footer_.filter, parsed.status());
    filter_ = *std::move(parsed);
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<Footer>> ReadFooter(base::File& file) {
  const auto corrupt = [&file](uint64_t at, std::string_view what) {
    return base::StrCat(file.path(), ": footer at ", at, ": ", what);
  };
  THOLOS_CO_ASSIGN_OR_RETURN(const uint64_t file_bytes, co_await file.Size());
  if (file_bytes < kFooterBytes) {
    co_return absl::DataLossError(
        corrupt(0, base::StrCat("the file has only ", file_bytes, " bytes")));
  }
  const uint64_t offset = file_bytes - kFooterBytes;
  THOLOS_CO_ASSIGN_OR_RETURN(const std::string bytes, co_await file.Read(offset, kFooterBytes));
  absl::StatusOr<Footer> footer = DecodeFooter(bytes, offset);
  if (footer.ok()) co_return footer;
  co_return absl::Status(footer.status().code(),
                         corrupt(offset, base::ToStd(footer.status().message())));
}

Task<absl::Status> SSTable::LoadFooter(uint64_t file_bytes) {
  THOLOS_CO_ASSIGN_OR_RETURN(footer_, co_await ReadFooter(*file_));
  const uint64_t offset = file_bytes - kFooterBytes;
  const uint64_t written_as = options_.written_as != 0 ? options_.written_as : options_.generation;
  if (footer_.generation != written_as || footer_.table != options_.table) {
    co_return Corrupt("footer", offset,
                      base::StrCat("this is generation ", footer_.generation, " of table ",
                                   footer_.table.ToString(), ", expected ", written_as, " of ",
                                   options_.table.ToString()));
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::string>> SSTable::ReadSection(BlockHandle handle, const char* section) {
  THOLOS_CO_ASSIGN_OR_RETURN(const std::string stored,
                             co_await file_->Read(handle.offset, handle.stored_bytes));
  absl::StatusOr<std::string> payload =
      UnsealBlock(stored, footer_.file_id, handle.offset, &decompressor_);
  if (!payload.ok()) co_return Damaged(section, handle, payload.status());
  co_return payload;
}

absl::Status SSTable::Damaged(std::string_view section, BlockHandle handle,
                              const absl::Status& why) const {
  return Corrupt(section, handle.offset, base::ToStd(why.message()));
}

absl::StatusOr<std::shared_ptr<const Block>> SSTable::ParseBlock(std::string_view stored,
                                                                 const BlockHandle& handle,
                                                                 std::string_view section) const {
  const absl::StatusOr<SealedBlock> sealed = CheckSeal(stored, footer_.file_id, handle.offset);
  absl::StatusOr<std::shared_ptr<const Block>> block =
      sealed.ok() ? ParseBlock(*sealed) : sealed.status();
  if (!block.ok()) return Damaged(section, handle, block.status());
  return block;
}

absl::StatusOr<std::shared_ptr<const Block>> SSTable::ParseBlock(const SealedBlock& sealed) const {
  return Block::Parse(sealed.raw_size, [&](char* to) {
    return decompressor_.DecompressTo(sealed.compression, sealed.data, sealed.raw_size, to);
  });
}

bool SSTable::MayContain(const data::Selection& selection) const {
  const TableStatistics& statistics = metadata_.statistics;
  if (selection.key.has_value()) return MayContain(*selection.key);
  if (statistics.partitions == 0) return false;
  if (selection.after.has_value() && selection.after->key > statistics.last_key) return false;
  const data::TokenRange& range = selection.range;
  if (range.start == range.end) return true;
  return statistics.last_key.token > range.start &&
         (range.end == data::kMinToken || statistics.first_key.token <= range.end);
}

std::vector<data::DecoratedKey> SSTable::SampleKeys(size_t keys_max) const {
  std::vector<data::DecoratedKey> keys;
  if (metadata_.statistics.partitions == 0 || keys_max == 0) return keys;
  BlockCursor page(root_);
  page.ToBeforeFirst();
  while (page.Next()) {
    const auto length = PartitionPrefixLength(page.key());
    if (!length.ok()) continue;
    auto key = DecodePartitionPrefix(page.key().substr(0, *length));
    if (key.ok() && (keys.empty() || keys.back() != *key)) keys.push_back(*std::move(key));
  }
  const size_t step = (keys.size() + keys_max - 1) / keys_max;
  for (size_t i = 1; i * step < keys.size(); ++i) keys[i] = std::move(keys[i * step]);
  if (step > 1) keys.resize((keys.size() + step - 1) / step);
  return keys;
}

std::unique_ptr<data::PartitionSource> SSTable::NewSource(data::Selection selection,
                                                          ReadPattern pattern) const {
  return std::make_unique<TableSource>(shared_from_this(), std::move(selection), pattern);
}

}  // namespace tholos::sstable
