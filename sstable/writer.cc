#include "sstable/writer.h"

#include <utility>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/codec.h"
#include "data/vector_source.h"
#include "sstable/entry.h"

namespace tholos::sstable {

using base::Task;

namespace {

// Bytes to learn from for each byte of a dictionary.
constexpr size_t kSampleFactor = 64;

}  // namespace

Task<absl::StatusOr<std::unique_ptr<SSTableWriter>>> SSTableWriter::Create(base::FileSystem& fs,
                                                                           WriterOptions options) {
  const std::string path =
      base::StrCat(options.directory, "/", TemporaryFileName(options.generation));
  THOLOS_CO_ASSIGN_OR_RETURN(auto file, co_await fs.Open(path, base::OpenMode::kOpenOrCreate));
  // Over a left-over of a crash.
  if (absl::Status status = co_await file->Truncate(0); !status.ok()) {
    (co_await file->Close()).IgnoreError();
    co_return status;
  }
  co_return std::unique_ptr<SSTableWriter>(
      new SSTableWriter(fs, std::move(options), std::move(file)));
}

SSTableWriter::SSTableWriter(base::FileSystem& fs, WriterOptions options,
                             std::unique_ptr<base::File> file)
    : fs_(fs),
      options_(std::move(options)),
      file_(std::move(file)),
      compressor_(options_.compression, options_.compression_level),
      learning_(options_.compression == Compression::kZstd && options_.dictionary_bytes > 0),
      filter_(options_.partitions_max) {}

SSTableWriter::~SSTableWriter() {
  THOLOS_CHECK(ended_ || base::Loop::CurrentCrashed()) << "neither Finish nor Abandon was called";
}

std::string SSTableWriter::Path(const std::string& name) const {
  return base::StrCat(options_.directory, "/", name);
}

void SSTableWriter::StartPartition(std::string_view prefix) {
  THOLOS_CHECK(!ended_);
  WritePendingChange();
  THOLOS_CHECK(!has_partition_ || prefix_ < prefix) << "partitions out of order";
  in_effect_ = data::Deletion();
  if (has_partition_ && !header_pending_) std::swap(prefix_, written_prefix_);
  prefix_ = prefix;
  has_partition_ = true;
  header_pending_ = true;
  has_clustering_ = false;
}

Task<absl::Status> SSTableWriter::AddPartition(const data::PartitionHeader& header) {
  if (!status_.ok()) return Task<absl::Status>::Ready(status_);
  StartPartition(PartitionPrefix(header.key));
  header_ = header;
  if (header_.static_row.has_value() && header_.static_row->IsEmpty()) header_.static_row.reset();
  bare_ = header_.deletion.live() && !header_.static_row.has_value();
  if (!bare_) WriteHeader();
  return FlushIfFull();
}

void SSTableWriter::AddBarePartition(std::string_view prefix) {
  if (!status_.ok()) return;
  StartPartition(prefix);
  bare_ = true;
}

void SSTableWriter::NextClustering(std::string_view clustering) {
  THOLOS_CHECK(!ended_ && has_partition_);
  THOLOS_CHECK(!has_clustering_ || last_clustering_ < clustering) << "rows out of order";
  has_clustering_ = true;
  last_clustering_ = clustering;
}

Task<absl::Status> SSTableWriter::AddRow(const data::Row& row) {
  if (!status_.ok()) return Task<absl::Status>::Ready(status_);
  NextClustering(row.clustering);
  if (row.IsEmpty()) return Task<absl::Status>::Ready(absl::OkStatus());
  if (pending_change_.has_value() && pending_change_->at != row.clustering) WritePendingChange();
  statistics_.Add(row);
  row_body_.clear();
  data::EncodeRowBody(row, &row_body_);
  WriteRowEntry(row.clustering, row_body_);
  return FlushIfFull();
}

void SSTableWriter::AddEncodedRow(std::string_view clustering, const data::RowView& row) {
  if (!status_.ok()) return;
  NextClustering(clustering);
  if (row.empty) return;
  if (pending_change_.has_value() && pending_change_->at != clustering) WritePendingChange();
  NoteRow(row);
  WriteRowEntry(clustering, row.body);
}

void SSTableWriter::NoteRow(const data::RowView& row) {
  if (row.timeless) return statistics_.Add(row);
  base::Reader in(row.body);
  THOLOS_CHECK(data::DecodeRowBody(&in, &decoded_).ok());
  statistics_.Add(decoded_);
}

Task<absl::Status> SSTableWriter::AddChange(const data::DeletionChange& change) {
  if (!status_.ok()) return Task<absl::Status>::Ready(status_);
  THOLOS_CHECK(!ended_ && has_partition_);
  THOLOS_CHECK(!has_clustering_ || last_clustering_ < change.at) << "changes out of order";
  if (pending_change_.has_value() && pending_change_->at != change.at) {
    THOLOS_CHECK(pending_change_->at < change.at) << "changes out of order";
    WritePendingChange();
  }
  pending_change_ = change;
  if (header_pending_ && !change.deletion.live()) WriteHeader();
  return FlushIfFull();
}

void SSTableWriter::WritePendingChange() {
  if (!pending_change_.has_value()) return;
  if (pending_change_->deletion == in_effect_) {
    pending_change_.reset();
  } else {
    const std::string at = pending_change_->at;
    WriteRowEntry(at, {});
  }
}

// A row, or nothing, with the pending change, if it makes a difference. A block that begins inside
// a range tombstone says so with its first entry.
void SSTableWriter::WriteRowEntry(std::string_view clustering, std::string_view body) {
  if (header_pending_) WriteHeader();
  RowEntryKey(prefix_, clustering, &entry_key_);
  const bool changes = pending_change_.has_value() && pending_change_->deletion != in_effect_;
  if (changes) {
    in_effect_ = pending_change_->deletion;
    statistics_.AddRange(in_effect_);
  }
  pending_change_.reset();
  if (data_.empty()) {
    block_header_ = header_value_.size() <= kIndexedHeaderBytesMax ? header_value_ : "";
  }
  entry_value_.clear();
  if (changes || (data_.empty() && !in_effect_.live())) EncodeChange(in_effect_, &entry_value_);
  AddEntry(body);
}

Task<absl::Status> SSTableWriter::Add(const data::Partition& partition) {
  THOLOS_CO_RETURN_IF_ERROR(
      co_await AddPartition({partition.key, partition.deletion, partition.static_row}));
  const auto source = data::VectorSource({partition}, data::Selection::Everything());
  THOLOS_CO_RETURN_IF_ERROR((co_await source->NextPartition()).status());
  while (true) {
    THOLOS_CO_ASSIGN_OR_RETURN(const data::Item item, co_await source->NextItem());
    if (item == data::Item::kEnd) co_return absl::OkStatus();
    if (item == data::Item::kRow) {
      THOLOS_CO_RETURN_IF_ERROR(co_await AddRow(source->row()));
    } else {
      THOLOS_CO_RETURN_IF_ERROR(co_await AddChange(source->change()));
    }
  }
}

void SSTableWriter::WriteHeader() {
  header_pending_ = false;
  HeaderEntryKey(prefix_, &entry_key_);
  entry_value_.clear();
  if (bare_) {
    entry_value_.push_back(kBareHeader);
    if (statistics_.partitions == 0) statistics_.first_key = DecodePartitionPrefix(prefix_).value();
    statistics_.AddBarePartition();
  } else {
    EncodeHeader(header_, &entry_value_);
    statistics_.Add(header_);
  }
  header_value_ = entry_value_;
  filter_.Add(FilterHashOfPrefix(prefix_));
  if (data_.empty()) block_header_.clear();
  AddEntry();
}

// The value is entry_value_ and then `body`.
void SSTableWriter::AddEntry(std::string_view body) {
  const size_t value_bytes = entry_value_.size() + body.size();
  if (entry_key_.size() + value_bytes > kBlockBytesMax / 2) {
    status_ = absl::InvalidArgumentError(
        base::StrCat(Path(FileName(options_.generation)), ": a row of ", value_bytes, " bytes"));
    return;
  }
  data_.Add(entry_key_, entry_value_, body);
  if (data_.bytes() >= options_.block_bytes) CloseDataBlock();
}

void SSTableWriter::CloseDataBlock() {
  if (data_.empty()) return;
  const std::string first_key = data_.first_key();
  statistics_.raw_data_bytes += data_.bytes();
  const std::string_view payload = data_.Finish();
  if (!learning_) return EmitDataBlock(first_key, block_header_, payload);
  held_bytes_ += payload.size();
  held_.push_back({first_key, block_header_, std::string(payload)});
  if (held_bytes_ >= kSampleFactor * options_.dictionary_bytes) UseDictionary();
}

void SSTableWriter::EmitDataBlock(const std::string& first_key, std::string_view header,
                                  std::string_view payload) {
  AddIndexEntry(&page_, first_key, {Seal(payload, compressor_), header});
  if (page_.bytes() >= options_.index_page_bytes) CloseIndexPage();
}

// Ends the learning, with a dictionary if one could be made.
void SSTableWriter::UseDictionary() {
  learning_ = false;
  std::vector<std::string> samples;
  for (const HeldBlock& block : held_) samples.push_back(block.payload);
  dictionary_ = TrainDictionary(samples, options_.dictionary_bytes);
  if (!dictionary_.empty()) compressor_.SetDictionary(dictionary_);
  held_bytes_ = 0;
  for (const HeldBlock& block : std::exchange(held_, {})) {
    EmitDataBlock(block.first_key, block.header, block.payload);
  }
}

void SSTableWriter::CloseIndexPage() {
  if (page_.empty()) return;
  const std::string first_key = page_.first_key();
  AddIndexEntry(&root_, first_key, {Seal(page_.Finish(), plain_), ""});
}

void SSTableWriter::AddIndexEntry(BlockBuilder* index, const std::string& first_key,
                                  const IndexEntry& entry) {
  std::string value;
  EncodeIndexEntry(entry, &value);
  index->Add(first_key, value);
}

BlockHandle SSTableWriter::Seal(std::string_view payload, BlockCompressor& compressor) {
  return SealBlock(payload, compressor, options_.file_id, end(), &buffer_);
}

Task<absl::Status> SSTableWriter::FlushIfFull() {
  if (!status_.ok()) return Task<absl::Status>::Ready(status_);
  if (buffer_.size() < options_.write_bytes) return Task<absl::Status>::Ready(absl::OkStatus());
  return FlushBuffer();
}

Task<absl::Status> SSTableWriter::FlushBuffer() {
  if (!file_digest_.has_value()) digest_.Add(buffer_);
  status_ = co_await file_->Write(offset_, buffer_);
  offset_ += buffer_.size();
  buffer_.clear();
  co_return status_;
}

// Everything behind the body.
void SSTableWriter::SealTail() {
  Footer footer;
  footer.file_id = options_.file_id;
  footer.generation = options_.generation;
  footer.table = options_.table;
  footer.body_bytes = end();
  footer.filter = Seal(filter_.Finish(), plain_);
  if (!dictionary_.empty()) footer.dictionary = Seal(dictionary_, plain_);
  footer.statistics = Seal(EncodeStatistics(statistics_), plain_);
  footer.root = Seal(root_.Finish(), plain_);
  digest_.Add(buffer_);
  file_digest_ = digest_.value();
  footer.digest = *file_digest_;
  buffer_ += EncodeFooter(footer, end());
}

Task<absl::StatusOr<TableMetadata>> SSTableWriter::Finish() {
  THOLOS_CHECK(!ended_);
  THOLOS_CO_RETURN_IF_ERROR(status_);
  WritePendingChange();
  THOLOS_CO_RETURN_IF_ERROR(status_);
  CloseDataBlock();
  if (learning_) UseDictionary();
  CloseIndexPage();
  if (statistics_.partitions > 0) {
    const bool wrote_last = has_partition_ && !header_pending_;
    statistics_.last_key = DecodePartitionPrefix(wrote_last ? prefix_ : written_prefix_).value();
  }
  SealTail();
  THOLOS_CO_RETURN_IF_ERROR(co_await FlushBuffer());
  status_ = co_await Publish();
  THOLOS_CO_RETURN_IF_ERROR(status_);
  ended_ = true;
  co_return TableMetadata{.table = options_.table,
                          .generation = options_.generation,
                          .file_id = options_.file_id,
                          .file_bytes = offset_,
                          .digest = *file_digest_,
                          .statistics = std::move(statistics_)};
}

Task<absl::Status> SSTableWriter::Publish() {
  THOLOS_CO_RETURN_IF_ERROR(co_await file_->Sync());
  const absl::Status closed = co_await file_->Close();
  file_.reset();
  THOLOS_CO_RETURN_IF_ERROR(closed);
  published_ = true;  // from here on it may be visible
  THOLOS_CO_RETURN_IF_ERROR(co_await fs_.Rename(Path(TemporaryFileName(options_.generation)),
                                                Path(FileName(options_.generation))));
  co_return co_await fs_.SyncDirectory(options_.directory);
}

Task<void> SSTableWriter::Abandon() {
  THOLOS_CHECK(!ended_);
  if (status_.ok()) status_ = absl::CancelledError("abandoned");
  if (file_ != nullptr) (co_await file_->Close()).IgnoreError();
  file_.reset();
  (co_await fs_.Remove(Path(TemporaryFileName(options_.generation)))).IgnoreError();
  if (published_) {
    (co_await fs_.Remove(Path(FileName(options_.generation)))).IgnoreError();
    (co_await fs_.SyncDirectory(options_.directory)).IgnoreError();
  }
  ended_ = true;
}

}  // namespace tholos::sstable
