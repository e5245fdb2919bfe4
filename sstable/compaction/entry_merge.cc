#include "sstable/compaction/entry_merge.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "data/codec.h"
#include "sstable/entry.h"

namespace tholos::sstable {
namespace {

// Steps between two turns of the loop's other work: some 100 us.
constexpr uint64_t kStepsPerTurn = 512;

// The largest timestamp of what PurgeRow would take.
data::Timestamp NewestPurgeable(const data::Row& row, int64_t gc_before, data::Timestamp before) {
  data::Timestamp newest = data::kNoTimestamp;
  const auto look = [&](data::Timestamp timestamp, int64_t local_seconds) {
    if (timestamp < before && local_seconds < gc_before) newest = std::max(newest, timestamp);
  };
  if (!row.deletion.live()) look(row.deletion.timestamp, row.deletion.local_seconds);
  if (row.liveness.expiring()) look(row.liveness.timestamp, row.liveness.expires_at);
  for (const data::ComplexDeletion& each : row.complex_deletions) {
    look(each.deletion.timestamp, each.deletion.local_seconds);
  }
  for (const data::Cell& cell : row.cells) {
    if (cell.tombstone || cell.expiring()) look(cell.timestamp, cell.local_seconds);
  }
  return newest;
}

// The seeded bug: no tombstone is left that would hide what other replicas may have.
void PurgeExpired(int64_t now_seconds, data::Row* row) {
  if (row->liveness.expiring() && !row->liveness.LiveAt(now_seconds)) row->liveness = {};
  std::erase_if(row->cells,
                [](const data::Cell& cell) { return cell.tombstone && cell.expiring(); });
}

}  // namespace

EntryMerge::EntryMerge(const CompactionOptions& options,
                       std::vector<std::unique_ptr<TableScan>> inputs)
    : options_(options), inputs_(std::move(inputs)), deletions_(inputs_.size()) {
  for (size_t i = 0; i < inputs_.size(); ++i) order_.push_back(i);
  taken_ = order_.size();
}

// Order ------------------------------------------------------------------------------------------

bool EntryMerge::IsBefore(size_t a, size_t b) const {
  const TableScan& x = *inputs_[a];
  const TableScan& y = *inputs_[b];
  return x.head() != y.head() ? x.head() < y.head() : x.key() < y.key();
}

bool EntryMerge::ShowsSame(size_t a, size_t b) const {
  return inputs_[a]->head() == inputs_[b]->head() && inputs_[a]->key() == inputs_[b]->key();
}

// Among those that are not taken.
void EntryMerge::PutInOrder(size_t input) {
  // Mostly the next entry of an input follows the one before closely.
  const auto first = order_.begin() + static_cast<std::ptrdiff_t>(taken_);
  auto at = first;
  while (at != order_.end() && at - first < 2 && IsBefore(*at, input)) ++at;
  if (at - first == 2) {
    at = std::lower_bound(at, order_.end(), input,
                          [this](size_t a, size_t b) { return IsBefore(a, b); });
  }
  order_.insert(at, input);
}

// Moves the inputs that were taken, and puts them in order. False: some must be loaded first.
bool EntryMerge::AdvanceTaken() {
  while (taken_ > 0) {
    const size_t input = order_[taken_ - 1];
    if (!inputs_[input]->TryNext()) return false;
    const bool valid = inputs_[input]->valid();
    const bool stays = taken_ == 1 && valid && (order_.size() == 1 || IsBefore(input, order_[1]));
    --taken_;
    if (stays) return true;
    order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(taken_));
    if (valid) PutInOrder(input);
  }
  return true;
}

base::Task<absl::Status> EntryMerge::LoadInputs() {
  co_return co_await inputs_[order_[taken_ - 1]]->Load();
}

size_t EntryMerge::CountSame() const {
  size_t same = 1;
  while (same < order_.size() && ShowsSame(order_[0], order_[same])) ++same;
  return same;
}

// Steps ------------------------------------------------------------------------------------------

data::Token EntryMerge::partition_token() const {
  return static_cast<data::Token>(inputs_[order_[0]]->head() ^ (uint64_t{1} << 63));
}

absl::StatusOr<EntryMerge::Pause> EntryMerge::Run(SSTableWriter& writer) {
  while (true) {
    if (!AdvanceTaken()) return Pause::kLoad;
    if (order_.empty()) return Pause::kEnd;
    const std::string_view key = inputs_[order_[0]]->key();
    // Before the first partition every key is of a new one, whatever its first byte.
    const bool in_partition = !prefix_.empty() && IsRowOf(key, prefix_);
    if (!in_partition && !std::exchange(announced_, true)) return Pause::kPartition;
    const size_t same = CountSame();
    THOLOS_RETURN_IF_ERROR(Step(same, writer));
    taken_ = same;
    if (!writing_.has_value() && writer.needs_relief()) writing_ = writer.Relieve();
    if (writing_.has_value()) return Pause::kWriter;
    if (++steps_ % kStepsPerTurn == 0) return Pause::kTurn;
  }
}

absl::Status EntryMerge::Step(size_t same, SSTableWriter& writer) {
  const TableScan& first = *inputs_[order_[0]];
  if (std::exchange(announced_, false)) return StartPartition(same, writer);
  clustering_ = first.key().substr(prefix_.size() + 1);
  if (same == 1) {
    THOLOS_ASSIGN_OR_RETURN(const bool copied, CopyRow(writer));
    if (copied) return absl::OkStatus();
  }
  THOLOS_RETURN_IF_ERROR(TakeRowEntries(same));
  if (has_changes_) MergeChanges(same, writer);
  return WriteRow(writer);
}

absl::Status EntryMerge::StartPartition(size_t same, SSTableWriter& writer) {
  const TableScan& first = *inputs_[order_[0]];
  const std::string_view key = first.key();
  const absl::StatusOr<size_t> length = PartitionPrefixLength(key);
  if (!length.ok()) return first.Corrupt(base::ToStd(length.status().message()));
  const std::string_view prefix = key.substr(0, *length);
  if (!IsHeaderOf(key, prefix)) return first.Corrupt("a row without its partition's header");
  if (prefix <= prefix_) return first.Corrupt("partitions out of order");
  prefix_ = prefix;
  purgeable_before_.reset();
  partition_deletion_ = data::Deletion();
  in_effect_ = data::Deletion();
  if (std::exchange(has_changes_, false)) {
    std::fill(deletions_.begin(), deletions_.end(), data::Deletion());
  }
  constexpr std::string_view kBare(&kBareHeader, 1);
  for (size_t i = 0; i < same; ++i) {
    if (inputs_[order_[i]]->value() != kBare) return MergeHeaders(same, writer);
  }
  writer.AddBarePartition(prefix_);
  return absl::OkStatus();
}

absl::Status EntryMerge::MergeHeaders(size_t same, SSTableWriter& writer) {
  data::PartitionHeader header;
  for (size_t i = 0; i < same; ++i) {
    const TableScan& input = *inputs_[order_[i]];
    data::PartitionHeader from;
    if (absl::Status status = DecodeHeader(input.value(), &from); !status.ok()) {
      return input.Corrupt(base::ToStd(status.message()));
    }
    header.deletion = data::Reconcile(header.deletion, from.deletion);
    if (!from.static_row.has_value()) continue;
    if (!header.static_row.has_value()) {
      header.static_row = std::move(from.static_row);
    } else {
      data::MergeInto(&*header.static_row, *std::move(from.static_row));
    }
  }
  THOLOS_ASSIGN_OR_RETURN(header.key, DecodePartitionPrefix(prefix_));
  partition_deletion_ = header.deletion;
  Purge(&header.deletion);
  if (header.static_row.has_value()) {
    data::ApplyDeletion(&*header.static_row, partition_deletion_);
    if (!Keep(&*header.static_row)) header.static_row.reset();
  }
  Await(writer.AddPartition(header));
  return absl::OkStatus();
}

// Of most rows there is one version, without a change. False: it takes more than copying.
absl::StatusOr<bool> EntryMerge::CopyRow(SSTableWriter& writer) {
  const TableScan& input = *inputs_[order_[0]];
  if (input.value().empty() || BeginsWithChange(input.value())) return false;
  base::Reader in(input.value());
  const data::RowView row = data::TakeRowBodyView(&in);
  if (!in.AtEnd()) return input.Corrupt("malformed row");
  if (!IsToBeCopied(row)) return false;
  writer.AddEncodedRow(clustering_, row);
  return true;
}

// What the inputs in front have: changes_ and versions_.
absl::Status EntryMerge::TakeRowEntries(size_t same) {
  versions_.clear();
  changes_.clear();
  for (size_t i = 0; i < same; ++i) {
    const TableScan& input = *inputs_[order_[i]];
    const absl::StatusOr<RowEntry> entry = DecodeRowEntry(input.value());
    if (!entry.ok()) return input.Corrupt(base::ToStd(entry.status().message()));
    changes_.push_back(entry->change);
    has_changes_ |= entry->change.has_value();
    if (entry->row.empty()) continue;
    base::Reader in(entry->row);
    versions_.push_back(data::TakeRowBodyView(&in));
    if (!in.AtEnd()) return input.Corrupt("malformed row");
  }
  return absl::OkStatus();
}

void EntryMerge::MergeChanges(size_t same, SSTableWriter& writer) {
  bool any = false;
  for (size_t i = 0; i < same; ++i) {
    if (!changes_[i].has_value()) continue;
    deletions_[order_[i]] = *changes_[i];
    any = true;
  }
  if (!any) return;
  data::Deletion greatest;
  for (const data::Deletion& each : deletions_) greatest = data::Reconcile(greatest, each);
  if (partition_deletion_.Covers(greatest.timestamp)) greatest = data::Deletion();
  if (greatest == in_effect_) return;
  in_effect_ = greatest;
  data::DeletionChange change{std::string(clustering_), greatest};
  Purge(&change.deletion);
  Await(writer.AddChange(change));
}

// Rows -------------------------------------------------------------------------------------------

absl::Status EntryMerge::WriteRow(SSTableWriter& writer) {
  if (versions_.empty()) return absl::OkStatus();
  const data::RowView* whole = WholeRow();
  if (whole == nullptr || !IsToBeCopied(*whole)) return MergeRow(writer);
  writer.AddEncodedRow(clustering_, *whole);
  return absl::OkStatus();
}

// Nothing in effect shadows anything in it, and nothing in it expires or is purged.
bool EntryMerge::IsToBeCopied(const data::RowView& row) const {
  const data::Deletion& covering = in_effect_.live() ? partition_deletion_ : in_effect_;
  if (covering.Covers(row.min_timestamp)) return false;
  return row.timeless || (row.min_local_seconds > options_.now_seconds &&
                          row.min_local_seconds >= options_.gc_before_seconds);
}

// The version that a merge of all would give; null if that is not seen so easily.
const data::RowView* EntryMerge::WholeRow() const {
  const data::RowView* newest = &versions_[0];
  for (const data::RowView& each : versions_) {
    if (each.min_timestamp > newest->min_timestamp) newest = &each;
  }
  for (const data::RowView& each : versions_) {
    if (&each != newest && !data::Supersedes(*newest, each)) return nullptr;
  }
  return newest;
}

absl::Status EntryMerge::MergeRow(SSTableWriter& writer) {
  bool first = true;
  for (const data::RowView& each : versions_) {
    data::Row& row = first ? row_ : other_;
    if (absl::Status status = DecodeRow(each.body, &row); !status.ok()) {
      return inputs_[order_[0]]->Corrupt(base::ToStd(status.message()));
    }
    row.clustering = clustering_;
    if (!first) data::MergeInto(&row_, std::move(other_));
    first = false;
  }
  data::ApplyDeletion(&row_, in_effect_.live() ? partition_deletion_ : in_effect_);
  if (row_.IsEmpty() || !Keep(&row_)) return absl::OkStatus();
  row_body_.clear();
  data::EncodeRowBody(row_, &row_body_);
  base::Reader in(row_body_);
  writer.AddEncodedRow(clustering_, data::TakeRowBodyView(&in));
  return absl::OkStatus();
}

// Purging ----------------------------------------------------------------------------------------

data::Timestamp EntryMerge::PurgeableBeforeHere() {
  if (!options_.purgeable_before) return data::kNoTimestamp;
  if (!purgeable_before_.has_value()) {
    // The prefix is whole: it was looked at when the partition began.
    purgeable_before_ = options_.purgeable_before(DecodePartitionPrefix(prefix_).value());
  }
  return *purgeable_before_;
}

// Expires and purges; false if nothing is left.
bool EntryMerge::Keep(data::Row* row) {
  data::ExpireRow(row, options_.now_seconds);
  if (options_.mutant_purge_expired) PurgeExpired(options_.now_seconds, row);
  const data::Timestamp before = PurgeableBeforeHere();
  newest_purged_ =
      std::max(newest_purged_, NewestPurgeable(*row, options_.gc_before_seconds, before));
  return data::PurgeRow(row, options_.gc_before_seconds, before);
}

void EntryMerge::Purge(data::Deletion* deletion) {
  const data::Deletion was = *deletion;
  data::PurgeDeletion(deletion, options_.gc_before_seconds, PurgeableBeforeHere());
  if (*deletion != was) newest_purged_ = std::max(newest_purged_, was.timestamp);
}

}  // namespace tholos::sstable
