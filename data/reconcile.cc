// The merge law; the orders and the reasons for them are in partition.h.
#include <algorithm>
#include <compare>
#include <tuple>

#include "base/check.h"
#include "data/partition.h"
#include "data/range_tombstones.h"

namespace tholos::data {
namespace {

bool IsDeletion(const Cell& cell) { return cell.tombstone && !cell.expiring(); }

std::strong_ordering Compare(const Cell& a, const Cell& b) {
  if (const auto order = a.timestamp <=> b.timestamp; order != 0) return order;
  if (const auto order = IsDeletion(a) <=> IsDeletion(b); order != 0) return order;
  if (IsDeletion(a)) return a.local_seconds <=> b.local_seconds;
  const auto expiry = [](const Cell& cell) {
    return cell.expiring() ? cell.local_seconds : kNoExpiry;
  };
  if (const auto order = expiry(b) <=> expiry(a); order != 0) return order;
  if (const auto order = a.ttl_seconds <=> b.ttl_seconds; order != 0) return order;
  if (const auto order = a.tombstone <=> b.tombstone; order != 0) return order;
  return a.value <=> b.value;
}

// Up to this many elements are inserted one by one; merging more in one pass moves each element
// once.
constexpr size_t kInsertedOneByOneMax = 4;

// Merges `from` into `into`, both sorted and without duplicates; `merge` joins two of one key.
template <typename T, typename Less, typename Merge>
void MergeSorted(std::vector<T>* into, std::vector<T> from, Less less, Merge merge) {
  if (into->empty()) {
    *into = std::move(from);
    return;
  }
  if (from.size() <= kInsertedOneByOneMax) {
    for (T& element : from) {
      const auto at = std::lower_bound(into->begin(), into->end(), element, less);
      if (at != into->end() && !less(element, *at)) {
        merge(&*at, std::move(element));
      } else {
        into->insert(at, std::move(element));
      }
    }
    return;
  }
  std::vector<T> result;
  result.reserve(into->size() + from.size());
  auto a = into->begin();
  auto b = from.begin();
  while (a != into->end() && b != from.end()) {
    if (less(*a, *b)) {
      result.push_back(std::move(*a++));
    } else if (less(*b, *a)) {
      result.push_back(std::move(*b++));
    } else {
      merge(&*a, std::move(*b++));
      result.push_back(std::move(*a++));
    }
  }
  std::move(a, into->end(), std::back_inserter(result));
  std::move(b, from.end(), std::back_inserter(result));
  *into = std::move(result);
}

// Joins two rows without removing what became shadowed.
void Join(Row* into, Row from) {
  THOLOS_CHECK(into->clustering == from.clustering);
  into->liveness = Reconcile(into->liveness, from.liveness);
  into->deletion = Reconcile(into->deletion, from.deletion);
  MergeSorted(
      &into->cells, std::move(from.cells),
      [](const Cell& a, const Cell& b) {
        return a.column != b.column ? a.column < b.column : a.path < b.path;
      },
      [](Cell* a, Cell b) {
        if (Compare(*a, b) < 0) *a = std::move(b);
      });
  if (from.complex_deletions.empty()) return;
  MergeSorted(
      &into->complex_deletions, std::move(from.complex_deletions),
      [](const ComplexDeletion& a, const ComplexDeletion& b) { return a.column < b.column; },
      [](ComplexDeletion* a, const ComplexDeletion& b) {
        a->deletion = Reconcile(a->deletion, b.deletion);
      });
}

// Complex deletions in the order of columns.
class ComplexLookup {
 public:
  explicit ComplexLookup(const std::vector<ComplexDeletion>& deletions) : deletions_(deletions) {}
  // Columns ascend from call to call.
  bool Covers(ColumnId column, Timestamp timestamp) {
    while (next_ < deletions_.size() && deletions_[next_].column < column) ++next_;
    return next_ < deletions_.size() && deletions_[next_].column == column &&
           deletions_[next_].deletion.Covers(timestamp);
  }

 private:
  const std::vector<ComplexDeletion>& deletions_;
  size_t next_ = 0;
};

}  // namespace

const Cell& ReconcileCell(const Cell& a, const Cell& b) { return Compare(a, b) < 0 ? b : a; }

Liveness Reconcile(const Liveness& a, const Liveness& b) {
  const auto key = [](const Liveness& l) {
    // Complement: the earlier expiry is the greater.
    return std::make_tuple(l.timestamp, ~l.expires_at, l.ttl_seconds);
  };
  return key(a) < key(b) ? b : a;
}

Deletion Reconcile(const Deletion& a, const Deletion& b) {
  const auto key = [](const Deletion& d) { return std::make_tuple(d.timestamp, d.local_seconds); };
  return key(a) < key(b) ? b : a;
}

void MergeInto(Row* into, Row from) {
  Join(into, std::move(from));
  ApplyDeletion(into, Deletion());
}

void MergeInto(Partition* into, Partition from) {
  THOLOS_CHECK(into->key == from.key);
  into->deletion = Reconcile(into->deletion, from.deletion);
  if (!into->static_row.has_value()) {
    into->static_row = std::move(from.static_row);
  } else if (from.static_row.has_value()) {
    Join(&*into->static_row, *std::move(from.static_row));
  }
  if (!from.range_tombstones.empty()) {
    into->range_tombstones = MergeRanges(into->range_tombstones, from.range_tombstones);
  }
  MergeSorted(
      &into->rows, std::move(from.rows),
      [](const Row& a, const Row& b) { return a.clustering < b.clustering; },
      [](Row* a, Row b) { Join(a, std::move(b)); });
  ApplyDeletions(into);
}

void ApplyDeletion(Row* row, Deletion covering) {
  if (covering.Covers(row->deletion.timestamp)) row->deletion = Deletion();
  const Deletion& strongest = row->deletion.live() ? covering : row->deletion;
  if (!strongest.live()) {
    if (strongest.Covers(row->liveness.timestamp)) row->liveness = Liveness();
    std::erase_if(row->complex_deletions, [&strongest](const ComplexDeletion& each) {
      return strongest.Covers(each.deletion.timestamp);
    });
    std::erase_if(row->cells,
                  [&strongest](const Cell& cell) { return strongest.Covers(cell.timestamp); });
  }
  if (row->complex_deletions.empty()) return;
  // std::erase_if asks in order, once each.
  ComplexLookup complex(row->complex_deletions);
  std::erase_if(row->cells, [&complex](const Cell& cell) {
    return complex.Covers(cell.column, cell.timestamp);
  });
}

void ApplyDeletions(Partition* partition) {
  const Deletion& deletion = partition->deletion;
  if (partition->static_row.has_value()) {
    ApplyDeletion(&*partition->static_row, deletion);
    if (partition->static_row->IsEmpty()) partition->static_row.reset();
  }
  if (!partition->range_tombstones.empty()) {
    partition->range_tombstones = UncoveredRanges(std::move(partition->range_tombstones), deletion);
  }
  RangeLookup ranges(partition->range_tombstones);
  std::erase_if(partition->rows, [&](Row& row) {
    // Of both tombstones the range's is the greater: it would be covered else.
    const Deletion of_range = ranges.At(row.clustering);
    ApplyDeletion(&row, of_range.live() ? deletion : of_range);
    return row.IsEmpty();
  });
}

}  // namespace tholos::data
