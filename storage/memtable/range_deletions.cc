#include "storage/memtable/range_deletions.h"

#include <iterator>

namespace tholos::storage {
namespace {

using data::Deletion;

uint64_t BytesOf(const std::string& at) {
  constexpr uint64_t kMapNodeBytes = 40;
  return kMapNodeBytes + sizeof(RangeDeletions::Changes::value_type) + at.size();
}

}  // namespace

Deletion RangeDeletions::At(std::string_view clustering) const {
  const auto next = changes_.upper_bound(clustering);
  return next == changes_.begin() ? Deletion() : std::prev(next)->second;
}

Deletion RangeDeletions::Below(std::string_view clustering) const {
  const auto next = clustering.empty() ? changes_.end() : changes_.lower_bound(clustering);
  return next == changes_.begin() ? Deletion() : std::prev(next)->second;
}

// The change at `at`, made if there is none.
RangeDeletions::Changes::iterator RangeDeletions::Cut(const std::string& at) {
  const auto [change, inserted] = changes_.try_emplace(at);
  if (inserted) {
    bytes_ += BytesOf(at);
    if (change != changes_.begin()) change->second = std::prev(change)->second;
  }
  return change;
}

// Drops changes in [first, last) that make no difference.
void RangeDeletions::Join(Changes::iterator first, Changes::iterator last) {
  while (first != last) {
    const Deletion before = first == changes_.begin() ? Deletion() : std::prev(first)->second;
    if (first->second == before) {
      bytes_ -= BytesOf(first->first);
      first = changes_.erase(first);
    } else {
      ++first;
    }
  }
}

void RangeDeletions::Add(const data::Slice& range, const Deletion& deletion) {
  if (range.IsEmpty() || deletion.live()) return;
  const auto first = Cut(range.lower);
  const auto last = range.upper.empty() ? changes_.end() : Cut(range.upper);
  for (auto change = first; change != last; ++change) {
    change->second = data::Reconcile(change->second, deletion);
  }
  Join(first, last == changes_.end() ? last : std::next(last));
}

void RangeDeletions::DropCovered(const Deletion& covering) {
  for (auto& [at, deletion] : changes_) {
    if (covering.Covers(deletion.timestamp)) deletion = Deletion();
  }
  Join(changes_.begin(), changes_.end());
}

}  // namespace tholos::storage
