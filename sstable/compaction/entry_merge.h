// EntryMerge: the work of a compaction between two waits: entries of the inputs, in order, become
// entries of the output.
//
// Inputs stand in a list ordered by the key they show; those in front that show the same key are
// one step. Most steps are of these kinds, and copy bytes without decoding a cell:
//
//   header, of a partition without tombstone and static row     (flags of zero in all inputs)
//   row that one input alone has, which no tombstone in effect shadows, and about which the time
//     says nothing
//   row of which one version has all that the others have, and is newer (data::Supersedes)
//
// Everything else is decoded, merged by the merge law, expired, purged and encoded again.
//
// Purging is decided by the caller's PurgeableBefore; newest_purged() says what must still be older
// than all other data when the outputs are installed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "data/mutation_view.h"
#include "data/source.h"
#include "sstable/compaction.h"
#include "sstable/table_scan.h"
#include "sstable/writer.h"

namespace tholos::sstable {

class EntryMerge {
 public:
  // `options` outlives the merge.
  EntryMerge(const CompactionOptions& options, std::vector<std::unique_ptr<TableScan>> inputs);

  enum class Pause {
    kEnd,        // nothing is left
    kLoad,       // LoadInputs() is to be awaited
    kPartition,  // a partition begins with partition_token(): the writer may be exchanged
    kWriter,     // the writer needs to be awaited: TakeWriting()
    kTurn,       // others want a turn
  };
  // Goes on, into `writer`. An error names the damaged input.
  absl::StatusOr<Pause> Run(SSTableWriter& writer);

  base::Task<absl::Status> LoadInputs();
  base::Task<absl::Status> TakeWriting() { return *std::exchange(writing_, std::nullopt); }
  data::Token partition_token() const;
  // The largest timestamp of what was purged; the smallest number if nothing was.
  data::Timestamp newest_purged() const { return newest_purged_; }

 private:
  bool AdvanceTaken();
  bool IsBefore(size_t a, size_t b) const;
  bool ShowsSame(size_t a, size_t b) const;
  void PutInOrder(size_t input);
  size_t CountSame() const;

  absl::Status Step(size_t same, SSTableWriter& writer);
  absl::Status StartPartition(size_t same, SSTableWriter& writer);
  absl::Status MergeHeaders(size_t same, SSTableWriter& writer);
  absl::StatusOr<bool> CopyRow(SSTableWriter& writer);
  absl::Status TakeRowEntries(size_t same);
  void MergeChanges(size_t same, SSTableWriter& writer);
  absl::Status WriteRow(SSTableWriter& writer);
  bool IsToBeCopied(const data::RowView& row) const;
  const data::RowView* WholeRow() const;
  absl::Status MergeRow(SSTableWriter& writer);
  void Await(base::Task<absl::Status> writing) { writing_ = std::move(writing); }

  data::Timestamp PurgeableBeforeHere();
  bool Keep(data::Row* row);
  void Purge(data::Deletion* deletion);

  const CompactionOptions& options_;
  const std::vector<std::unique_ptr<TableScan>> inputs_;
  // Inputs that show an entry, the smallest key first. The entries of the first taken_ are used up:
  // these inputs are to be moved.
  std::vector<size_t> order_;
  size_t taken_ = 0;
  std::optional<base::Task<absl::Status>> writing_;
  uint64_t steps_ = 0;
  data::Timestamp newest_purged_ = data::kNoTimestamp;

  // The current partition.
  std::string prefix_;
  bool announced_ = false;                           // kPartition was returned for the next one
  std::optional<data::Timestamp> purgeable_before_;  // once it was asked for
  data::Deletion partition_deletion_;                // before purging
  bool has_changes_ = false;
  std::vector<data::Deletion> deletions_;  // in effect in each input
  data::Deletion in_effect_;               // the greatest of them, if the partition's is not

  // The current step.
  std::string_view clustering_;
  std::vector<std::optional<data::Deletion>> changes_;
  std::vector<data::RowView> versions_;  // of the row
  data::Row row_;
  data::Row other_;
  std::string row_body_;
};

}  // namespace tholos::sstable
