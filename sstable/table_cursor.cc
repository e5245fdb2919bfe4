#include "sstable/table_cursor.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/entry.h"

namespace tholos::sstable {
namespace {
constexpr uint64_t kReadAheadBytes = 256 << 10;
}

TableCursor::TableCursor(std::shared_ptr<const SSTable> table, ReadPattern pattern)
    : table_(std::move(table)), pattern_(pattern), root_(table_->root_) {}

bool TableCursor::TrySeekAtOrAfter(std::string key) {
  if (SeekInBlock(key)) return true;
  move_ = Move::kSeekAtOrAfter;
  target_ = std::move(key);
  return Continue();
}

bool TableCursor::TrySeekBefore(std::string key) {
  if (SeekInBlock(key)) return data_.cursor.Previous();
  move_ = Move::kSeekBefore;
  target_ = std::move(key);
  return Continue();
}

bool TableCursor::TrySeekAtOrBefore(std::string key) {
  if (valid() && data_.cursor.key() == key) return true;
  if (SeekInBlock(key)) return data_.cursor.key() == key || data_.cursor.Previous();
  move_ = Move::kSeekAtOrBefore;
  target_ = std::move(key);
  return Continue();
}

// A row is mostly in the block of its partition's header. If it is, then the cursor is on the first
// entry >= key, and there is one before it.
bool TableCursor::SeekInBlock(std::string_view key) {
  if (!valid() || data_.cursor.key() >= key) return false;
  data_.cursor.SeekAtOrAfter(key);
  return valid();
}

bool TableCursor::TryNextBlock() {
  move_ = Move::kNextBlock;
  stage_ = Stage::kStep;
  return Continue();
}

bool TableCursor::TryPreviousBlock() {
  move_ = Move::kPreviousBlock;
  stage_ = Stage::kStep;
  return Continue();
}

bool TableCursor::Continue() {
  switch (move_) {
    case Move::kSeekAtOrAfter:
      return ContinueSeekAtOrAfter();
    case Move::kSeekBefore:
      return ContinueSeekBefore(&BlockCursor::SeekBefore);
    case Move::kSeekAtOrBefore:
      return ContinueSeekBefore(&BlockCursor::SeekAtOrBefore);
    case Move::kNextBlock:
      return ContinueNextBlock();
    case Move::kPreviousBlock:
      return ContinuePreviousBlock();
  }
  return true;
}

bool TableCursor::ContinueSeekAtOrAfter() {
  root_.SeekAtOrBefore(target_);
  if (!root_.valid() && !root_.Next()) return true;  // no entries at all
  if (!Load(root_, &page_)) return false;
  page_.cursor.SeekAtOrBefore(target_);
  if (!page_.cursor.valid() && !page_.cursor.Next()) return Fail(page_, "empty");
  if (!Load(page_.cursor, &data_)) return false;
  data_.cursor.SeekAtOrAfter(target_);
  return data_.cursor.valid() || TryNextBlock();
}

bool TableCursor::ContinueSeekBefore(void (BlockCursor::*seek)(std::string_view)) {
  (root_.*seek)(target_);
  if (!root_.valid()) {
    page_.cursor = {};
    data_.cursor = {};
    return true;
  }
  if (!Load(root_, &page_)) return false;
  (page_.cursor.*seek)(target_);
  if (!page_.cursor.valid()) return Fail(page_, "its first key is not the root's");
  if (!Load(page_.cursor, &data_)) return false;
  (data_.cursor.*seek)(target_);
  return data_.cursor.valid() || Fail(data_, "its first key is not the index's");
}

bool TableCursor::ContinueNextBlock() {
  if (stage_ == Stage::kStep) {
    if (page_.cursor.Next()) {
      stage_ = Stage::kData;
    } else if (root_.Next()) {
      stage_ = Stage::kPage;
    } else {
      return true;
    }
  }
  if (stage_ == Stage::kPage) {
    if (!Load(root_, &page_)) return false;
    page_.cursor.ToBeforeFirst();
    if (!page_.cursor.Next()) return Fail(page_, "empty");
    stage_ = Stage::kData;
  }
  if (!Load(page_.cursor, &data_)) return false;
  data_.cursor.ToBeforeFirst();
  return data_.cursor.Next() || Fail(data_, "empty");
}

bool TableCursor::ContinuePreviousBlock() {
  if (stage_ == Stage::kStep) {
    if (page_.cursor.Previous()) {
      stage_ = Stage::kData;
    } else if (root_.Previous()) {
      stage_ = Stage::kPage;
    } else {
      return true;
    }
  }
  if (stage_ == Stage::kPage) {
    if (!Load(root_, &page_)) return false;
    page_.cursor.ToBehindLast();
    if (!page_.cursor.Previous()) return Fail(page_, "empty");
    stage_ = Stage::kData;
  }
  if (!Load(page_.cursor, &data_)) return false;
  data_.cursor.ToBehindLast();
  return data_.cursor.Previous() || Fail(data_, "empty");
}

bool TableCursor::Load(const BlockCursor& index, Slot* slot) {
  const absl::StatusOr<IndexEntry> entry = DecodeIndexEntry(index.value());
  if (!entry.ok()) {
    status_ = table_->Corrupt("index", 0, base::ToStd(entry.status().message()));
    return false;
  }
  const BlockHandle* handle = &entry->handle;
  if (slot->cursor.block() != nullptr && slot->handle == *handle) return true;
  std::shared_ptr<const Block> block;
  if (fetched_ != nullptr && missing_ == *handle) {
    block = std::exchange(fetched_, nullptr);
  } else if (table_->options_.cache != nullptr) {
    block = table_->options_.cache->Get(table_->footer_.file_id, handle->offset);
  }
  if (block == nullptr) {
    missing_ = *handle;
    missing_section_ = slot->section;
    return false;
  }
  slot->handle = *handle;
  slot->cursor = BlockCursor(std::move(block));
  return true;
}

bool TableCursor::Fail(const Slot& slot, std::string_view what) {
  status_ = table_->Corrupt(slot.section, slot.handle.offset, what);
  return false;
}

std::string_view TableCursor::indexed_header() const {
  const absl::StatusOr<IndexEntry> entry = DecodeIndexEntry(page_.cursor.value());
  return entry.ok() ? entry->header : std::string_view();
}

absl::Status TableCursor::Corrupt(std::string_view what) const {
  return table_->Corrupt(data_.section, data_.handle.offset, what);
}

base::Task<absl::Status> TableCursor::Complete() {
  while (true) {
    THOLOS_CO_RETURN_IF_ERROR(status_);
    status_ = co_await Fetch();
    if (status_.ok() && Continue()) co_return absl::OkStatus();
  }
}

base::Task<absl::Status> TableCursor::Fetch() {
  if (missing_.end() > table_->footer_.body_bytes) {
    co_return table_->Corrupt(missing_section_, missing_.offset,
                              "the index points outside of the body");
  }
  THOLOS_CO_ASSIGN_OR_RETURN(const std::string_view stored, co_await ReadStored());
  THOLOS_CO_ASSIGN_OR_RETURN(fetched_, table_->ParseBlock(stored, missing_, missing_section_));
  if (pattern_ == ReadPattern::kRandom && table_->options_.cache != nullptr) {
    table_->options_.cache->Put(table_->footer_.file_id, missing_.offset, fetched_);
  }
  co_return absl::OkStatus();
}

// The stored bytes of missing_ (fewer if the file is cut short), valid until the next call.
base::Task<absl::StatusOr<std::string_view>> TableCursor::ReadStored() {
  const bool ahead =
      missing_.offset >= ahead_offset_ && missing_.end() <= ahead_offset_ + ahead_.size();
  if (!ahead) {
    uint64_t length = missing_.stored_bytes;
    if (pattern_ == ReadPattern::kSequential) {
      const uint64_t rest = table_->footer_.body_bytes - missing_.offset;
      length = std::max(length, std::min(rest, kReadAheadBytes));
    }
    THOLOS_CO_ASSIGN_OR_RETURN(ahead_, co_await table_->file_->Read(missing_.offset, length));
    ahead_offset_ = missing_.offset;
  }
  co_return std::string_view(ahead_).substr(missing_.offset - ahead_offset_, missing_.stored_bytes);
}

}  // namespace tholos::sstable
