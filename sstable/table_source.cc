#include "sstable/table_source.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/entry.h"

namespace tholos::sstable {
using base::Task;

TableSource::TableSource(std::shared_ptr<const SSTable> table, data::Selection selection,
                         ReadPattern pattern)
    : selection_(std::move(selection)),
      cursor_(table, pattern),
      has_ranges_(table->metadata().statistics.range_tombstones > 0),
      ended_(!table->MayContain(selection_)) {}

Task<absl::StatusOr<bool>> TableSource::NextPartition() {
  if (auto answer = TryNextPartition()) return Task<Answer<bool>>::Ready(*std::move(answer));
  return CompletePartition();
}

Task<absl::StatusOr<bool>> TableSource::CompletePartition() {
  while (true) {
    THOLOS_CO_RETURN_IF_ERROR(co_await cursor_.Complete());
    if (auto answer = TryNextPartition()) co_return *std::move(answer);
  }
}

Task<absl::StatusOr<data::Item>> TableSource::NextItem() {
  if (auto answer = TryNextItem()) return Task<Answer<data::Item>>::Ready(*std::move(answer));
  return CompleteItem();
}

Task<absl::StatusOr<data::Item>> TableSource::CompleteItem() {
  while (true) {
    THOLOS_CO_RETURN_IF_ERROR(co_await cursor_.Complete());
    if (auto answer = TryNextItem()) co_return *std::move(answer);
  }
}

// Partitions -------------------------------------------------------------------------------------

std::optional<TableSource::Answer<bool>> TableSource::TryNextPartition() {
  while (true) {
    if (ended_ || (selection_.key.has_value() && started_ && !settled_)) return false;
    if (!settled_) {
      settled_ = true;
      if (!MoveToPartition()) return std::nullopt;
    }
    std::optional<Answer<bool>> answer = at_slice_ ? TakeHeaderOfSlice() : TakeHeader();
    if (!answer.has_value()) {  // it is elsewhere
      at_slice_ = false;
      if (!cursor_.TrySeekAtOrAfter(StartKey())) return std::nullopt;
      continue;
    }
    settled_ = false;
    if (answer->ok() && **answer) {
      StartItems();
    } else {
      ended_ = true;
    }
    return answer;
  }
}

bool TableSource::MoveToPartition() {
  if (!started_) {
    started_ = true;
    if (SeekFirstSlice()) return SeekSlice();
    return cursor_.TrySeekAtOrAfter(StartKey());
  }
  return at_next_partition_ || cursor_.TrySeekAtOrAfter(PartitionEnd(prefix_));
}

// True if the read of one partition begins with a slice of it.
bool TableSource::SeekFirstSlice() {
  if (!selection_.key.has_value() || !selection_.Selects(*selection_.key)) return false;
  slices_ = selection_.SlicesOf(*selection_.key);
  if (slices_.empty()) return false;
  if (!selection_.reversed) std::reverse(slices_.begin(), slices_.end());
  at_slice_ = selection_.reversed || !slices_.back().lower.empty();
  seeks_left_ = slices_.size();
  if (at_slice_) prefix_ = PartitionPrefix(*selection_.key);
  return at_slice_;
}

// Of the partition, after a move to the start of its first slice. Its header is before that, so it
// is in the same block, or the block begins inside the partition.
std::optional<TableSource::Answer<bool>> TableSource::TakeHeaderOfSlice() {
  if (!cursor_.valid() || !cursor_.key().starts_with(prefix_)) return false;
  header_.key = *selection_.key;
  BlockCursor header = cursor_.in_block();
  header.ToBeforeFirst();
  header.Next();
  if (IsRowOf(header.key(), prefix_)) {
    const std::string_view indexed = cursor_.indexed_header();
    if (!indexed.empty()) return TakeHeaderValue(indexed);
    prefix_.clear();
    return std::nullopt;
  }
  header.SeekAtOrAfter(prefix_ + kHeaderKind);
  if (!header.valid() || !IsHeaderOf(header.key(), prefix_)) {
    return cursor_.Corrupt("a row without its partition's header");
  }
  return TakeHeaderValue(header.value());
}

std::string TableSource::StartKey() const {
  std::string start;
  if (selection_.key.has_value()) {
    start = PartitionPrefix(*selection_.key);
  } else if (selection_.range.start != selection_.range.end) {
    // Beyond the last token there is nothing: PartitionEnd of nothing is behind all of them.
    constexpr data::Token kMaxToken = std::numeric_limits<data::Token>::max();
    start =
        TokenStart(selection_.range.start == kMaxToken ? kMaxToken : selection_.range.start + 1);
  }
  if (selection_.after.has_value()) {
    std::string after = PartitionPrefix(selection_.after->key);
    if (!selection_.after->clustering.has_value()) after = PartitionEnd(after);
    start = std::max(start, after);
  }
  return start;
}

TableSource::Answer<bool> TableSource::TakeHeader() {
  if (!cursor_.valid()) return false;
  const std::string_view key = cursor_.key();
  const absl::StatusOr<size_t> prefix_length = PartitionPrefixLength(key);
  if (!prefix_length.ok()) return cursor_.Corrupt(base::ToStd(prefix_length.status().message()));
  if (key.substr(0, *prefix_length) <= prefix_) return cursor_.Corrupt("partitions out of order");
  prefix_ = key.substr(0, *prefix_length);
  if (!IsHeaderOf(key, prefix_)) return cursor_.Corrupt("a row without its partition's header");
  absl::StatusOr<data::DecoratedKey> decoded = DecodePartitionPrefix(prefix_);
  if (!decoded.ok()) return cursor_.Corrupt(base::ToStd(decoded.status().message()));
  // Partitions come in order: one that is not selected is beyond all that are.
  if (!selection_.Selects(*decoded)) return false;
  header_.key = *std::move(decoded);
  return TakeHeaderValue(cursor_.value());
}

TableSource::Answer<bool> TableSource::TakeHeaderValue(std::string_view value) {
  if (absl::Status status = DecodeHeader(value, &header_); !status.ok()) {
    return cursor_.Corrupt(base::ToStd(status.message()));
  }
  return true;
}

// Rows and changes -------------------------------------------------------------------------------

void TableSource::StartItems() {
  at_next_partition_ = false;
  said_.clear();
  said_next_ = 0;
  has_row_ = false;
  in_effect_ = data::Deletion();
  change_.deletion = data::Deletion();
  changes_below_.reset();
  arrived_ = false;
  if (at_slice_) {
    at_slice_ = false;
    arrived_ = true;
    move_ = Move::kSeek;
    return;
  }
  slices_ = selection_.SlicesOf(header_.key);
  if (!selection_.reversed) std::reverse(slices_.begin(), slices_.end());
  seeks_left_ = slices_.size();
  // The first row follows the header.
  const bool seek = !slices_.empty() && (selection_.reversed || !slices_.back().lower.empty());
  move_ = seek ? Move::kSeek : Move::kStep;
}

std::optional<TableSource::Answer<data::Item>> TableSource::TryNextItem() {
  while (true) {
    if (const std::optional<data::Item> item = TakeItem()) return *item;
    if (slices_.empty()) return data::Item::kEnd;
    if (!settled_ && !std::exchange(arrived_, false)) {
      // A seek ends in its slice or beyond it.
      if (move_ == Move::kSeek && seeks_left_ == 0) return cursor_.Corrupt("rows out of order");
      settled_ = true;
      if (!MoveToItem()) return std::nullopt;
    }
    settled_ = false;
    if (absl::Status status = Arrive(); !status.ok()) return status;
  }
}

bool TableSource::MoveToItem() {
  if (move_ == Move::kSeek) return SeekSlice();
  return selection_.reversed ? cursor_.TryPrevious() : cursor_.TryNext();
}

// Forward to the last entry that is not beyond the slice's start, for what is in effect there;
// reversed to the last one in it.
bool TableSource::SeekSlice() {
  --seeks_left_;
  if (!selection_.reversed) return cursor_.TrySeekAtOrBefore(SliceStart());
  return cursor_.TrySeekBefore(SliceStart());
}

std::string TableSource::SliceStart() const {
  const data::Slice& slice = slices_.back();
  if (selection_.reversed && slice.upper.empty()) return PartitionEnd(prefix_);
  std::string key;
  RowEntryKey(prefix_, selection_.reversed ? slice.upper : slice.lower, &key);
  return key;
}

// What the cursor's entry gives.
absl::Status TableSource::Arrive() {
  if (!cursor_.valid() || !cursor_.key().starts_with(prefix_)) {
    at_next_partition_ = !selection_.reversed;
    EndItems();
    return absl::OkStatus();
  }
  if (move_ == Move::kSeek) {
    THOLOS_RETURN_IF_ERROR(ArriveAtSlice());
    move_ = Move::kStep;
    if (!selection_.reversed && cursor_.key() < SliceStart()) return absl::OkStatus();
  }
  if (changes_below_.has_value()) {
    THOLOS_ASSIGN_OR_RETURN(in_effect_, InEffect());
    Say(*changes_below_, in_effect_);
    changes_below_.reset();
  }
  if (!IsRowOf(cursor_.key(), prefix_)) {
    if (!selection_.reversed) return cursor_.Corrupt("entries out of order");
    EndItems();
    return absl::OkStatus();
  }
  return ArriveAtEntry(cursor_.key().substr(prefix_.size() + 1));
}

absl::Status TableSource::ArriveAtSlice() {
  if (!has_ranges_) return absl::OkStatus();
  THOLOS_ASSIGN_OR_RETURN(in_effect_, InEffect());
  EnterSlice();
  return absl::OkStatus();
}

absl::Status TableSource::ArriveAtEntry(std::string_view clustering) {
  while (IsBeyondSlice(clustering)) {
    LeaveSlice();
    if (slices_.empty()) return absl::OkStatus();
    if (IsBeforeSlice(clustering)) {
      move_ = Move::kSeek;
      return absl::OkStatus();
    }
    EnterSlice();
  }
  absl::StatusOr<RowEntry> entry = DecodeRowEntry(cursor_.value());
  if (!entry.ok()) return cursor_.Corrupt(base::ToStd(entry.status().message()));
  if (entry->change.has_value()) {
    if (selection_.reversed) {
      if (!clustering.empty()) changes_below_ = clustering;  // below the empty key is nothing
    } else {
      in_effect_ = *entry->change;
      Say(std::string(clustering), in_effect_);
    }
  }
  if (entry->row.empty()) return absl::OkStatus();
  return TakeRow(clustering, entry->row);
}

// The partition has no further entries; what is in effect goes on through the other slices.
void TableSource::EndItems() {
  while (true) {
    LeaveSlice();
    if (slices_.empty()) return;
    EnterSlice();
  }
}

void TableSource::LeaveSlice() {
  const data::Slice& slice = slices_.back();
  const std::string& end = selection_.reversed ? slice.lower : slice.upper;
  if (has_ranges_ && !end.empty()) Say(end, data::Deletion());
  slices_.pop_back();
}

// There is no entry between the slice's start and where in_effect_ is known to hold.
void TableSource::EnterSlice() {
  const data::Slice& slice = slices_.back();
  if (has_ranges_) Say(selection_.reversed ? slice.upper : slice.lower, in_effect_);
}

bool TableSource::IsBeyondSlice(std::string_view clustering) const {
  const data::Slice& slice = slices_.back();
  if (selection_.reversed) return clustering < slice.lower;
  return !slice.upper.empty() && clustering >= slice.upper;
}

bool TableSource::IsBeforeSlice(std::string_view clustering) const {
  const data::Slice& slice = slices_.back();
  if (selection_.reversed) return !slice.upper.empty() && clustering >= slice.upper;
  return clustering < slice.lower;
}

// Of two changes at one place the later is meant: one slice ends where the next begins.
void TableSource::Say(const std::string& at, const data::Deletion& deletion) {
  if (said_next_ < said_.size() && said_.back().at == at) {
    said_.back().deletion = deletion;
  } else {
    said_.push_back({at, deletion});
  }
}

std::optional<data::Item> TableSource::TakeItem() {
  while (said_next_ < said_.size()) {
    data::DeletionChange& next = said_[said_next_++];
    if (next.deletion == change_.deletion) continue;
    change_ = std::move(next);
    return data::Item::kChange;
  }
  said_.clear();
  said_next_ = 0;
  if (!std::exchange(has_row_, false)) return std::nullopt;
  return data::Item::kRow;
}

// From the cursor's entry on, up to the one behind it.
absl::StatusOr<data::Deletion> TableSource::InEffect() const {
  BlockCursor entry = cursor_.in_block();
  while (entry.valid() && IsRowOf(entry.key(), prefix_)) {
    const absl::StatusOr<RowEntry> decoded = DecodeRowEntry(entry.value());
    if (!decoded.ok()) return cursor_.Corrupt(base::ToStd(decoded.status().message()));
    if (decoded->change.has_value()) return *decoded->change;
    entry.Previous();
  }
  return data::Deletion();
}

absl::Status TableSource::TakeRow(std::string_view clustering, std::string_view body) {
  row_ = data::Row();
  if (absl::Status status = DecodeRow(body, &row_); !status.ok()) {
    return cursor_.Corrupt(base::ToStd(status.message()));
  }
  row_.clustering = clustering;
  has_row_ = true;
  return absl::OkStatus();
}

}  // namespace tholos::sstable
