#include "sstable/compaction/picker.h"

#include "base/random.h"
#include "base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::sstable {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kMiB = 1 << 20;
constexpr data::Token kMin = std::numeric_limits<data::Token>::min();
constexpr data::Token kMax = std::numeric_limits<data::Token>::max();

// Tables over [from, to) of 16 parts of all tokens.
CompactionCandidate Table(uint64_t generation, uint64_t bytes, uint32_t from = 0,
                          uint32_t to = 16) {
  return {.generation = generation,
          .bytes = bytes,
          .tokens = {PartOfTokens(from, 16).first, PartOfTokens(to - 1, 16).last},
          .partitions = 100000,
          .min_timestamp = static_cast<int64_t>(generation) * 100,
          .max_timestamp = static_cast<int64_t>(generation) * 100 + 99};
}

std::vector<std::string> Picked(std::vector<CompactionCandidate> tables,
                                const CompactionStrategy& strategy = {},
                                PickerState state = {.flush_bytes = kMiB}) {
  state.tables = std::move(tables);
  std::vector<std::string> shown;
  for (const auto& pick : PickCompactions(state, strategy)) shown.push_back(pick.ToString());
  return shown;
}

CompactionStrategy Parsed(std::string_view options) {
  return ParseCompactionStrategy(ParseOptionMap(options).value()).value();
}

TEST(Picker, TieredWaitsForAsManyAsItsThreshold) {
  EXPECT_THAT(Picked({}), IsEmpty());
  EXPECT_THAT(Picked({Table(1, 100), Table(2, 100), Table(3, 100)}), IsEmpty());
  EXPECT_THAT(Picked({Table(4, 100), Table(1, 100), Table(2, 100), Table(3, 100)}),
              ElementsAre("level 0: 1 2 3 4, 400 bytes"));
  // Level 1 is 4 to 16 MiB; a table of another level is left alone.
  EXPECT_THAT(Picked({Table(1, 3 * kMiB), Table(2, 5 * kMiB), Table(3, 6 * kMiB),
                      Table(4, 15 * kMiB), Table(5, 4 * kMiB), Table(6, 16 * kMiB)}),
              ElementsAre("level 1: 2 3 4 5, 31457280 bytes"));
}

TEST(Picker, LeveledMergesWhateverOverlaps) {
  const CompactionStrategy leveled =
      Parsed("{'scaling_parameters': 'L4', 'max_space_amplification': '0'}");
  EXPECT_THAT(Picked({Table(1, 100)}, leveled), IsEmpty());
  EXPECT_THAT(Picked({Table(1, 100), Table(2, 50)}, leveled),
              ElementsAre("level 0: 1 2, 150 bytes"));
  EXPECT_THAT(Picked({Table(1, kMiB, 0, 4), Table(2, kMiB, 4, 8)}, leveled), IsEmpty());
  // T4 on level 0, L4 above.
  const CompactionStrategy mixed =
      Parsed("{'scaling_parameters': 'T4, L4', 'max_space_amplification': '0'}");
  EXPECT_THAT(Picked({Table(1, 100), Table(2, 50), Table(3, 5 * kMiB), Table(4, 6 * kMiB)}, mixed),
              ElementsAre("level 1: 3 4, 11534336 bytes"));
}

TEST(Picker, DensityCountsNotSize) {
  // 2 MiB over a quarter is as dense as 8 MiB over all: level 1.
  EXPECT_THAT(Picked({Table(1, 2 * kMiB, 0, 4), Table(2, 8 * kMiB), Table(3, 8 * kMiB),
                      Table(4, 8 * kMiB), Table(5, 2 * kMiB), Table(6, 2 * kMiB)}),
              ElementsAre("level 1: 1 2 3 4, 27262976 bytes"));
  const CompactionStrategy by_size = Parsed("{'class': 'SizeTieredCompactionStrategy'}");
  EXPECT_THAT(Picked({Table(1, 2 * kMiB, 0, 4), Table(2, 2 * kMiB, 4, 8), Table(3, 2 * kMiB, 8, 12),
                      Table(4, 2 * kMiB, 12, 16)},
                     by_size),
              ElementsAre("level 0: 1 2 3 4, 8388608 bytes"));
}

TEST(Picker, FewPartitionsSayNothingAboutTheirSpan) {
  CompactionCandidate one = Table(1, 2 * kMiB, 3, 4);
  EXPECT_EQ(DensityOf(one, {}, {}), 32.0 * kMiB);
  one.partitions = 3;
  EXPECT_EQ(DensityOf(one, {}, {}), 2.0 * kMiB);
}

TEST(Picker, DisjointPartsOfALevelAreSeparatePicks) {
  std::vector<CompactionCandidate> tables;
  for (uint64_t i = 0; i < 4; ++i) {
    tables.push_back(Table(10 + i, kMiB, 0, 4));
    tables.push_back(Table(20 + i, kMiB, 8, 12));
  }
  tables.push_back(Table(30, kMiB, 4, 8));
  EXPECT_THAT(Picked(tables), ElementsAre("level 1: 10 11 12 13, 4194304 bytes",
                                          "level 1: 20 21 22 23, 4194304 bytes"));
  tables[0].busy = true;
  EXPECT_THAT(Picked(tables), ElementsAre("level 1: 20 21 22 23, 4194304 bytes"));
}

TEST(Picker, LowerLevelsFirstAndTheOldestOfTooMany) {
  std::vector<CompactionCandidate> tables;
  for (uint64_t i = 1; i <= 40; ++i) tables.push_back(Table(i, 5 * kMiB));
  for (uint64_t i = 51; i <= 54; ++i) tables.push_back(Table(i, 10));
  const CompactionStrategy few =
      Parsed("{'max_sstables_to_compact': '5', 'max_space_amplification': '0'}");
  EXPECT_THAT(Picked(tables, few),
              ElementsAre("level 0: 51 52 53 54, 40 bytes", "level 1: 1 2 3 4 5, 26214400 bytes"));
}

TEST(Picker, OutputsAreSplitByDensity) {
  const CompactionStrategy strategy;  // target 1 GiB, at least 100 MiB, 4 parts at first
  const struct {
    uint64_t density_mib;
    uint32_t splits;
  } kCases[] = {{1, 1},    {199, 1},  {200, 2},  {399, 2},    {400, 4},
                {4096, 4}, {5700, 4}, {5900, 8}, {16384, 16}, {1 << 24, 1024}};
  for (const auto& c : kCases) {
    EXPECT_EQ(SplitsOf(static_cast<double>(c.density_mib * kMiB), strategy), c.splits)
        << c.density_mib;
  }
  const auto points = SplitPointsFor({Table(1, 100 * kMiB, 0, 8), Table(2, 120 * kMiB, 0, 8)},
                                     TokenInterval::All(), strategy);
  EXPECT_EQ(points, std::vector<data::Token>{PartOfTokens(4, 16).first});
  const CompactionStrategy leveled = Parsed("{'class': 'LeveledCompactionStrategy'}");
  EXPECT_EQ(SplitsOf(1600.0 * kMiB, leveled), 8u);
}

TEST(Picker, WhatHasExpiredIsDroppedUnread) {
  PickerState state{.flush_bytes = kMiB, .gc_before_seconds = 1000};
  auto expired = [](uint64_t generation, uint32_t from, uint32_t to) {
    CompactionCandidate table = Table(generation, 100, from, to);
    table.max_local_deletion_seconds = 999;
    return table;
  };
  EXPECT_THAT(Picked({expired(1, 0, 8)}, {}, state), ElementsAre("expired: 1, 100 bytes"));
  // Younger overlapping data does not matter, older does; older elsewhere does not.
  EXPECT_THAT(Picked({expired(3, 0, 8), Table(4, 100)}, {}, state),
              ElementsAre("expired: 3, 100 bytes"));
  EXPECT_THAT(Picked({expired(3, 0, 8), Table(2, 100)}, {}, state), IsEmpty());
  EXPECT_THAT(Picked({expired(3, 0, 8), Table(2, 100, 8, 16)}, {}, state),
              ElementsAre("expired: 3, 100 bytes"));
  // Older expired data goes with it, unless something older still holds that.
  EXPECT_THAT(Picked({expired(3, 0, 8), expired(2, 0, 8)}, {}, state),
              ElementsAre("expired: 2 3, 200 bytes"));
  EXPECT_THAT(Picked({expired(3, 0, 8), expired(2, 0, 8), Table(1, 100, 7, 9)}, {}, state),
              IsEmpty());
  // Memory counts everywhere.
  state.memtable_min_timestamp = 350;
  EXPECT_THAT(Picked({expired(3, 0, 8)}, {}, state), IsEmpty());
  state.memtable_min_timestamp = 400;
  EXPECT_THAT(Picked({expired(3, 0, 8)}, {}, state), ElementsAre("expired: 3, 100 bytes"));
  state.gc_before_seconds = 999;
  EXPECT_THAT(Picked({expired(3, 0, 8)}, {}, state), IsEmpty());
}

TEST(Picker, TimeWindows) {
  const CompactionStrategy windows = Parsed(
      "{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'MINUTES', "
      "'compaction_window_size': '10'}");
  const auto in_window = [](uint64_t generation, int64_t window) {
    CompactionCandidate table = Table(generation, 100);
    table.max_timestamp = window * 600'000'000 + 5;
    table.min_timestamp = table.max_timestamp - 5;
    return table;
  };
  PickerState state{.flush_bytes = kMiB, .now_micros = 9 * int64_t{600'000'000} + 77};
  // The newest window is tiered, older ones become one table each, a whole one stays.
  EXPECT_THAT(Picked({in_window(1, 9), in_window(2, 9), in_window(3, 9), in_window(4, 8),
                      in_window(5, 8), in_window(6, 7), in_window(7, -3), in_window(8, -3)},
                     windows, state),
              ElementsAre("window: 4 5, 200 bytes", "window: 7 8, 200 bytes"));
  EXPECT_THAT(
      Picked({in_window(1, 9), in_window(2, 9), in_window(3, 9), in_window(4, 9)}, windows, state),
      ElementsAre("level 0: 1 2 3 4, 400 bytes"));
}

TEST(Picker, WhatSpansShardsIsSplitInTheEnd) {
  CompactionCandidate spanning = Table(1, 100);
  spanning.spans_shards = true;
  EXPECT_THAT(Picked({spanning, Table(2, 100)}), ElementsAre("split: 1, 100 bytes"));
  EXPECT_THAT(Picked({spanning, Table(2, 100), Table(3, 100), Table(4, 100)}),
              ElementsAre("level 0: 1 2 3 4, 400 bytes"));
  spanning.busy = true;
  EXPECT_THAT(Picked({spanning}), IsEmpty());
}

TEST(Picker, DisabledPicksNothing) {
  EXPECT_THAT(
      Picked({Table(1, 1), Table(2, 1), Table(3, 1), Table(4, 1)}, Parsed("{'enabled': 'false'}")),
      IsEmpty());
}

// Applies all picks, over and over, to flushes: nothing may stay due, bytes are rewritten about
// once a level, and reads meet few runs.
struct Outcome {
  double write_amplification = 0;
  size_t runs = 0;  // over one token
  size_t tables = 0;
};
Outcome Simulate(const CompactionStrategy& strategy, int flushes) {
  PickerState state{.flush_bytes = 64 * kMiB};
  uint64_t generation = 0;
  uint64_t written = 0;
  for (int i = 0; i < flushes; ++i) {
    state.tables.push_back(Table(++generation, 64 * kMiB));
    while (true) {
      const auto picks = PickCompactions(state, strategy);
      if (picks.empty()) break;
      for (const CompactionPick& pick : picks) {
        CompactionCandidate merged{.tokens = {kMax, kMin}};
        std::erase_if(state.tables, [&](const CompactionCandidate& table) {
          if (std::ranges::find(pick.generations, table.generation) == pick.generations.end()) {
            return false;
          }
          merged.bytes += table.bytes;
          merged.tokens = {std::min(merged.tokens.first, table.tokens.first),
                           std::max(merged.tokens.last, table.tokens.last)};
          return true;
        });
        written += merged.bytes;
        std::vector<data::Token> ends = pick.split_points;
        data::Token first = merged.tokens.first;
        for (size_t part = 0; part <= ends.size(); ++part) {
          CompactionCandidate output = Table(++generation, merged.bytes / (ends.size() + 1));
          output.tokens = {first, part < ends.size() ? ends[part] - 1 : merged.tokens.last};
          state.tables.push_back(output);
          if (part < ends.size()) first = ends[part];
        }
      }
    }
  }
  Outcome outcome{.tables = state.tables.size()};
  outcome.write_amplification =
      static_cast<double>(written) / (static_cast<double>(flushes) * 64 * kMiB);
  for (uint32_t part = 0; part < 64; ++part) {
    const data::Token token = PartOfTokens(part, 64).first;
    outcome.runs =
        std::max<size_t>(outcome.runs, static_cast<size_t>(std::ranges::count_if(
                                           state.tables, [token](const CompactionCandidate& table) {
                                             return table.tokens.Contains(token);
                                           })));
  }
  return outcome;
}

TEST(Picker, TieredWritesLessAndLeveledReadsLess) {
  const Outcome tiered = Simulate({}, 255);
  const Outcome leveled =
      Simulate(Parsed("{'scaling_parameters': 'L4', 'max_space_amplification': '0'}"), 255);
  // 256 flushes are four levels of four.
  EXPECT_LE(tiered.write_amplification, 4.0);
  EXPECT_LE(tiered.runs, 12u);
  EXPECT_LE(leveled.runs, 4u);
  EXPECT_LE(leveled.write_amplification, 10.0);
  EXPECT_LT(tiered.write_amplification, leveled.write_amplification);
  EXPECT_GT(tiered.tables, tiered.runs);  // the upper levels are split
}

TEST(Picker, BacklogIsWhatIsLeftToRead) {
  PickerState state{.flush_bytes = kMiB};
  EXPECT_EQ(CompactionBacklog(state, {}), 0u);
  for (uint64_t i = 1; i <= 3; ++i) state.tables.push_back(Table(i, kMiB));
  EXPECT_EQ(CompactionBacklog(state, {}), 0u);
  state.tables.push_back(Table(4, kMiB));
  EXPECT_EQ(CompactionBacklog(state, {}), 4 * kMiB);
  // Three more runs of level 1: the merge of the first four causes one there.
  for (uint64_t i = 5; i <= 7; ++i) state.tables.push_back(Table(i, 4 * kMiB));
  EXPECT_EQ(CompactionBacklog(state, {}), 4 * kMiB + 16 * kMiB);
}

// Space ------------------------------------------------------------------------------------------

constexpr char kBounded[] = "{'max_space_amplification': '1.25'}";

TEST(Picker, MergesWithTheLargestRunWhatReplacesAQuarterOfIt) {
  const CompactionStrategy bounded = Parsed(kBounded);
  EXPECT_EQ(Parsed("{}"), bounded);
  const auto largest = Table(1, 40 * kMiB);
  EXPECT_THAT(Picked({largest, Table(2, 4 * kMiB), Table(3, 5 * kMiB)}, bounded), IsEmpty());
  EXPECT_THAT(Picked({largest, Table(2, 4 * kMiB), Table(3, 6 * kMiB)}, bounded),
              ElementsAre("space: 1 2 3, 52428800 bytes"));
  EXPECT_THAT(Picked({largest, Table(2, 4 * kMiB), Table(3, 6 * kMiB)},
                     Parsed("{'max_space_amplification': '0'}")),
              IsEmpty());
  // A run of several tables, of which those that overlap nothing stay out.
  EXPECT_THAT(
      Picked({Table(1, 20 * kMiB, 0, 8), Table(2, 20 * kMiB, 8, 16), Table(3, 6 * kMiB, 0, 8)},
             bounded),
      ElementsAre("space: 1 3, 27262976 bytes"));
  // A largest run of level 0 is left to its level.
  EXPECT_THAT(Picked({Table(1, 3 * kMiB), Table(2, 1 * kMiB)}, bounded), IsEmpty());
}

TEST(Picker, RowsThatAreNewNeedNoMergeForSpace) {
  PickerState state{.flush_bytes = kMiB};
  double share = 0;
  std::vector<uint64_t> asked;
  state.replacing = [&](const auto& newer, const auto& largest) {
    EXPECT_THAT(largest, ElementsAre(1));
    asked = newer;
    return share;
  };
  const std::vector<CompactionCandidate> tables = {Table(1, 40 * kMiB), Table(2, 8 * kMiB),
                                                   Table(3, 9 * kMiB)};
  EXPECT_THAT(Picked(tables, Parsed(kBounded), state), IsEmpty());
  EXPECT_THAT(asked, ElementsAre(2, 3));
  share = 0.58;
  EXPECT_THAT(Picked(tables, Parsed(kBounded), state), IsEmpty());
  share = 0.59;
  EXPECT_THAT(Picked(tables, Parsed(kBounded), state), ElementsAre("space: 1 2 3, 59768832 bytes"));
}

TEST(Picker, LevelsWaitForAMergeForSpaceThatIsNear) {
  std::vector<CompactionCandidate> tables = {Table(1, 40 * kMiB)};
  for (uint64_t i = 2; i <= 5; ++i) tables.push_back(Table(i, kMiB));
  EXPECT_THAT(Picked(tables, Parsed(kBounded)), ElementsAre("level 0: 2 3 4 5, 4194304 bytes"));
  tables.push_back(Table(6, 2 * kMiB));
  EXPECT_THAT(Picked(tables, Parsed(kBounded)), IsEmpty());
  // Not if runs become many.
  for (uint64_t i = 7; i <= 9; ++i) tables.push_back(Table(i, kMiB / 8));
  EXPECT_THAT(Picked(tables, Parsed(kBounded)),
              ElementsAre("level 0: 2 3 4 5 6 7 8 9, 6684672 bytes"));
}

TEST(Picker, BusyTablesAreNotMergedForSpace) {
  auto busy = Table(1, 40 * kMiB);
  busy.busy = true;
  EXPECT_THAT(Picked({busy, Table(2, 20 * kMiB)}, Parsed(kBounded)), IsEmpty());
}

// Uniform overwrites, flush by flush: what files take stays within the bound.
TEST(Picker, KeepsSpaceWithinTheBound) {
  constexpr uint64_t kLive = 64 * kMiB;
  std::vector<CompactionCandidate> tables = {Table(1, kLive)};
  uint64_t next = 2;
  uint64_t written = 0;
  for (int flush = 0; flush < 1000; ++flush) {
    tables.push_back(Table(next++, kMiB));
    PickerState state{.flush_bytes = kMiB};
    while (true) {
      state.tables = tables;
      const auto picks = PickCompactions(state, Parsed(kBounded));
      if (picks.empty()) break;
      for (const CompactionPick& pick : picks) {
        std::erase_if(tables, [&](const CompactionCandidate& table) {
          return std::binary_search(pick.generations.begin(), pick.generations.end(),
                                    table.generation);
        });
        const uint64_t bytes = std::min(pick.bytes, kLive);
        tables.push_back(Table(next++, bytes));
        written += bytes;
      }
    }
    uint64_t bytes = 0;
    for (const CompactionCandidate& table : tables) bytes += table.bytes;
    EXPECT_LT(static_cast<double>(bytes), 1.27 * static_cast<double>(kLive));
    EXPECT_LT(tables.size(), 12u);
  }
  // A merge for every quarter, and a level below it.
  EXPECT_LT(static_cast<double>(written), 5.2 * 1000 * static_cast<double>(kMiB));
}

}  // namespace
}  // namespace tholos::sstable
