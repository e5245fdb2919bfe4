#include "sstable/table_scan.h"

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/entry.h"

namespace tholos::sstable {
namespace {

constexpr uint64_t kReadAheadBytes = 512 << 10;
// A token, an escaped empty key, and the kind.
constexpr size_t kKeyBytesMin = 8 + 2 + 1;

// Nullptr if it does not end before `end`, or is longer than a length can be.
const char* TakeLength(const char* p, const char* end, uint64_t* length) {
  if (p == end) return nullptr;
  const auto first = static_cast<uint8_t>(*p);
  if (first < 0x80) {
    *length = first;
    return p + 1;
  }
  uint64_t value = first & 0x7F;
  ++p;
  for (int shift = 7; shift < 35 && p != end; shift += 7) {
    const auto byte = static_cast<uint8_t>(*p++);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      *length = value;
      return p;
    }
  }
  return nullptr;
}

}  // namespace

TableScan::TableScan(std::shared_ptr<const SSTable> table, TokenInterval interval)
    : table_(std::move(table)),
      interval_(interval),
      start_(TokenStart(interval.first)),
      ended_(table_->metadata().statistics.partitions == 0),
      root_(table_->root_) {
  root_.SeekAtOrBefore(start_);
  if (root_.valid()) root_.Previous();  // the first NextPage goes to it
}

bool TableScan::TryNext() {
  if (ended_) {
    valid_ = false;
    return true;
  }
  while (next_ != entries_end_) {
    if (!TakeEntry()) return false;
    if (!begun_ && key_ < start_) continue;
    begun_ = true;
    const auto token = static_cast<data::Token>(head_ ^ (uint64_t{1} << 63));
    valid_ = token <= interval_.last;
    ended_ = !valid_;
    return true;
  }
  return false;
}

bool TableScan::TakeEntry() {
  uint64_t shared = 0;
  uint64_t unshared = 0;
  uint64_t value_size = 0;
  const char* p = TakeLength(next_, entries_end_, &shared);
  if (p != nullptr) p = TakeLength(p, entries_end_, &unshared);
  if (p != nullptr) p = TakeLength(p, entries_end_, &value_size);
  if (p == nullptr || shared > key_.size() ||
      unshared + value_size > static_cast<uint64_t>(entries_end_ - p) ||
      shared + unshared < kKeyBytesMin) {
    return Fail("malformed block: entry");
  }
  key_.resize(shared);
  key_.append(p, unshared);
  value_ = {p + unshared, value_size};
  next_ = p + unshared + value_size;
  head_ = base::LoadBigEndian64(key_.data());
  return true;
}

bool TableScan::Fail(std::string_view what) {
  status_ = Corrupt(what);
  return false;
}

absl::Status TableScan::Corrupt(std::string_view what) const {
  return table_->Corrupt("data block", block_.offset, what);
}

base::Task<absl::Status> TableScan::Load() {
  THOLOS_CO_RETURN_IF_ERROR(status_);
  status_ = co_await NextBlock();
  co_return status_;
}

base::Task<absl::Status> TableScan::NextBlock() {
  const bool first = page_.block() == nullptr;
  if (first || !page_.Next()) {
    THOLOS_CO_RETURN_IF_ERROR(co_await NextPage());
    if (ended_) co_return absl::OkStatus();
    if (first) page_.SeekAtOrBefore(start_);
    if (!page_.valid() && !page_.Next()) {
      co_return table_->Corrupt("index page", block_.offset, "empty");
    }
  }
  const absl::StatusOr<IndexEntry> entry = DecodeIndexEntry(page_.value());
  if (!entry.ok()) co_return table_->Corrupt("index", 0, base::ToStd(entry.status().message()));
  block_ = entry->handle;
  THOLOS_CO_ASSIGN_OR_RETURN(const std::string_view stored, co_await ReadStored(block_));
  absl::StatusOr<std::string> payload =
      UnsealBlock(stored, table_->footer_.file_id, block_.offset, &table_->decompressor_);
  if (!payload.ok()) co_return Corrupt(base::ToStd(payload.status().message()));
  payload_ = *std::move(payload);
  co_return StartBlock();
}

base::Task<absl::Status> TableScan::NextPage() {
  if (!root_.Next()) {
    ended_ = true;
    co_return absl::OkStatus();
  }
  const absl::StatusOr<IndexEntry> entry = DecodeIndexEntry(root_.value());
  if (!entry.ok()) co_return table_->Corrupt("root", 0, base::ToStd(entry.status().message()));
  block_ = entry->handle;
  // Pages stand behind the blocks that they list: not where the scan is reading.
  if (block_.end() > table_->footer_.body_bytes) {
    co_return table_->Corrupt("index page", block_.offset, "the index points outside of the body");
  }
  THOLOS_CO_ASSIGN_OR_RETURN(const std::string stored,
                             co_await table_->file_->Read(block_.offset, block_.stored_bytes));
  const absl::StatusOr<std::string> payload =
      UnsealBlock(stored, table_->footer_.file_id, block_.offset, &table_->decompressor_);
  absl::StatusOr<std::shared_ptr<const Block>> page =
      payload.ok() ? Block::Parse(*payload) : payload.status();
  if (!page.ok()) {
    co_return table_->Corrupt("index page", block_.offset, base::ToStd(page.status().message()));
  }
  page_ = BlockCursor(*std::move(page));
  page_.ToBeforeFirst();
  co_return absl::OkStatus();
}

absl::Status TableScan::StartBlock() {
  if (payload_.size() < kBlockHeaderBytes) return Corrupt("malformed block: too short");
  const uint64_t restarts = base::LoadFixed32(payload_.data());
  if (restarts == 0 || restarts >= (payload_.size() - kBlockHeaderBytes) / kRestartBytes) {
    return Corrupt("malformed block: count of restarts");
  }
  next_ = payload_.data() + kBlockHeaderBytes + restarts * kRestartBytes;
  entries_end_ = payload_.data() + payload_.size();
  key_.clear();
  return absl::OkStatus();
}

// The stored bytes (fewer if the file is cut short), valid until the next call.
base::Task<absl::StatusOr<std::string_view>> TableScan::ReadStored(BlockHandle handle) {
  const uint64_t body_bytes = table_->footer_.body_bytes;
  if (handle.end() > body_bytes) {
    co_return Corrupt("the index points outside of the body");
  }
  const bool ahead =
      handle.offset >= ahead_offset_ && handle.end() <= ahead_offset_ + ahead_.size();
  if (!ahead) {
    const uint64_t rest = body_bytes - handle.offset;
    const uint64_t length =
        std::max<uint64_t>(handle.stored_bytes, std::min(rest, kReadAheadBytes));
    THOLOS_CO_ASSIGN_OR_RETURN(ahead_, co_await table_->file_->Read(handle.offset, length));
    ahead_offset_ = handle.offset;
  }
  co_return std::string_view(ahead_).substr(handle.offset - ahead_offset_, handle.stored_bytes);
}

}  // namespace tholos::sstable
