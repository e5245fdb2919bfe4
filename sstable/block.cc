#include "sstable/block.h"

#include <algorithm>
#include <new>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/block_entry.h"

namespace tholos::sstable {
namespace {

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(base::StrCat("malformed block: ", what));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Block>> Block::Parse(std::string_view payload) {
  return Parse(payload.size(), [payload](char* to) {
    std::copy(payload.begin(), payload.end(), to);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::shared_ptr<const Block>> Block::Parse(
    size_t payload_bytes, absl::FunctionRef<absl::Status(char* payload)> fill) {
  void* const memory = ::operator new(sizeof(Block) + payload_bytes);
  const std::shared_ptr<Block> block(new (memory) Block(payload_bytes),
                                     [](Block* gone) { ::operator delete(gone); });
  THOLOS_RETURN_IF_ERROR(fill(reinterpret_cast<char*>(block.get() + 1)));
  THOLOS_RETURN_IF_ERROR(block->Validate());
  return block;
}

absl::Status Block::Validate() {
  if (payload_bytes_ < kBlockHeaderBytes) return Malformed("too short");
  restarts_ = base::LoadFixed32(payload());
  common_bytes_ = base::LoadFixed32(payload() + sizeof(uint32_t));
  const size_t rest = payload_bytes_ - kBlockHeaderBytes;
  if (restarts_ > rest / kRestartBytes) return Malformed("count of restarts");
  entries_at_ = kBlockHeaderBytes + restarts_ * kRestartBytes;
  if ((entries_end() == 0) != (restarts_ == 0)) return Malformed("count of restarts");
  return ValidateEntries();
}

absl::Status Block::ValidateEntries() const {
  const char* const begin = entries();
  const char* const end = begin + entries_end();
  size_t restart = 0;
  size_t key_bytes = 0;
  size_t next_restart = empty() ? 0 : Restart(0);
  if (next_restart != 0) return Malformed("first restart");
  EntryInPlace entry;
  for (const char* at = begin; at != end; at = entry.end) {
    if (!TakeCheckedEntry(at, end, key_bytes, &entry)) return Malformed("entry");
    key_bytes = entry.shared + entry.rest.size();
    if (restart == restarts_ || next_restart != static_cast<size_t>(at - begin)) continue;
    if (entry.shared != 0) return Malformed("restart");
    if (!IsHeadOf(restart, entry.rest)) return Malformed("head");
    if (++restart < restarts_) next_restart = Restart(restart);
  }
  return restart == restarts_ ? absl::OkStatus() : Malformed("restart");
}

// Of the restarts before it that is known.
bool Block::IsHeadOf(size_t restart, std::string_view key) const {
  const std::string_view common = key.substr(0, common_bytes_);
  return common.size() == common_bytes_ &&
         (restart == 0 || RestartKey(0).substr(0, common_bytes_) == common) &&
         base::LoadFixed32(heads() + restart * sizeof(uint32_t)) == HeadOf(key, common_bytes_);
}

std::string_view Block::RestartKey(size_t i) const { return EntryAt(entries() + Restart(i)).rest; }

size_t Block::RestartsBelow(std::string_view key) const {
  if (empty()) return 0;
  if (common_bytes_ > 0) {
    const int order = key.substr(0, common_bytes_).compare(RestartKey(0).substr(0, common_bytes_));
    if (order != 0) return order < 0 ? 0 : restarts_;
  }
  const uint32_t head = HeadOf(key, common_bytes_);
  size_t low = HeadsBelow(heads(), restarts_, head);
  const bool tie = low < restarts_ && base::LoadFixed32(heads() + low * sizeof(uint32_t)) == head;
  if (!tie) return low;
  size_t high = head == UINT32_MAX ? restarts_ : HeadsBelow(heads(), restarts_, head + 1);
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (RestartKey(middle) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Block::Neighbours Block::Around(std::string_view key) const {
  Neighbours neighbours;
  const size_t below = RestartsBelow(key);
  const char* at = entries() + (below == 0 ? 0 : Restart(below - 1));
  const char* const end = entries() + entries_end();
  size_t match = 0;
  while (at != end) {
    const EntryInPlace entry = EntryAt(at);
    if (TakeNeighbour(key, entry, &neighbours, &match)) break;
    at = entry.end;
  }
  return neighbours;
}

uint32_t Block::Restart(size_t i) const {
  return base::LoadFixed32(heads() + (restarts_ + i) * sizeof(uint32_t));
}

void BlockCursor::ToBeforeFirst() {
  place_ = Place::kBeforeFirst;
  next_ = 0;
  key_.clear();
}

void BlockCursor::ToBehindLast() {
  place_ = Place::kBehindLast;
  offset_ = block_->entries_end();
}

void BlockCursor::Decode(size_t offset) {
  const EntryInPlace entry = EntryAt(block_->entries() + offset);
  key_.resize(entry.shared);
  key_.append(entry.rest);
  value_ = entry.value;
  offset_ = offset;
  next_ = static_cast<size_t>(entry.end - block_->entries());
  place_ = Place::kEntry;
}

bool BlockCursor::Next() {
  if (place_ == Place::kBehindLast) return false;
  if (next_ == block_->entries_end()) {
    ToBehindLast();
    return false;
  }
  Decode(next_);
  return true;
}

bool BlockCursor::Previous() {
  if (place_ == Place::kBeforeFirst || offset_ == 0) {
    ToBeforeFirst();
    return false;
  }
  const size_t end = offset_;
  ToRestart(RestartBelow(end));
  while (next_ < end) Next();
  return true;
}

bool BlockCursor::ToRestart(size_t i) {
  key_.clear();
  Decode(block_->Restart(i));
  return true;
}

size_t BlockCursor::RestartBelow(size_t offset) const {
  size_t low = 0;
  size_t high = block_->restarts_;
  while (low + 1 < high) {
    const size_t middle = low + (high - low) / 2;
    if (block_->Restart(middle) < offset) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

void BlockCursor::SeekAtOrAfter(std::string_view key) {
  const size_t restart = block_->RestartsBelow(key);
  if (restart == 0) {
    ToBeforeFirst();
    Next();
    return;
  }
  ToRestart(restart - 1);
  while (valid() && key_ < key) Next();
}

void BlockCursor::SeekBefore(std::string_view key) {
  SeekAtOrAfter(key);
  Previous();
}

void BlockCursor::SeekAtOrBefore(std::string_view key) {
  SeekAtOrAfter(key);
  if (!valid() || key_ != key) Previous();
}

}  // namespace tholos::sstable
