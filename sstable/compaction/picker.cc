#include "sstable/compaction/picker.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "base/strings.h"

namespace tholos::sstable {
namespace {

using Candidates = std::vector<CompactionCandidate>;

// Fewer partitions than this say nothing about how the next ones will spread.
constexpr uint64_t kPartitionsForSpan = 64;
constexpr double kSpanMin = 1.0 / (1 << 20);
constexpr int kLevelMax = 40;
constexpr uint32_t kSplitsMax = 1024;
// Larger groups are merged for space a part of the tokens at a time.
constexpr uint64_t kSpaceMergeBytesMax = uint64_t{16} << 30;

const LevelScaling& ScalingOf(const CompactionStrategy& strategy, int level) {
  const size_t last = strategy.scaling.size() - 1;
  return strategy.scaling[std::min(static_cast<size_t>(level), last)];
}

CompactionPick MakePick(CompactionPick::Reason reason, int level, const Candidates& tables) {
  CompactionPick pick{.reason = reason, .level = level};
  for (const CompactionCandidate& table : tables) {
    pick.generations.push_back(table.generation);
    pick.bytes += table.bytes;
  }
  std::sort(pick.generations.begin(), pick.generations.end());
  return pick;
}

// The smallest timestamp among what overlaps `table` and is not itself in `expired`.
data::Timestamp OldestBeside(const CompactionCandidate& table, const PickerState& state,
                             const std::vector<bool>& expired) {
  data::Timestamp oldest = state.memtable_min_timestamp;
  for (size_t i = 0; i < state.tables.size(); ++i) {
    const CompactionCandidate& other = state.tables[i];
    if (expired[i] || other.generation == table.generation) continue;
    if (other.tokens.Overlaps(table.tokens)) oldest = std::min(oldest, other.min_timestamp);
  }
  return oldest;
}

// What shadows nothing that stays. Whether a table may go depends on the others that go with it, so
// candidates are struck off until none has to be.
std::vector<bool> FindExpired(const PickerState& state) {
  std::vector<bool> expired(state.tables.size());
  for (size_t i = 0; i < state.tables.size(); ++i) {
    const CompactionCandidate& table = state.tables[i];
    expired[i] = !table.busy && table.max_local_deletion_seconds < state.gc_before_seconds;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < state.tables.size(); ++i) {
      if (!expired[i]) continue;
      if (state.tables[i].max_timestamp < OldestBeside(state.tables[i], state, expired)) continue;
      expired[i] = false;
      changed = true;
    }
  }
  return expired;
}

// Tables that are connected by overlap; ascending by first token.
std::vector<Candidates> ConnectedByOverlap(Candidates tables) {
  std::sort(tables.begin(), tables.end(), [](const auto& a, const auto& b) {
    return std::pair(a.tokens.first, a.generation) < std::pair(b.tokens.first, b.generation);
  });
  std::vector<Candidates> groups;
  data::Token end = 0;
  for (CompactionCandidate& table : tables) {
    if (groups.empty() || table.tokens.first > end) {
      groups.emplace_back();
      end = table.tokens.last;
    }
    end = std::max(end, table.tokens.last);
    groups.back().push_back(std::move(table));
  }
  return groups;
}

uint64_t BytesOf(const Candidates& tables) {
  uint64_t bytes = 0;
  for (const CompactionCandidate& table : tables) bytes += table.bytes;
  return bytes;
}

// The largest number of tables over one token.
size_t MaxOverlap(const Candidates& tables) {
  std::vector<std::pair<data::Token, int>> edges;  // starts before ends at the same token
  for (const CompactionCandidate& table : tables) {
    edges.emplace_back(table.tokens.first, -1);
    edges.emplace_back(table.tokens.last, 1);
  }
  std::sort(edges.begin(), edges.end());
  int overlap = 0;
  int most = 0;
  for (const auto& [token, edge] : edges) {
    overlap -= edge;
    most = std::max(most, overlap);
  }
  return static_cast<size_t>(most);
}

// The oldest ones, if there are too many.
void Limit(Candidates* tables, size_t tables_max) {
  if (tables->size() <= tables_max) return;
  std::sort(tables->begin(), tables->end(),
            [](const auto& a, const auto& b) { return a.generation < b.generation; });
  tables->resize(tables_max);
}

class Picker {
 public:
  Picker(const PickerState& state, const CompactionStrategy& strategy)
      : state_(state), strategy_(strategy) {}

  std::vector<CompactionPick> Pick() {
    const std::vector<bool> expired = FindExpired(state_);
    Candidates dropped;
    Candidates rest;
    for (size_t i = 0; i < state_.tables.size(); ++i) {
      (expired[i] ? dropped : rest).push_back(state_.tables[i]);
    }
    if (!dropped.empty()) picks_.push_back(MakePick(CompactionPick::Reason::kExpired, 0, dropped));
    if (strategy_.window_micros > 0) {
      PickWindows(rest);
    } else {
      if (strategy_.by_density && strategy_.space_amplification_max > 0) PickSpace(&rest);
      PickLevels(rest);
    }
    PickSplits(rest);
    return std::move(picks_);
  }

 private:
  double DensityOf(const CompactionCandidate& table) const {
    return sstable::DensityOf(table, state_.slice, strategy_);
  }

  // Groups that are due go from `tables`; groups that will be soon are left out of levels.
  void PickSpace(Candidates* tables) {
    Candidates others;
    for (Candidates& group : ConnectedByOverlap(*tables)) {
      if (BytesOf(group) <= kSpaceMergeBytesMax) {
        ConsiderSpace(std::move(group), &others);
        continue;
      }
      for (Candidates& part : PartsOfLargest(std::move(group), &others)) {
        ConsiderSpace(std::move(part), &others);
      }
    }
    *tables = std::move(others);
  }

  // By the tables of the largest run: those with everything inside their tokens. The rest, which is
  // small beside them, goes to `others`.
  std::vector<Candidates> PartsOfLargest(Candidates group, Candidates* others) const {
    std::vector<Candidates> parts;
    for (CompactionCandidate& table : LargestRun(group)) parts.push_back({std::move(table)});
    for (CompactionCandidate& table : group) {
      const auto part = std::find_if(parts.begin(), parts.end(), [&table](const Candidates& each) {
        return each[0].tokens.Contains(table.tokens);
      });
      if (part == parts.end()) {
        others->push_back(std::move(table));
      } else if ((*part)[0].generation != table.generation) {
        part->push_back(std::move(table));
      }
    }
    return parts;
  }

  // The densest tables that do not overlap.
  Candidates LargestRun(Candidates group) const {
    std::sort(group.begin(), group.end(), [this](const auto& a, const auto& b) {
      return std::pair(DensityOf(a), b.generation) > std::pair(DensityOf(b), a.generation);
    });
    Candidates run;
    for (CompactionCandidate& table : group) {
      const bool overlaps = std::any_of(run.begin(), run.end(), [&table](const auto& other) {
        return other.tokens.Overlaps(table.tokens);
      });
      if (!overlaps) run.push_back(std::move(table));
    }
    return run;
  }

  void ConsiderSpace(Candidates group, Candidates* others) {
    const Replaced replaced = ReplacedIn(group);
    const double bound = strategy_.space_amplification_max - 1;
    const bool busy =
        std::any_of(group.begin(), group.end(), [](const auto& table) { return table.busy; });
    if (replaced.share >= bound && !busy && group.size() <= strategy_.tables_max) {
      CompactionPick pick = MakePick(CompactionPick::Reason::kSpace, 0, group);
      pick.replaced_bytes = replaced.bytes;
      pick.split_points = SplitPointsFor(group, state_.slice, strategy_);
      picks_.push_back(std::move(pick));
      return;
    }
    const auto runs_max = 2 * static_cast<size_t>(ScalingOf(strategy_, 0).threshold);
    if (replaced.share >= bound / 2 && !busy && MaxOverlap(group) <= runs_max) return;
    std::move(group.begin(), group.end(), std::back_inserter(*others));
  }

  // What newer runs replace, in bytes and as a part of the largest run.
  struct Replaced {
    uint64_t bytes = 0;
    double share = 0;
  };
  Replaced ReplacedIn(const Candidates& group) const {
    const Candidates largest = LargestRun(group);
    const double bound = strategy_.space_amplification_max - 1;
    const auto of_largest = static_cast<double>(BytesOf(largest));
    const double newer_bytes = static_cast<double>(BytesOf(group)) - of_largest;
    if (newer_bytes < of_largest * bound / 2) return {};
    // Of a few flushes, levels take care.
    const double density = DensityOf(*std::max_element(
        largest.begin(), largest.end(),
        [this](const auto& a, const auto& b) { return DensityOf(a) < DensityOf(b); }));
    if (LevelOf(density, strategy_, state_.flush_bytes) == 0) return {};
    std::vector<uint64_t> newer;
    std::vector<uint64_t> old;
    for (const CompactionCandidate& table : largest) old.push_back(table.generation);
    for (const CompactionCandidate& table : group) {
      if (std::find(old.begin(), old.end(), table.generation) == old.end()) {
        newer.push_back(table.generation);
      }
    }
    const double bytes = newer_bytes * (state_.replacing ? state_.replacing(newer, old) : 1);
    return {static_cast<uint64_t>(bytes), bytes / of_largest};
  }

  void PickLevels(const Candidates& tables) {
    std::map<int, Candidates> levels;
    for (const CompactionCandidate& table : tables) {
      if (table.busy) continue;
      const double density = DensityOf(table);
      levels[LevelOf(density, strategy_, state_.flush_bytes)].push_back(table);
    }
    for (auto& [level, on_level] : levels) PickLevel(level, std::move(on_level));
  }

  void PickLevel(int level, Candidates tables) {
    const size_t threshold = static_cast<size_t>(ScalingOf(strategy_, level).threshold);
    std::vector<Candidates> groups;
    if (strategy_.by_density) {
      groups = ConnectedByOverlap(std::move(tables));
    } else {
      groups.push_back(std::move(tables));
    }
    for (Candidates& group : groups) {
      const size_t overlap = strategy_.by_density ? MaxOverlap(group) : group.size();
      if (overlap < threshold) continue;
      Limit(&group, std::max(strategy_.tables_max, threshold));
      CompactionPick pick = MakePick(CompactionPick::Reason::kLevel, level, group);
      pick.split_points = SplitPointsFor(group, state_.slice, strategy_);
      picks_.push_back(std::move(pick));
    }
  }

  int64_t WindowOf(data::Timestamp timestamp) const {
    const int64_t window = timestamp / strategy_.window_micros;
    return timestamp % strategy_.window_micros < 0 ? window - 1 : window;
  }

  // The newest window first: that is where reads go. A table belongs to the window of its newest
  // data.
  void PickWindows(const Candidates& tables) {
    int64_t newest = WindowOf(state_.now_micros);
    std::map<int64_t, Candidates, std::greater<>> windows;
    for (const CompactionCandidate& table : tables) {
      const int64_t window = WindowOf(table.max_timestamp);
      newest = std::max(newest, window);
      if (!table.busy) windows[window].push_back(table);
    }
    for (auto& [window, in_window] : windows) {
      if (window >= newest) {
        PickLevels(in_window);
      } else if (in_window.size() >= 2) {
        Limit(&in_window, strategy_.tables_max);
        picks_.push_back(MakePick(CompactionPick::Reason::kWindow, 0, in_window));
      }
    }
  }

  // What spans shards and no other pick takes.
  void PickSplits(const Candidates& tables) {
    for (const CompactionCandidate& table : tables) {
      if (!table.spans_shards || table.busy || IsPicked(table.generation)) continue;
      CompactionPick pick = MakePick(CompactionPick::Reason::kSplit, 0, {table});
      if (strategy_.by_density) {
        pick.split_points = SplitPointsFor({table}, state_.slice, strategy_);
      }
      picks_.push_back(std::move(pick));
    }
  }

  bool IsPicked(uint64_t generation) const {
    return std::any_of(picks_.begin(), picks_.end(), [generation](const CompactionPick& pick) {
      return std::binary_search(pick.generations.begin(), pick.generations.end(), generation);
    });
  }

  const PickerState& state_;
  const CompactionStrategy& strategy_;
  std::vector<CompactionPick> picks_;
};

}  // namespace

double DensityOf(const CompactionCandidate& table, const TokenInterval& slice,
                 const CompactionStrategy& strategy) {
  const auto bytes = static_cast<double>(table.bytes);
  if (!strategy.by_density || table.partitions < kPartitionsForSpan) return bytes;
  const double span = std::clamp(table.tokens.width() / slice.width(), kSpanMin, 1.0);
  return bytes / span;
}

int LevelOf(double density, const CompactionStrategy& strategy, uint64_t flush_bytes) {
  double end = static_cast<double>(std::max(strategy.base_bytes_min, flush_bytes));
  for (int level = 0; level < kLevelMax; ++level) {
    end *= ScalingOf(strategy, level).fanout;
    if (density < end) return level;
  }
  return kLevelMax;
}

uint32_t SplitsOf(double density, const CompactionStrategy& strategy) {
  if (!strategy.by_density) return 1;
  const double base = strategy.base_splits;
  const double targets = density / (static_cast<double>(strategy.target_bytes) * base);
  if (targets >= 1) {
    const double splits = std::exp2(std::round(std::log2(targets))) * base;
    return static_cast<uint32_t>(std::min<double>(splits, kSplitsMax));
  }
  // Halves, quarters, ... as long as parts keep their minimum; at most base_splits.
  const double parts =
      density / static_cast<double>(std::max<uint64_t>(strategy.split_bytes_min, 1));
  uint32_t splits = 1;
  while (splits * 2 <= strategy.base_splits && splits * 2 <= parts) splits *= 2;
  return parts >= base ? strategy.base_splits : splits;
}

std::vector<data::Token> SplitPointsFor(const std::vector<CompactionCandidate>& inputs,
                                        const TokenInterval& slice,
                                        const CompactionStrategy& strategy) {
  if (inputs.empty() || !strategy.by_density) return {};
  CompactionCandidate whole{.tokens = inputs.front().tokens};
  for (const CompactionCandidate& input : inputs) {
    whole.bytes += input.bytes;
    whole.partitions = std::max(whole.partitions, input.partitions);
    whole.tokens.first = std::min(whole.tokens.first, input.tokens.first);
    whole.tokens.last = std::max(whole.tokens.last, input.tokens.last);
  }
  std::vector<data::Token> points =
      SplitPoints(slice, SplitsOf(DensityOf(whole, slice, strategy), strategy));
  std::erase_if(points, [&whole](data::Token point) {
    return point <= whole.tokens.first || point > whole.tokens.last;
  });
  return points;
}

std::vector<CompactionPick> PickCompactions(const PickerState& state,
                                            const CompactionStrategy& strategy) {
  if (!strategy.enabled) return {};
  return Picker(state, strategy).Pick();
}

uint64_t CompactionBacklog(const PickerState& state, const CompactionStrategy& strategy) {
  PickerState future = state;
  for (CompactionCandidate& table : future.tables) table.busy = false;
  uint64_t backlog = 0;
  uint64_t next_generation = std::numeric_limits<uint64_t>::max();
  // Each round replaces at least two tables by one.
  for (int round = 0; round < kLevelMax; ++round) {
    uint64_t due = 0;
    for (const CompactionPick& pick : PickCompactions(future, strategy)) {
      if (pick.reason == CompactionPick::Reason::kExpired) continue;
      CompactionCandidate merged{.generation = next_generation--,
                                 .tokens = {std::numeric_limits<data::Token>::max(),
                                            std::numeric_limits<data::Token>::min()},
                                 .min_timestamp = std::numeric_limits<data::Timestamp>::max(),
                                 .max_timestamp = std::numeric_limits<data::Timestamp>::min()};
      std::erase_if(future.tables, [&](const CompactionCandidate& table) {
        if (!std::binary_search(pick.generations.begin(), pick.generations.end(),
                                table.generation)) {
          return false;
        }
        merged.bytes += table.bytes;
        merged.partitions = std::max(merged.partitions, table.partitions);
        merged.tokens = {std::min(merged.tokens.first, table.tokens.first),
                         std::max(merged.tokens.last, table.tokens.last)};
        merged.min_timestamp = std::min(merged.min_timestamp, table.min_timestamp);
        merged.max_timestamp = std::max(merged.max_timestamp, table.max_timestamp);
        return true;
      });
      future.tables.push_back(merged);
      due += pick.bytes;
    }
    if (due == 0) break;
    backlog += due;
  }
  return backlog;
}

std::string CompactionPick::ToString() const {
  std::string out;
  switch (reason) {
    case Reason::kExpired:
      out = "expired:";
      break;
    case Reason::kLevel:
      out = base::StrCat("level ", level, ":");
      break;
    case Reason::kSpace:
      out = "space:";
      break;
    case Reason::kWindow:
      out = "window:";
      break;
    case Reason::kSplit:
      out = "split:";
      break;
  }
  for (const uint64_t generation : generations) base::StrAppend(&out, " ", generation);
  base::StrAppend(&out, ", ", bytes, " bytes");
  if (!split_points.empty()) base::StrAppend(&out, ", ", split_points.size(), " splits");
  return out;
}

}  // namespace tholos::sstable
