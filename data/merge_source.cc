// A step of the merge: every source that gave something to the last partition, row or change is
// advanced; the smallest of what the sources then show is next, and all that show the same are
// merged into it.
//
//   source 0   a   c          NextPartition: a (from 0 and 1); then b (1); then c (0 and 2)
//   source 1   a b
//   source 2       c
//
// Each source has one deletion in effect; the greatest of them is the merge's, and where that
// changes the merge gives a change.
//
// Advancing is a plain function as long as the sources answer at once. Tasks that do not are kept,
// and awaited side by side by a coroutine, which then lets the plain function go on.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/async/when_all.h"
#include "base/status_macros.h"
#include "data/source.h"

namespace tholos::data {
namespace {

template <typename T>
using Answer = absl::StatusOr<T>;
using base::Task;

class MergeSource : public PartitionSource {
 public:
  MergeSource(std::vector<std::unique_ptr<PartitionSource>> sources, bool reversed)
      : sources_(std::move(sources)),
        reversed_(reversed),
        heads_(sources_.size()),
        deletions_(sources_.size()) {
    for (size_t i = 0; i < sources_.size(); ++i) members_.push_back(i);
  }

  Task<Answer<bool>> NextPartition() override {
    items_.clear();
    to_advance_.clear();
    for (const size_t i : members_) Advance(i, sources_[i]->NextPartition(), &waiting_partitions_);
    members_.clear();
    if (waiting_.empty()) return Task<Answer<bool>>::Ready(TakePartition());
    return AwaitPartition();
  }
  const PartitionHeader& partition() const override { return header_; }

  Task<Answer<Item>> NextItem() override {
    while (true) {
      AdvanceItems();
      if (!waiting_.empty()) return AwaitItem();
      if (auto answer = TakeItem()) return Task<Answer<Item>>::Ready(*std::move(answer));
    }
  }
  Row& row() override { return row_; }
  const DeletionChange& change() const override { return change_; }

 private:
  // What a source shows in the current partition.
  struct Head {
    Item item = Item::kEnd;
    const std::string* at = nullptr;
  };

  // Heaps of sources by what they show, the next one in front.
  struct LaterPartition {
    const MergeSource& merge;
    bool operator()(size_t a, size_t b) const {
      return merge.sources_[b]->partition().key < merge.sources_[a]->partition().key;
    }
  };
  struct LaterItem {
    const MergeSource& merge;
    bool operator()(size_t a, size_t b) const {
      return merge.IsBefore(merge.heads_[b], merge.heads_[a]);
    }
  };

  // In the order of source.h. Equal ones are merged.
  bool IsBefore(const Head& a, const Head& b) const {
    if (reversed_) {
      // A change without a place is above everything.
      const bool a_first = a.item == Item::kChange && a.at->empty();
      const bool b_first = b.item == Item::kChange && b.at->empty();
      if (a_first || b_first) return a_first && !b_first;
      const int order = a.at->compare(*b.at);
      return order != 0 ? order > 0 : a.item == Item::kRow && b.item == Item::kChange;
    }
    const int order = a.at->compare(*b.at);
    return order != 0 ? order < 0 : a.item == Item::kChange && b.item == Item::kRow;
  }

  // Notes that source `i` is being advanced by `task`; once it shows something it goes into its
  // heap.
  template <typename T>
  void Advance(size_t i, Task<Answer<T>> task, std::vector<Task<Answer<T>>>* waiting) {
    if (std::optional<Answer<T>> answer = task.TakeReady()) {
      Advanced(i, *answer);
    } else {
      waiting->push_back(std::move(task));
      waiting_.push_back(i);
    }
  }

  void Advanced(size_t i, const Answer<bool>& answer) {
    if (!answer.ok()) {
      status_.Update(answer.status());
    } else if (*answer) {
      deletions_[i] = Deletion();
      partitions_.push_back(i);
      std::push_heap(partitions_.begin(), partitions_.end(), LaterPartition{*this});
    }
  }

  void Advanced(size_t i, const Answer<Item>& answer) {
    if (!answer.ok()) {
      status_.Update(answer.status());
    } else if (*answer != Item::kEnd) {
      PartitionSource& source = *sources_[i];
      const bool is_row = *answer == Item::kRow;
      heads_[i] = {*answer, is_row ? &source.row().clustering : &source.change().at};
      items_.push_back(i);
      std::push_heap(items_.begin(), items_.end(), LaterItem{*this});
    }
  }

  void AdvanceItems() {
    for (const size_t i : to_advance_) Advance(i, sources_[i]->NextItem(), &waiting_items_);
    to_advance_.clear();
  }

  // Awaits all tasks that did not answer at once.
  template <typename T>
  Task<void> AwaitAdvances(std::vector<Task<Answer<T>>>* waiting) {
    const std::vector<size_t> sources = std::exchange(waiting_, {});
    const std::vector<Answer<T>> answers = co_await base::WhenAll(std::exchange(*waiting, {}));
    for (size_t i = 0; i < sources.size(); ++i) Advanced(sources[i], answers[i]);
  }

  Task<Answer<bool>> AwaitPartition() {
    co_await AwaitAdvances(&waiting_partitions_);
    co_return TakePartition();
  }

  Task<Answer<Item>> AwaitItem() {
    while (true) {
      if (!waiting_.empty()) co_await AwaitAdvances(&waiting_items_);
      if (auto answer = TakeItem()) co_return *std::move(answer);
      AdvanceItems();
    }
  }

  size_t PopPartition() {
    std::pop_heap(partitions_.begin(), partitions_.end(), LaterPartition{*this});
    const size_t i = partitions_.back();
    partitions_.pop_back();
    return i;
  }

  // Of the item in front; its source is advanced by the next step.
  size_t PopItem() {
    std::pop_heap(items_.begin(), items_.end(), LaterItem{*this});
    const size_t i = items_.back();
    items_.pop_back();
    to_advance_.push_back(i);
    return i;
  }

  // The next item is `item` at `at`, too.
  bool NextIsAlso(Item item, const std::string& at) const {
    if (items_.empty()) return false;
    const Head& head = heads_[items_.front()];
    return head.item == item && *head.at == at;
  }

  Answer<bool> TakePartition() {
    if (!status_.ok()) return status_;
    if (partitions_.empty()) return false;
    members_.push_back(PopPartition());
    header_ = sources_[members_[0]]->partition();
    while (!partitions_.empty() && sources_[partitions_.front()]->partition().key == header_.key) {
      members_.push_back(PopPartition());
      MergeHeader(sources_[members_.back()]->partition());
    }
    if (header_.static_row.has_value()) {
      ApplyDeletion(&*header_.static_row, header_.deletion);
      if (header_.static_row->IsEmpty()) header_.static_row.reset();
    }
    change_.deletion = Deletion();
    to_advance_ = members_;
    return true;
  }

  void MergeHeader(const PartitionHeader& from) {
    header_.deletion = Reconcile(header_.deletion, from.deletion);
    if (!from.static_row.has_value()) return;
    if (header_.static_row.has_value()) {
      MergeInto(&*header_.static_row, *from.static_row);
    } else {
      header_.static_row = from.static_row;
    }
  }

  // Nothing if there is nothing to say: the sources must be advanced again.
  std::optional<Answer<Item>> TakeItem() {
    if (!status_.ok()) return status_;
    if (items_.empty()) return Item::kEnd;
    const bool taken = heads_[items_.front()].item == Item::kRow ? TakeRow() : TakeChange();
    if (!taken) return std::nullopt;
    return taken_;
  }

  // False if all that was known of the row is shadowed.
  bool TakeRow() {
    row_ = std::move(sources_[PopItem()]->row());
    while (NextIsAlso(Item::kRow, row_.clustering)) {
      MergeInto(&row_, std::move(sources_[PopItem()]->row()));
    }
    // The deletion in effect is greater than the partition's.
    ApplyDeletion(&row_, change_.deletion.live() ? header_.deletion : change_.deletion);
    taken_ = Item::kRow;
    return !row_.IsEmpty();
  }

  // False if it makes no difference.
  bool TakeChange() {
    const std::string& at = TakeDeletion().at;
    while (NextIsAlso(Item::kChange, at)) TakeDeletion();
    Deletion deletion;
    for (const size_t i : members_) deletion = Reconcile(deletion, deletions_[i]);
    if (header_.deletion.Covers(deletion.timestamp)) deletion = Deletion();
    if (deletion == change_.deletion) return false;
    change_ = {at, deletion};
    taken_ = Item::kChange;
    return true;
  }

  const DeletionChange& TakeDeletion() {
    const size_t i = PopItem();
    const DeletionChange& change = sources_[i]->change();
    deletions_[i] = change.deletion;
    return change;
  }

  const std::vector<std::unique_ptr<PartitionSource>> sources_;
  const bool reversed_;
  absl::Status status_;
  PartitionHeader header_;
  Row row_;
  DeletionChange change_;  // the last one given; its deletion is in effect
  Item taken_ = Item::kEnd;
  std::vector<Head> heads_;          // of members
  std::vector<Deletion> deletions_;  // in effect in each source
  std::vector<size_t> partitions_;   // heap: sources on a later partition
  std::vector<size_t> items_;        // heap: members on a later row or change
  std::vector<size_t> members_;      // sources of the current partition
  std::vector<size_t> to_advance_;   // members whose item is used up
  std::vector<Task<Answer<bool>>> waiting_partitions_;
  std::vector<Task<Answer<Item>>> waiting_items_;
  std::vector<size_t> waiting_;  // the sources of one of these
};

}  // namespace

std::unique_ptr<PartitionSource> MergeSources(std::vector<std::unique_ptr<PartitionSource>> sources,
                                              bool reversed) {
  return std::make_unique<MergeSource>(std::move(sources), reversed);
}

}  // namespace tholos::data
