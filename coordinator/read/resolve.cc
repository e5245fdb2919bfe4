#include "coordinator/read/resolve.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "coordinator/expiry_faults.h"
#include "coordinator/read/position.h"
#include "data/range_tombstones.h"

namespace tholos::coordinator {
namespace {

using data::Partition;
using data::Position;
using data::ReadCommand;
using data::ReadResult;
using data::Row;

// The merge law and mutations want rows ascending.
void Turn(const ReadCommand& command, Partition* partition) {
  if (command.reversed) std::reverse(partition->rows.begin(), partition->rows.end());
}

// Leaves what is known if nothing behind `last` is: rows and range tombstones.
void CutBehind(const ReadCommand& command, const std::string& last, Partition* partition) {
  std::vector<Row>& rows = partition->rows;
  while (!rows.empty() && CompareClustering(rows.back().clustering, last, command.reversed) > 0) {
    rows.pop_back();
  }
  if (partition->range_tombstones.empty()) return;
  const data::Slice known =
      command.reversed ? data::Slice{.lower = last} : data::Slice{.upper = data::Behind(last)};
  partition->range_tombstones = data::ClipRanges(partition->range_tombstones, {known});
}

// The smallest last position of the answers that stopped at a limit.
std::optional<Position> BoundOf(const ReadCommand& command,
                                const std::vector<ReadResult>& answers) {
  std::optional<Position> bound;
  for (const ReadResult& answer : answers) {
    if (!answer.more) continue;
    std::optional<Position> last = data::LastPosition(answer);
    if (!last.has_value()) continue;
    if (!bound.has_value() || ComparePositions(*last, *bound, command.reversed) < 0)
      bound = std::move(last);
  }
  return bound;
}

// A k-way merge by key; there are few answers.
std::vector<Partition> Merge(const ReadCommand& command, std::vector<ReadResult> answers,
                             const Faults& faults) {
  if (answers.size() == 1) return std::move(answers[0].partitions);
  std::vector<Partition> merged;
  std::vector<size_t> at(answers.size(), 0);
  while (true) {
    const data::DecoratedKey* smallest = nullptr;
    for (size_t i = 0; i < answers.size(); ++i) {
      if (at[i] == answers[i].partitions.size()) continue;
      const data::DecoratedKey& key = answers[i].partitions[at[i]].key;
      if (smallest == nullptr || key < *smallest) smallest = &key;
    }
    if (smallest == nullptr) return merged;
    Partition one{.key = *smallest};
    for (size_t i = 0; i < answers.size(); ++i) {
      if (at[i] == answers[i].partitions.size() || answers[i].partitions[at[i]].key != one.key)
        continue;
      Partition& version = answers[i].partitions[at[i]++];
      Turn(command, &version);
      if (faults.later_expiry_wins) PreferLaterExpiry(&one, &version);
      data::MergeInto(&one, std::move(version));
    }
    Turn(command, &one);
    merged.push_back(std::move(one));
  }
}

void CutAtBound(const ReadCommand& command, const Position& bound, std::vector<Partition>* merged) {
  while (!merged->empty() && merged->back().key > bound.key) merged->pop_back();
  if (merged->empty() || merged->back().key != bound.key || !bound.clustering.has_value()) return;
  CutBehind(command, *bound.clustering, &merged->back());
}

bool StaticLive(const ReadCommand& command, const Partition& partition) {
  return partition.static_row.has_value() && partition.static_row->LiveAt(command.now_seconds);
}

// Counts as ReadCommand says, and cuts where a limit is reached. Later pages start at `next`.
class LimitCut {
 public:
  // `bytes_max`: of rows; the one that reaches it is the last.
  LimitCut(const ReadCommand& command, uint64_t bytes_max, Resolution* page)
      : command_(command), bytes_max_(bytes_max), page_(page) {}

  void Apply() {
    for (size_t i = 0; i < page_->merged.size(); ++i) {
      const bool last = i + 1 == page_->merged.size();
      if (CutWithin(&page_->merged[i], last)) {
        page_->merged.resize(i + 1);
        return;
      }
    }
  }

 private:
  // True if the page ends in, or with, this partition.
  bool CutWithin(Partition* partition, bool last) {
    uint32_t live_here = 0;
    for (size_t i = 0; i < partition->rows.size(); ++i) {
      bytes_ += data::ApproximateBytes(partition->rows[i]);
      const bool live = partition->rows[i].LiveAt(command_.now_seconds);
      if (live) {
        ++live_;
        ++live_here;
      }
      if (live && live_here >= command_.per_partition_limit) {
        CutBehind(command_, std::string(partition->rows[i].clustering), partition);
        return EndOfPartition(*partition, last);
      }
      if (live_ < command_.row_limit && bytes_ < bytes_max_) continue;
      const bool rest = i + 1 < partition->rows.size() || !last || page_->next.has_value();
      if (rest) {
        page_->next = Position{partition->key, partition->rows[i].clustering};
        CutBehind(command_, *page_->next->clustering, partition);
      }
      return true;
    }
    if (live_here > 0 || !StaticLive(command_, *partition) || EndsInside(*partition)) return false;
    if (++live_ < command_.row_limit) return false;
    if (!last || page_->next.has_value()) page_->next = Position{partition->key, std::nullopt};
    return true;
  }

  bool EndsInside(const Partition& partition) const {
    return page_->next.has_value() && page_->next->key == partition.key &&
           page_->next->clustering.has_value();
  }

  // The partition has all the rows it may: what the bound left of it does not matter.
  bool EndOfPartition(const Partition& partition, bool last) {
    const bool bound_here = page_->next.has_value() && page_->next->key == partition.key;
    if (bound_here) page_->next = Position{partition.key, std::nullopt};
    if (live_ < command_.row_limit) return false;
    if (!last || page_->next.has_value()) page_->next = Position{partition.key, std::nullopt};
    return true;
  }

  const ReadCommand& command_;
  const uint64_t bytes_max_;
  Resolution* page_;
  uint32_t live_ = 0;
  uint64_t bytes_ = 0;
};

// A partition of one answer with rows ascending.
Partition Ascending(const ReadCommand& command, Partition partition) {
  Turn(command, &partition);
  return partition;
}

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();
// Two range tombstones may come on top of bytes_max.
constexpr uint64_t kRangeBytesMax = 2 * (sizeof(data::RangeTombstone) + data::kBoundBytesMax);

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(
      absl::StrCat("malformed read answer: ", absl::string_view(what.data(), what.size())));
}

bool InSelection(const ReadCommand& command, const data::DecoratedKey& key) {
  if (command.key.has_value()) return key == *command.key;
  return command.range.start == command.range.end || command.range.Contains(key.token);
}

absl::Status CheckRows(const ReadCommand& command, const Partition& partition) {
  const bool resumed = command.after.has_value() && command.after->key == partition.key;
  if (resumed && !command.after->clustering.has_value() &&
      !(partition.rows.empty() && partition.range_tombstones.empty())) {
    return Malformed("before its start");
  }
  if (!data::InOrder(partition.range_tombstones)) return Malformed("ranges out of order");
  for (size_t i = 0; i < partition.rows.size(); ++i) {
    const std::string& clustering = partition.rows[i].clustering;
    if (i > 0 &&
        CompareClustering(partition.rows[i - 1].clustering, clustering, command.reversed) >= 0) {
      return Malformed("rows out of order");
    }
    if (i == 0 && resumed &&
        CompareClustering(*command.after->clustering, clustering, command.reversed) >= 0) {
      return Malformed("before its start");
    }
  }
  return absl::OkStatus();
}

}  // namespace

Resolution Resolve(const ReadCommand& command, std::vector<ReadResult> answers,
                   const Faults& faults) {
  Resolution page;
  for (const ReadResult& answer : answers) page.needed = std::max(page.needed, answer.needed);
  if (page.needed != 0) return page;
  const uint64_t bytes_max = answers.size() > 1 ? std::min(command.bytes_limit, command.bytes_max)
                                                : std::numeric_limits<uint64_t>::max();
  if (!faults.short_reads_trusted) page.next = BoundOf(command, answers);
  page.merged = Merge(command, std::move(answers), faults);
  if (page.next.has_value()) CutAtBound(command, *page.next, &page.merged);
  LimitCut(command, bytes_max, &page).Apply();
  return page;
}

std::vector<Partition> Lacking(const ReadCommand& command, const std::vector<Partition>& merged,
                               const ReadResult& answer) {
  std::vector<Partition> lacking;
  auto have = answer.partitions.begin();
  for (const Partition& partition : merged) {
    while (have != answer.partitions.end() && have->key < partition.key) ++have;
    const bool present = have != answer.partitions.end() && have->key == partition.key;
    const Partition mine = present ? Ascending(command, *have) : Partition{.key = partition.key};
    if (auto difference = data::Difference(Ascending(command, partition), mine)) {
      lacking.push_back(*std::move(difference));
    }
  }
  return lacking;
}

std::vector<Partition> AsUpdates(const ReadCommand& command, const std::vector<Partition>& merged) {
  std::vector<Partition> updates;
  for (const Partition& partition : merged) {
    if (!partition.IsEmpty()) updates.push_back(Ascending(command, partition));
  }
  return updates;
}

namespace {

// Nothing if nothing in it is alive.
std::optional<Row> LiveRow(Row row, int64_t now_seconds) {
  if (!row.LiveAt(now_seconds)) return std::nullopt;
  row.deletion = {};
  std::erase_if(row.cells,
                [now_seconds](const data::Cell& cell) { return !cell.LiveAt(now_seconds); });
  return row;
}

Partition LivePartition(Partition partition, int64_t now_seconds) {
  Partition live{.key = std::move(partition.key)};
  if (partition.static_row.has_value())
    live.static_row = LiveRow(*std::move(partition.static_row), now_seconds);
  for (Row& row : partition.rows) {
    if (auto kept = LiveRow(std::move(row), now_seconds)) live.rows.push_back(*std::move(kept));
  }
  return live;
}

}  // namespace

uint64_t CountTombstones(const ReadCommand& command, const std::vector<Partition>& merged) {
  uint64_t dead = 0;
  const auto count = [&](const Row& row) {
    dead += (row.deletion.live() ? 0 : 1) + row.complex_deletions.size();
    for (const data::Cell& cell : row.cells) dead += cell.LiveAt(command.now_seconds) ? 0 : 1;
  };
  for (const Partition& partition : merged) {
    dead += partition.range_tombstones.size() + (partition.deletion.live() ? 0 : 1);
    if (partition.static_row.has_value()) count(*partition.static_row);
    for (const Row& row : partition.rows) count(row);
  }
  return dead;
}

std::vector<Partition> LiveOnly(const ReadCommand& command, std::vector<Partition> merged,
                                bool resumed_rows_given) {
  std::vector<Partition> page;
  for (Partition& partition : merged) {
    Partition live = LivePartition(std::move(partition), command.now_seconds);
    const bool resumed = command.after.has_value() && command.after->key == live.key;
    const bool given = resumed && (resumed_rows_given || !command.after->clustering.has_value());
    if (live.rows.empty() && (given || !live.static_row.has_value())) continue;
    page.push_back(std::move(live));
  }
  return page;
}

absl::Status CheckAnswer(const ReadCommand& command, const ReadResult& result) {
  const bool ends_within =
      !result.end.has_value() ||
      (!result.partitions.empty() && result.end->key == result.partitions.back().key);
  if (!ends_within) return Malformed("an end outside of its last partition");
  if (result.needed != 0 && result.needed <= command.bytes_max)
    return Malformed("a row that is too large, and is not");
  if (result.more && result.partitions.empty())
    return result.needed != 0 ? absl::OkStatus() : Malformed("more, but nothing so far");
  if (command.bytes_max < kUnlimited - kRangeBytesMax &&
      data::CountBytes(result, command.reversed) > command.bytes_max + kRangeBytesMax) {
    return Malformed("more bytes than were asked for");
  }
  const std::optional<Position>& after = command.after;
  for (size_t i = 0; i < result.partitions.size(); ++i) {
    const Partition& partition = result.partitions[i];
    if (!InSelection(command, partition.key))
      return Malformed("a partition that was not asked for");
    if (i > 0 && result.partitions[i - 1].key >= partition.key)
      return Malformed("partitions out of order");
    if (after.has_value() && partition.key < after->key) return Malformed("before its start");
    if (absl::Status rows = CheckRows(command, partition); !rows.ok()) return rows;
  }
  if (result.end.has_value()) {
    const Partition& last = result.partitions.back();
    if (!last.rows.empty() && ComparePositions(Position{last.key, last.rows.back().clustering},
                                               *result.end, command.reversed) > 0) {
      return Malformed("a row behind its end");
    }
  }
  if (result.more && after.has_value() &&
      ComparePositions(*data::LastPosition(result), *after, command.reversed) <= 0) {
    return Malformed("no progress");
  }
  return absl::OkStatus();
}

}  // namespace tholos::coordinator
