#include "sstable/block.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/coding.h"
#include "base/strings.h"

namespace tholos::sstable {
namespace {

// False if it is cut short or malformed. Most lengths take one byte, those of longer values two.
inline bool TakeCheckedLength(const char** at, const char* end, size_t* length) {
  const auto left = static_cast<size_t>(end - *at);
  const auto byte = [at](size_t i) { return static_cast<uint8_t>((*at)[i]); };
  if (left >= 2 && byte(0) >= 0x80 && byte(1) < 0x80) {
    *length = (byte(0) & 0x7Fu) | size_t{byte(1)} << 7;
    *at += 2;
    return true;
  }
  if (left >= 1 && byte(0) < 0x80) {
    *length = byte(0);
    *at += 1;
    return true;
  }
  base::Reader in(std::string_view(*at, left));
  *length = in.Varint();
  *at = end - in.remaining();
  return in.ok();
}

// Of an entry that Validate has seen: all of it lies in the block.
struct EntryInPlace {
  size_t shared;
  std::string_view rest;  // of the key
  std::string_view value;
  const char* end;
};

inline const char* TakeLength(const char* at, size_t* length) {
  *length = static_cast<uint8_t>(*at++);
  if (*length < 0x80) return at;
  *length &= 0x7F;
  for (int shift = 7;; shift += 7) {
    const auto byte = static_cast<uint8_t>(*at++);
    *length |= size_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return at;
  }
}

inline EntryInPlace EntryAt(const char* at) {
  EntryInPlace entry;
  size_t unshared, value_size;
  at = TakeLength(at, &entry.shared);
  at = TakeLength(at, &unshared);
  at = TakeLength(at, &value_size);
  entry.rest = {at, unshared};
  entry.value = {at + unshared, value_size};
  entry.end = at + unshared + value_size;
  return entry;
}

// Bytes that both begin with.
inline size_t CommonBytes(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    const uint64_t difference = base::LoadFixed64(a.data() + i) ^ base::LoadFixed64(b.data() + i);
    if (difference != 0) return i + static_cast<size_t>(std::countr_zero(difference)) / 8;
  }
  while (i < size && a[i] == b[i]) ++i;
  return i;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Block>> Block::Parse(std::string payload) {
  std::shared_ptr<Block> block(new Block(std::move(payload)));
  if (absl::Status status = block->Validate(); !status.ok()) return status;
  return block;
}

absl::Status Block::Validate() {
  const auto malformed = [](std::string_view what) {
    return absl::DataLossError(base::StrCat("malformed block: ", what));
  };
  if (payload_.size() < sizeof(uint32_t)) return malformed("too short");
  const size_t before_count = payload_.size() - sizeof(uint32_t);
  restarts_ = base::LoadFixed32(payload_.data() + before_count);
  if (restarts_ > before_count / sizeof(uint32_t)) return malformed("count of restarts");
  entries_end_ = before_count - restarts_ * sizeof(uint32_t);
  if ((entries_end_ == 0) != (restarts_ == 0)) return malformed("count of restarts");

  const char* const begin = payload_.data();
  const char* const end = begin + entries_end_;
  const char* at = begin;
  size_t restart = 0;
  size_t key_size = 0;
  size_t next_restart = restarts_ == 0 ? 0 : Restart(0);
  while (at != end) {
    const auto offset = static_cast<size_t>(at - begin);
    size_t shared, unshared, value_size;
    if (!TakeCheckedLength(&at, end, &shared) || !TakeCheckedLength(&at, end, &unshared) ||
        !TakeCheckedLength(&at, end, &value_size)) {
      return malformed("entry");
    }
    const auto left = static_cast<size_t>(end - at);
    if (shared > key_size || unshared > left || value_size > left - unshared) {
      return malformed("entry");
    }
    at += unshared + value_size;
    key_size = shared + unshared;
    if (restart < restarts_ && next_restart == offset) {
      if (shared != 0) return malformed("restart");
      if (++restart < restarts_) next_restart = Restart(restart);
    } else if (offset == 0) {
      return malformed("first restart");
    }
  }
  if (restart != restarts_) return malformed("restart");
  NoteRestarts();
  return absl::OkStatus();
}

void Block::NoteRestarts() {
  if (empty()) return;
  common_bytes_ = CommonBytes(RestartKey(0), RestartKey(restarts_ - 1));
  restart_heads_.reserve(restarts_);
  for (size_t i = 0; i < restarts_; ++i) restart_heads_.push_back(HeadOf(RestartKey(i)));
}

// Shorter keys as if zeros followed: the order of heads is that of keys, but for ties.
uint64_t Block::HeadOf(std::string_view key) const {
  key.remove_prefix(std::min(key.size(), common_bytes_));
  if (key.size() >= sizeof(uint64_t)) return base::LoadBigEndian64(key.data());
  char bytes[sizeof(uint64_t)] = {};
  std::copy(key.begin(), key.end(), bytes);
  return base::LoadBigEndian64(bytes);
}

std::string_view Block::RestartKey(size_t i) const {
  return EntryAt(payload_.data() + Restart(i)).rest;
}

size_t Block::RestartsBelow(std::string_view key) const {
  if (empty()) return 0;
  if (common_bytes_ > 0) {
    const int order = key.substr(0, common_bytes_).compare(RestartKey(0).substr(0, common_bytes_));
    if (order != 0) return order < 0 ? 0 : restarts_;
  }
  const uint64_t head = HeadOf(key);
  const auto first = restart_heads_.begin();
  size_t low = static_cast<size_t>(std::lower_bound(first, restart_heads_.end(), head) - first);
  size_t high = low;
  if (low < restarts_ && restart_heads_[low] == head) {
    high = static_cast<size_t>(std::upper_bound(first, restart_heads_.end(), head) - first);
  }
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

// Of the entry before it is known how many bytes its key and `key` begin with. An entry that shares
// more than that with its predecessor is as its predecessor is; of the others these bytes are those
// of `key`, and only the rest is compared.
Block::Neighbours Block::Around(std::string_view key) const {
  Neighbours neighbours;
  const size_t below = RestartsBelow(key);
  const char* at = payload_.data() + (below == 0 ? 0 : Restart(below - 1));
  const char* const end = payload_.data() + entries_end_;
  size_t match = 0;
  while (at != end) {
    const EntryInPlace entry = EntryAt(at);
    at = entry.end;
    const Entry seen{true, entry.shared + entry.rest.size(), match, entry.value};
    if (entry.shared > match) {
      neighbours.before = seen;
      continue;
    }
    const std::string_view wanted = key.substr(entry.shared);
    const size_t common = CommonBytes(entry.rest, wanted);
    match = entry.shared + common;
    const bool is_less = common < wanted.size() &&
                         (common == entry.rest.size() || static_cast<uint8_t>(entry.rest[common]) <
                                                             static_cast<uint8_t>(wanted[common]));
    Entry& place = is_less ? neighbours.before : neighbours.after;
    place = seen;
    place.shared = match;
    if (is_less) continue;
    neighbours.found = common == wanted.size() && common == entry.rest.size();
    break;
  }
  return neighbours;
}

uint32_t Block::Restart(size_t i) const {
  return base::LoadFixed32(payload_.data() + entries_end_ + i * sizeof(uint32_t));
}

void BlockCursor::ToBeforeFirst() {
  place_ = Place::kBeforeFirst;
  next_ = 0;
  key_.clear();
}

void BlockCursor::ToBehindLast() {
  place_ = Place::kBehindLast;
  offset_ = block_->entries_end_;
}

void BlockCursor::Decode(size_t offset) {
  const EntryInPlace entry = EntryAt(block_->payload_.data() + offset);
  key_.resize(entry.shared);
  key_.append(entry.rest);
  value_ = entry.value;
  offset_ = offset;
  next_ = static_cast<size_t>(entry.end - block_->payload_.data());
  place_ = Place::kEntry;
}

bool BlockCursor::Next() {
  if (place_ == Place::kBehindLast) return false;
  if (next_ == block_->entries_end_) {
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
