#include "sstable/table_source.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "sstable/entry.h"

namespace tholos::sstable {
namespace {

// The slices of a partition that is resumed behind the row `after`.
std::vector<data::Slice> Clip(const std::vector<data::Slice>& slices, const std::string& after,
                              bool reversed) {
  std::vector<data::Slice> clipped;
  for (data::Slice slice : slices) {
    if (reversed) {
      if (slice.upper.empty() || after < slice.upper) slice.upper = after;
      if (slice.lower < slice.upper) clipped.push_back(std::move(slice));
    } else {
      slice.lower = std::max(slice.lower, after + '\0');
      if (slice.upper.empty() || slice.lower < slice.upper) clipped.push_back(std::move(slice));
    }
  }
  return clipped;
}

}  // namespace

using base::Task;

TableSource::TableSource(std::shared_ptr<const SSTable> table, data::Selection selection,
                         ReadPattern pattern)
    : selection_(std::move(selection)),
      cursor_(table, pattern),
      ended_(!table->MayContain(selection_)) {}

Task<absl::StatusOr<bool>> TableSource::NextPartition() {
  if (auto answer = TryNextPartition()) return Task<Answer>::Ready(*std::move(answer));
  return CompletePartition();
}

Task<absl::StatusOr<bool>> TableSource::CompletePartition() {
  while (true) {
    THOLOS_CO_RETURN_IF_ERROR(co_await cursor_.Complete());
    if (auto answer = TryNextPartition()) co_return *std::move(answer);
  }
}

Task<absl::StatusOr<bool>> TableSource::NextRow() {
  if (auto answer = TryNextRow()) return Task<Answer>::Ready(*std::move(answer));
  return CompleteRow();
}

Task<absl::StatusOr<bool>> TableSource::CompleteRow() {
  while (true) {
    THOLOS_CO_RETURN_IF_ERROR(co_await cursor_.Complete());
    if (auto answer = TryNextRow()) co_return *std::move(answer);
  }
}

std::optional<TableSource::Answer> TableSource::TryNextPartition() {
  if (ended_ || (selection_.key.has_value() && started_ && !settled_)) return false;
  if (!settled_) {
    settled_ = true;
    if (!MoveToPartition()) return std::nullopt;
  }
  settled_ = false;
  Answer answer = TakeHeader();
  if (answer.ok() && *answer) {
    StartRows();
  } else {
    ended_ = true;
  }
  return answer;
}

bool TableSource::MoveToPartition() {
  if (!started_) {
    started_ = true;
    return cursor_.TrySeekAtOrAfter(StartKey());
  }
  return at_next_partition_ || cursor_.TrySeekAtOrAfter(PartitionEnd(prefix_));
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

TableSource::Answer TableSource::TakeHeader() {
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
  if (absl::Status status = DecodeHeader(cursor_.value(), &header_); !status.ok()) {
    return cursor_.Corrupt(base::ToStd(status.message()));
  }
  return true;
}

void TableSource::StartRows() {
  at_next_partition_ = false;
  slices_ = selection_.slices;
  if (slices_.empty()) slices_.emplace_back();
  if (selection_.after.has_value() && selection_.after->key == header_.key) {
    slices_ = Clip(slices_, *selection_.after->clustering, selection_.reversed);
  }
  if (!selection_.reversed) std::reverse(slices_.begin(), slices_.end());
  seeks_left_ = slices_.size();
  // The first row follows the header.
  seek_slice_ = selection_.reversed || (!slices_.empty() && !slices_.back().lower.empty());
}

std::optional<TableSource::Answer> TableSource::TryNextRow() {
  while (true) {
    if (slices_.empty()) return false;
    if (!settled_) {
      settled_ = true;
      if (!MoveToRow()) return std::nullopt;
    }
    settled_ = false;
    if (!cursor_.valid() || !IsRowOf(cursor_.key(), prefix_)) {
      slices_.clear();
      at_next_partition_ = !selection_.reversed;
      return false;
    }
    const std::string_view clustering = cursor_.key().substr(prefix_.size() + 1);
    if (const std::optional<bool> matched = MatchSlice(clustering)) {
      return *matched ? TakeRow(clustering) : Answer(false);
    }
    // A seek ends in its slice or beyond it.
    if (seeks_left_ == 0) return cursor_.Corrupt("rows out of order");
  }
}

bool TableSource::MoveToRow() {
  if (std::exchange(seek_slice_, false)) return SeekSlice();
  return selection_.reversed ? cursor_.TryPrevious() : cursor_.TryNext();
}

bool TableSource::SeekSlice() {
  --seeks_left_;
  const data::Slice& slice = slices_.back();
  std::string key;
  if (!selection_.reversed) {
    RowEntryKey(prefix_, slice.lower, &key);
    return cursor_.TrySeekAtOrAfter(std::move(key));
  }
  if (slice.upper.empty()) return cursor_.TrySeekBefore(PartitionEnd(prefix_));
  RowEntryKey(prefix_, slice.upper, &key);
  return cursor_.TrySeekBefore(std::move(key));
}

std::optional<bool> TableSource::MatchSlice(std::string_view clustering) {
  const auto beyond = [&](const data::Slice& slice) {
    return selection_.reversed ? clustering < slice.lower
                               : !slice.upper.empty() && clustering >= slice.upper;
  };
  while (!slices_.empty() && beyond(slices_.back())) slices_.pop_back();
  if (slices_.empty()) return false;
  if (slices_.back().Contains(clustering)) return true;
  seek_slice_ = true;
  return std::nullopt;
}

TableSource::Answer TableSource::TakeRow(std::string_view clustering) {
  row_ = data::Row();
  if (absl::Status status = DecodeRow(cursor_.value(), &row_); !status.ok()) {
    return cursor_.Corrupt(base::ToStd(status.message()));
  }
  row_.clustering = clustering;
  return true;
}

}  // namespace tholos::sstable
