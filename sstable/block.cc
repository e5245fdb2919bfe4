#include "sstable/block.h"

#include "base/check.h"
#include "base/coding.h"
#include "base/strings.h"

namespace tholos::sstable {
namespace {

struct EntryHead {
  uint64_t shared = 0;
  uint64_t unshared = 0;
  uint64_t value_size = 0;
};

EntryHead TakeHead(base::Reader* in) {
  EntryHead head;
  head.shared = in->Varint();
  head.unshared = in->Varint();
  head.value_size = in->Varint();
  return head;
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

  base::Reader in(std::string_view(payload_).substr(0, entries_end_));
  size_t restart = 0;
  size_t key_size = 0;
  while (in.remaining() > 0) {
    const size_t offset = entries_end_ - in.remaining();
    const EntryHead head = TakeHead(&in);
    in.Raw(head.unshared);
    in.Raw(head.value_size);
    if (!in.ok() || head.shared > key_size) return malformed("entry");
    key_size = head.shared + head.unshared;
    if (restart < restarts_ && Restart(restart) == offset) {
      if (head.shared != 0) return malformed("restart");
      ++restart;
    } else if (offset == 0) {
      return malformed("first restart");
    }
  }
  if (restart != restarts_) return malformed("restart");
  return absl::OkStatus();
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
  const std::string_view entries =
      std::string_view(block_->payload_).substr(0, block_->entries_end_);
  base::Reader in(entries.substr(offset));
  const EntryHead head = TakeHead(&in);
  key_.resize(head.shared);
  key_.append(in.Raw(head.unshared));
  value_ = in.Raw(head.value_size);
  THOLOS_CHECK(in.ok());  // Block::Validate has seen it
  offset_ = offset;
  next_ = entries.size() - in.remaining();
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

std::string_view BlockCursor::RestartKey(size_t i) const {
  base::Reader in(std::string_view(block_->payload_)
                      .substr(block_->Restart(i), block_->entries_end_ - block_->Restart(i)));
  return in.Raw(TakeHead(&in).unshared);
}

size_t BlockCursor::FirstRestartAtOrAfter(std::string_view key) const {
  size_t low = 0;
  size_t high = block_->restarts_;
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
  const size_t restart = FirstRestartAtOrAfter(key);
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
