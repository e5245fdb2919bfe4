#include "data/mutation_view.h"

#include <algorithm>
#include <limits>

#include "base/status_macros.h"
#include "data/codec.h"
#include "data/codec_flags.h"
#include "data/range_tombstones.h"

namespace tholos::data {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

int64_t Plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// The walk of one row body, noting the timestamps it meets.
class Walk {
 public:
  explicit Walk(base::Reader* in) : in_(in) {}

  RowView Row() {
    const char* begin = in_->rest().data();
    const size_t remaining = in_->remaining();
    flags_ = in_->U8();
    if ((flags_ & ~kRowFlagsAll) != 0) in_->Fail();
    if ((flags_ & kLivenessExpires) != 0 && (flags_ & kLiveness) == 0) in_->Fail();
    if ((flags_ & kPaths) != 0 && (flags_ & kCells) == 0) in_->Fail();
    if ((flags_ & (kLiveness | kCells)) != 0) base_ = Note(in_->SignedVarint());
    if ((flags_ & kLivenessExpires) != 0) {
      const int64_t ttl = Ttl();
      Moment(base_, ttl);
    }
    if ((flags_ & kRowDeletion) != 0) PresentDeletion();
    if ((flags_ & kComplexDeletions) != 0) ComplexDeletions();
    if ((flags_ & kPaths) != 0) {
      CellsWithPaths();
    } else if ((flags_ & kCells) != 0) {
      Cells();
    }
    row_.body = {begin, remaining - in_->remaining()};
    row_.has_deletions = (flags_ & (kRowDeletion | kComplexDeletions)) != 0;
    row_.empty = flags_ == 0;
    return row_;
  }

 private:
  Timestamp Note(Timestamp timestamp) {
    if (timestamp == kNoTimestamp) in_->Fail();
    row_.min_timestamp = std::min(row_.min_timestamp, timestamp);
    row_.max_timestamp = std::max(row_.max_timestamp, timestamp);
    return timestamp;
  }

  int64_t Ttl() {
    const uint64_t ttl = in_->Varint();
    if (ttl == 0 || ttl > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) in_->Fail();
    return static_cast<int64_t>(ttl);
  }
  // Any number is a moment.
  void Moment(Timestamp timestamp, int64_t ttl) {
    const int64_t seconds = Plus(in_->SignedVarint(), timestamp / kMicrosPerSecond + ttl);
    row_.timeless = false;
    row_.min_local_seconds = std::min(row_.min_local_seconds, seconds);
  }

  void PresentDeletion() {
    const Timestamp timestamp = Note(in_->SignedVarint());
    Moment(timestamp, 0);
  }

  void Column(uint64_t id) {
    if (id > std::numeric_limits<ColumnId>::max()) in_->Fail();
  }

  void ComplexDeletions() {
    const size_t count = in_->Count(kComplexBytesMin);
    if (count == 0) in_->Fail();
    uint64_t next_id = 0;
    for (size_t i = 0; i < count && in_->ok(); ++i) {
      const uint64_t difference = in_->Varint();
      if (difference > std::numeric_limits<ColumnId>::max()) in_->Fail();
      Column(next_id + difference);
      PresentDeletion();
      next_id += difference + 1;
    }
  }

  void CellBody(uint64_t flags) {
    ++row_.cells;
    Timestamp timestamp = base_;
    if ((flags & kOwnTimestamp) != 0) timestamp = Note(Plus(base_, in_->SignedVarint()));
    if ((flags & kTtlOfLiveness) != 0) {  // the liveness's moment was noted
      if ((flags_ & kLivenessExpires) == 0 || (flags & kOwnTtl) != 0) in_->Fail();
    } else if ((flags & (kTombstone | kOwnTtl)) != 0) {
      const int64_t ttl = (flags & kOwnTtl) != 0 ? Ttl() : 0;
      Moment(timestamp, ttl);
    }
    if ((flags & kTombstone) == 0) in_->Bytes();
  }

  void Cells() {
    const size_t count = in_->Count(kCellBytesMin);
    if (count == 0) in_->Fail();
    uint64_t next_id = 0;
    for (size_t i = 0; i < count && in_->ok(); ++i) {
      const uint64_t header = in_->Varint();
      const uint64_t id = next_id + (header >> kCellFlagBits);
      Column(id);
      CellBody(header);
      next_id = id + 1;
    }
  }

  void CellsWithPaths() {
    const size_t count = in_->Count(kCellBytesMin);
    int64_t previous_id = -1;
    std::string_view previous_path;
    bool any_path = false;
    for (size_t i = 0; i < count && in_->ok(); ++i) {
      const uint64_t header = in_->Varint();
      const uint64_t difference = header >> kPathCellFlagBits;
      const uint64_t id = static_cast<uint64_t>(previous_id) + difference;
      Column(id);
      std::string_view path;
      if ((header & kPath) != 0) {
        path = in_->Bytes();
        if (path.empty()) in_->Fail();
        any_path = true;
      }
      if (difference == 0 && (i == 0 || previous_path >= path)) in_->Fail();
      CellBody(header);
      previous_id = static_cast<int64_t>(id);
      previous_path = path;
    }
    if (!any_path) in_->Fail();
  }

  base::Reader* const in_;
  uint8_t flags_ = 0;
  Timestamp base_ = kNoTimestamp;
  RowView row_;
};

std::string_view TakeKey(base::Reader* in) {
  const std::string_view key = in->Bytes();
  if (key.size() > kKeyBytesMax) in->Fail();
  return key;
}

// Rare: decoded to be checked.
std::string_view TakeRanges(base::Reader* in) {
  const std::string_view all = in->rest();
  RangeTombstones ranges;
  DecodeRangeTombstones(in, &ranges);
  return all.substr(0, all.size() - in->remaining());
}

}  // namespace

RowView TakeRowBodyView(base::Reader* in) { return Walk(in).Row(); }

namespace {

// The column ids of a timeless row without paths, one after the other.
class ColumnsOf {
 public:
  // `body` was walked.
  explicit ColumnsOf(std::string_view body) : in_(body) {
    flags_ = in_.U8();
    in_.SignedVarint();
    left_ = (flags_ & kCells) != 0 ? in_.Varint() : 0;
  }
  bool has_liveness() const { return (flags_ & kLiveness) != 0; }
  bool has_paths() const { return (flags_ & kPaths) != 0; }
  bool Next() {
    if (left_ == 0) return false;
    --left_;
    const uint64_t header = in_.Varint();
    column_ = next_id_ + (header >> kCellFlagBits);
    if ((header & kOwnTimestamp) != 0) in_.SignedVarint();
    in_.Bytes();
    next_id_ = column_ + 1;
    return true;
  }
  uint64_t column() const { return column_; }

 private:
  base::Reader in_;
  uint8_t flags_ = 0;
  uint64_t left_ = 0;
  uint64_t next_id_ = 0;
  uint64_t column_ = 0;
};

}  // namespace

bool Supersedes(const RowView& newer, const RowView& older) {
  if (!newer.timeless || !older.timeless || newer.empty || older.empty) return false;
  if (newer.min_timestamp <= older.max_timestamp) return false;
  ColumnsOf of_newer(newer.body);
  ColumnsOf of_older(older.body);
  if (of_newer.has_paths() || of_older.has_paths()) return false;
  if (of_older.has_liveness() && !of_newer.has_liveness()) return false;
  while (of_older.Next()) {
    do {
      if (!of_newer.Next()) return false;
    } while (of_newer.column() < of_older.column());
    if (of_newer.column() != of_older.column()) return false;
  }
  return true;
}

absl::StatusOr<MutationView> MutationView::Parse(std::string_view bytes) {
  base::Reader in(bytes);
  MutationView view;
  if (in.U8() != kCodecVersion) in.Fail();
  const std::string_view id = in.Raw(sizeof(view.table_.bytes));
  std::copy(id.begin(), id.end(), view.table_.bytes.begin());
  view.key_ = TakeKey(&in);
  const uint8_t flags = in.U8();
  if ((flags & ~kPartitionFlagsAll) != 0) in.Fail();
  if ((flags & kPartitionDeletion) != 0) {
    view.deletion_ = DecodeDeletion(&in);
    if (view.deletion_.live()) in.Fail();
    view.min_timestamp_ = view.deletion_.timestamp;
  }
  if ((flags & kStaticRow) != 0) {
    view.static_row_ = TakeRowBodyView(&in);
    view.min_timestamp_ = std::min(view.min_timestamp_, view.static_row_->min_timestamp);
  }
  if ((flags & kRangeTombstones) != 0) {
    view.ranges_ = TakeRanges(&in);
    for (const RangeTombstone& each : view.range_tombstones()) {
      view.min_timestamp_ = std::min(view.min_timestamp_, each.deletion.timestamp);
    }
  }
  view.row_count_ = in.Count(kRowBytesMin);
  view.rows_ = in.rest();
  std::string_view previous;
  for (size_t i = 0; i < view.row_count_ && in.ok(); ++i) {
    const std::string_view clustering = TakeKey(&in);
    if (i > 0 && previous >= clustering) in.Fail();
    previous = clustering;
    RowView row = TakeRowBodyView(&in);
    row.clustering = clustering;
    view.min_timestamp_ = std::min(view.min_timestamp_, row.min_timestamp);
    if (i == 0) view.first_row_ = row;
  }
  if (in.remaining() != 0) in.Fail();
  if (!in.ok()) return in.status("mutation");
  view.token_ = TokenOf(view.key_);
  return view;
}

std::vector<RangeTombstone> MutationView::range_tombstones() const {
  base::Reader in(ranges_);
  RangeTombstones ranges;
  if (!ranges_.empty()) DecodeRangeTombstones(&in, &ranges);
  return ranges;
}

namespace {

// Up to the partition key.
std::string_view TakeFront(base::Reader* in) {
  if (in->U8() != kCodecVersion) in->Fail();
  in->Raw(sizeof(TableId::bytes));
  return TakeKey(in);
}

}  // namespace

absl::StatusOr<Token> PeekToken(std::string_view mutation) {
  base::Reader in(mutation);
  const std::string_view key = TakeFront(&in);
  if (!in.ok()) return in.status("mutation");
  return TokenOf(key);
}

MutationPlace PeekPlace(std::string_view mutation) {
  base::Reader in(mutation);
  const std::string_view key = TakeFront(&in);
  if (!in.ok()) return {};
  MutationPlace place{.token = TokenOf(key)};
  if (in.U8() == 0 && in.Count(kRowBytesMin) > 0) place.clustering = TakeKey(&in);
  return in.ok() ? place : MutationPlace();
}

}  // namespace tholos::data
