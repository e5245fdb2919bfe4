// A step of the merge: every source that gave something to the last partition or row is advanced;
// the smallest of what the sources then show is next, and all that show the same are merged into
// it.
//
//   source 0   a   c          NextPartition: a (from 0 and 1); then b (1); then c (0 and 2)
//   source 1   a b
//   source 2       c
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

using Answer = absl::StatusOr<bool>;

class MergeSource : public PartitionSource {
 public:
  MergeSource(std::vector<std::unique_ptr<PartitionSource>> sources, bool reversed)
      : sources_(std::move(sources)), reversed_(reversed) {
    for (size_t i = 0; i < sources_.size(); ++i) members_.push_back(i);
  }

  base::Task<Answer> NextPartition() override {
    rows_.clear();
    to_advance_.clear();
    for (const size_t i : members_) Advance(i, sources_[i]->NextPartition(), &partitions_);
    members_.clear();
    if (waiting_.empty()) return base::Task<Answer>::Ready(TakePartition());
    return AwaitPartition();
  }
  const PartitionHeader& partition() const override { return header_; }

  base::Task<Answer> NextRow() override {
    while (true) {
      AdvanceRows();
      if (!waiting_.empty()) return AwaitRow();
      if (auto answer = TakeRow()) return base::Task<Answer>::Ready(*std::move(answer));
    }
  }
  Row& row() override { return row_; }

 private:
  // Heaps of sources by what they show, the next one in front.
  struct LaterPartition {
    const MergeSource& merge;
    bool operator()(size_t a, size_t b) const {
      return merge.sources_[b]->partition().key < merge.sources_[a]->partition().key;
    }
  };
  struct LaterRow {
    const MergeSource& merge;
    bool operator()(size_t a, size_t b) const {
      const int order =
          merge.sources_[a]->row().clustering.compare(merge.sources_[b]->row().clustering);
      return merge.reversed_ ? order < 0 : order > 0;
    }
  };

  // Notes that source `i` is being advanced by `task`; once it shows something it goes into `heap`.
  void Advance(size_t i, base::Task<Answer> task, std::vector<size_t>* heap) {
    if (std::optional<Answer> answer = task.TakeReady()) {
      Advanced(i, *answer, heap);
    } else {
      waiting_.push_back(std::move(task));
      waiting_sources_.push_back(i);
    }
  }

  void Advanced(size_t i, const Answer& answer, std::vector<size_t>* heap) {
    if (!answer.ok()) {
      status_.Update(answer.status());
    } else if (*answer) {
      heap->push_back(i);
      if (heap == &partitions_) {
        std::push_heap(heap->begin(), heap->end(), LaterPartition{*this});
      } else {
        std::push_heap(heap->begin(), heap->end(), LaterRow{*this});
      }
    }
  }

  void AdvanceRows() {
    for (const size_t i : to_advance_) Advance(i, sources_[i]->NextRow(), &rows_);
    to_advance_.clear();
  }

  // Awaits all tasks that did not answer at once.
  base::Task<void> AwaitAdvances(std::vector<size_t>* heap) {
    const std::vector<size_t> sources = std::exchange(waiting_sources_, {});
    const std::vector<Answer> answers = co_await base::WhenAll(std::exchange(waiting_, {}));
    for (size_t i = 0; i < sources.size(); ++i) Advanced(sources[i], answers[i], heap);
  }

  base::Task<Answer> AwaitPartition() {
    co_await AwaitAdvances(&partitions_);
    co_return TakePartition();
  }

  base::Task<Answer> AwaitRow() {
    while (true) {
      if (!waiting_.empty()) co_await AwaitAdvances(&rows_);
      if (auto answer = TakeRow()) co_return *std::move(answer);
      AdvanceRows();
    }
  }

  size_t PopPartition() {
    std::pop_heap(partitions_.begin(), partitions_.end(), LaterPartition{*this});
    const size_t i = partitions_.back();
    partitions_.pop_back();
    return i;
  }

  size_t PopRow() {
    std::pop_heap(rows_.begin(), rows_.end(), LaterRow{*this});
    const size_t i = rows_.back();
    rows_.pop_back();
    return i;
  }

  Answer TakePartition() {
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

  // Nothing if all that was known of the row is shadowed: the sources must be advanced again.
  std::optional<Answer> TakeRow() {
    if (!status_.ok()) return status_;
    if (rows_.empty()) return false;
    to_advance_.push_back(PopRow());
    row_ = std::move(sources_[to_advance_[0]]->row());
    while (!rows_.empty() && sources_[rows_.front()]->row().clustering == row_.clustering) {
      to_advance_.push_back(PopRow());
      MergeInto(&row_, std::move(sources_[to_advance_.back()]->row()));
    }
    ApplyDeletion(&row_, header_.deletion);
    if (row_.IsEmpty()) return std::nullopt;
    return true;
  }

  const std::vector<std::unique_ptr<PartitionSource>> sources_;
  const bool reversed_;
  absl::Status status_;
  PartitionHeader header_;
  Row row_;
  std::vector<size_t> partitions_;  // heap: sources on a later partition
  std::vector<size_t> rows_;        // heap: members on a later row
  std::vector<size_t> members_;     // sources of the current partition
  std::vector<size_t> to_advance_;  // members whose row is used up
  std::vector<base::Task<Answer>> waiting_;
  std::vector<size_t> waiting_sources_;
};

}  // namespace

std::unique_ptr<PartitionSource> MergeSources(std::vector<std::unique_ptr<PartitionSource>> sources,
                                              bool reversed) {
  return std::make_unique<MergeSource>(std::move(sources), reversed);
}

}  // namespace tholos::data
