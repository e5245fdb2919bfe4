// An encoded mutation (codec.h), checked and taken apart without copying or allocating: what the
// write path reads. A row's body stays encoded; it can be stored as it is.
//
//   THOLOS_ASSIGN_OR_RETURN(const MutationView view, MutationView::Parse(bytes));
//   view.ForEachRow([&](const RowView& row) { ... });
//
// Accepts exactly what DecodeMutation accepts.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/coding.h"
#include "data/partition.h"

namespace tholos::data {

// A row where it stands encoded.
struct RowView {
  std::string_view clustering;
  std::string_view body;  // as EncodeRowBody made it
  // The smallest of anything in it, and the largest; of nothing: the largest and smallest numbers.
  Timestamp min_timestamp = std::numeric_limits<Timestamp>::max();
  Timestamp max_timestamp = std::numeric_limits<Timestamp>::min();
  // It has a tombstone over the row or a column, which may shadow something else in it.
  bool has_deletions = false;
  // No tombstone is in it and nothing expires: the time says nothing about it.
  bool timeless = true;
  // Of everything else the smallest local time.
  int64_t min_local_seconds = kNoExpiry;
  size_t cells = 0;  // tombstones among them
  // Nothing in it.
  bool empty = false;
};

// Takes a row body from the front of `*in`, which fails if it is malformed.
RowView TakeRowBodyView(base::Reader* in);

// Both are versions of one row, and the merge law gives `newer` as it is: whatever `older` has,
// `newer` has with a greater timestamp. False where that takes more than a look at both.
bool Supersedes(const RowView& newer, const RowView& older);

class MutationView {
 public:
  // Of `bytes`, which must outlive the view. kDataLoss "malformed mutation".
  static absl::StatusOr<MutationView> Parse(std::string_view bytes);

  const TableId& table() const { return table_; }
  std::string_view key() const { return key_; }
  Token token() const { return token_; }
  const Deletion& deletion() const { return deletion_; }
  const std::optional<RowView>& static_row() const { return static_row_; }
  bool has_range_tombstones() const { return !ranges_.empty(); }
  // The smallest of anything in it; of nothing: the largest number.
  Timestamp min_timestamp() const { return min_timestamp_; }
  std::vector<RangeTombstone> range_tombstones() const;

  // Null if there is none.
  const RowView* first_row() const { return row_count_ == 0 ? nullptr : &first_row_; }
  // In clustering order.
  template <typename Visit>
  void ForEachRow(Visit visit) const {
    // Most have one, which was looked at already.
    if (row_count_ == 1) return visit(first_row_);
    base::Reader in(rows_);
    for (size_t i = 0; i < row_count_; ++i) {
      const std::string_view clustering = in.Bytes();
      RowView row = TakeRowBodyView(&in);
      row.clustering = clustering;
      visit(row);
    }
  }

 private:
  TableId table_;
  std::string_view key_;
  Token token_ = 0;
  Deletion deletion_;
  std::optional<RowView> static_row_;
  std::string_view ranges_;  // with their count
  std::string_view rows_;
  size_t row_count_ = 0;
  RowView first_row_;
  Timestamp min_timestamp_ = std::numeric_limits<Timestamp>::max();
};

// The token alone, without a look at the rest: routing a received mutation.
absl::StatusOr<Token> PeekToken(std::string_view mutation);

// Where in a table most of it goes.
struct MutationPlace {
  Token token = 0;
  // Of the first row, if nothing stands before the rows; empty otherwise.
  std::string_view clustering;
};
// Looked at so far and no further; all zeros of what is malformed there.
MutationPlace PeekPlace(std::string_view mutation);

}  // namespace tholos::data
