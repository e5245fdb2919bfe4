#include <algorithm>
#include <map>
#include <set>

#include "data/codec.h"
#include "data/partition.h"
#include "data/testing/random_data.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Partition Merged(Partition a, const Partition& b) {
  MergeInto(&a, b);
  return a;
}

Partition Canonical(Partition p) {
  ApplyDeletions(&p);
  return p;
}

Partition Expired(Partition p, int64_t now_seconds) {
  ExpirePartition(&p, now_seconds);
  return p;
}

std::string Bytes(const Partition& partition) {
  std::string out;
  EncodePartition(partition, &out);
  return out;
}

// --- single decisions -------------------------------------------------------------------------

// Versions of one cell, each greater than those before it.
TEST(ReconcileCell, Order) {
  const std::vector<Cell> ascending = {
      Cell::Tombstone(1, 9, 100),
      Cell::Value(1, 10, ""),
      Cell::Value(1, 10, "a"),
      Cell::Value(1, 10, "b"),
      Cell::Expiring(1, 10, "z", 10, 60),  // at 70
      {.column = 1, .timestamp = 10, .tombstone = true, .ttl_seconds = 10, .local_seconds = 70},
      Cell::Expiring(1, 10, "a", 20, 50),  // at 70, larger TTL
      Cell::Expiring(1, 10, "a", 10, 50),  // at 60
      {.column = 1, .timestamp = 10, .tombstone = true, .ttl_seconds = 10, .local_seconds = 60},
      Cell::Tombstone(1, 10, 50),
      Cell::Tombstone(1, 10, 80),
      Cell::Value(1, 11, ""),
  };
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_EQ(ReconcileCell(ascending[i], ascending[j]), ascending[std::max(i, j)])
          << i << " " << j;
    }
  }
}

TEST(Reconcile, LivenessAndDeletionOrder) {
  const std::vector<Liveness> liveness = {{},
                                          Liveness::At(5),
                                          Liveness::At(10),
                                          Liveness::Expiring(10, 10, 60),
                                          Liveness::Expiring(10, 20, 50),
                                          Liveness::Expiring(10, 10, 50),
                                          Liveness::At(11)};
  for (size_t i = 0; i < liveness.size(); ++i) {
    for (size_t j = 0; j < liveness.size(); ++j) {
      EXPECT_EQ(Reconcile(liveness[i], liveness[j]), liveness[std::max(i, j)]) << i << " " << j;
    }
  }
  const std::vector<Deletion> deletions = {{}, {5, 100}, {10, 20}, {10, 30}, {11, 1}};
  for (size_t i = 0; i < deletions.size(); ++i) {
    for (size_t j = 0; j < deletions.size(); ++j) {
      EXPECT_EQ(Reconcile(deletions[i], deletions[j]), deletions[std::max(i, j)]) << i << " " << j;
    }
  }
}

TEST(MergeInto, RowTombstoneWinsTiesAndSparesWhatIsNewer) {
  Row row{.clustering = "c", .liveness = Liveness::At(10)};
  row.cells = {Cell::Value(0, 9, "old"), Cell::Value(1, 10, "same"), Cell::Value(2, 11, "newer"),
               Cell::Tombstone(3, 10, 1)};
  MergeInto(&row, Row{.clustering = "c", .deletion = {10, 77}});
  EXPECT_EQ(row,
            (Row{.clustering = "c", .deletion = {10, 77}, .cells = {Cell::Value(2, 11, "newer")}}));
  // A late write from before the deletion changes nothing.
  MergeInto(
      &row,
      Row{.clustering = "c", .liveness = Liveness::At(10), .cells = {Cell::Value(0, 10, "x")}});
  EXPECT_EQ(row,
            (Row{.clustering = "c", .deletion = {10, 77}, .cells = {Cell::Value(2, 11, "newer")}}));
}

TEST(MergeInto, PartitionTombstoneTakesRowsStaticRowAndRowTombstones) {
  Partition p{.key = DecoratedKey::Of("k")};
  p.static_row = Row{.cells = {Cell::Value(7, 10, "gone")}};
  p.rows = {Row{.clustering = "a", .liveness = Liveness::At(10)},
            Row{.clustering = "b", .deletion = {10, 1}},
            Row{.clustering = "c", .deletion = {12, 2}, .cells = {Cell::Value(0, 13, "stays")}},
            Row{.clustering = "d", .deletion = {9, 1}, .cells = {Cell::Value(0, 11, "stays")}}};
  MergeInto(&p, Partition{.key = p.key, .deletion = {10, 5}});
  EXPECT_FALSE(p.static_row.has_value());
  EXPECT_THAT(p.rows, ElementsAre(Row{.clustering = "c",
                                      .deletion = {12, 2},
                                      .cells = {Cell::Value(0, 13, "stays")}},
                                  Row{.clustering = "d", .cells = {Cell::Value(0, 11, "stays")}}));
  EXPECT_EQ(p.deletion, (Deletion{10, 5}));
  // An older partition tombstone does not come back, and an older static cell stays away.
  MergeInto(&p, Partition{.key = p.key,
                          .deletion = {9, 99},
                          .static_row = Row{.cells = {Cell::Value(7, 10, "late")}}});
  EXPECT_EQ(p.deletion, (Deletion{10, 5}));
  EXPECT_FALSE(p.static_row.has_value());
}

TEST(MergeInto, ComplexDeletionTakesTheOlderElementsOfItsColumn) {
  Row row{.clustering = "c", .liveness = Liveness::At(10)};
  row.cells = {Cell::Value(0, 5, "simple"), Cell::Value(1, 9, "old").At("a"),
               Cell::Value(1, 11, "newer").At("b"), Cell::Value(2, 5, "other").At("a")};
  MergeInto(&row, Row{.clustering = "c",
                      .complex_deletions = {{1, {10, 77}}},
                      .cells = {Cell::Value(1, 11, "added").At("c")}});
  EXPECT_EQ(row, (Row{.clustering = "c",
                      .liveness = Liveness::At(10),
                      .complex_deletions = {{1, {10, 77}}},
                      .cells = {Cell::Value(0, 5, "simple"), Cell::Value(1, 11, "newer").At("b"),
                                Cell::Value(1, 11, "added").At("c"),
                                Cell::Value(2, 5, "other").At("a")}}));
  // A late element from before it changes nothing; the row's tombstone takes it along.
  MergeInto(&row, Row{.clustering = "c", .cells = {Cell::Value(1, 10, "late").At("a")}});
  EXPECT_EQ(row.Find(1, "a"), nullptr);
  EXPECT_EQ(row.CellsOf(1).size(), 2u);
  EXPECT_EQ(row.ComplexDeletionOf(1), (Deletion{10, 77}));
  MergeInto(&row, Row{.clustering = "c", .deletion = {10, 80}});
  EXPECT_EQ(row.ComplexDeletionOf(1), Deletion());
  EXPECT_EQ(row.CellsOf(1).size(), 2u);
}

TEST(MergeInto, RangeTombstoneTakesTheRowsOfItsRange) {
  const auto key = DecoratedKey::Of("k");
  Partition p{.key = key};
  p.static_row = Row{.cells = {Cell::Value(7, 1, "stays")}};
  p.rows = {Row{.clustering = "a", .liveness = Liveness::At(5)},
            Row{.clustering = "b", .liveness = Liveness::At(5)},
            Row{.clustering = "c", .deletion = {4, 4}, .cells = {Cell::Value(0, 6, "newer")}},
            Row{.clustering = "d", .liveness = Liveness::At(5)}};
  MergeInto(&p, Partition{.key = key, .range_tombstones = {{{"b", "d"}, {5, 9}}}});
  EXPECT_THAT(p.rows, ElementsAre(Row{.clustering = "a", .liveness = Liveness::At(5)},
                                  Row{.clustering = "c", .cells = {Cell::Value(0, 6, "newer")}},
                                  Row{.clustering = "d", .liveness = Liveness::At(5)}));
  EXPECT_TRUE(p.static_row.has_value());
  // It is shadowed by a partition tombstone that is not older.
  MergeInto(&p, Partition{.key = key, .deletion = {5, 1}});
  EXPECT_THAT(p.range_tombstones, IsEmpty());
}

TEST(MergeInto, AMutationThatDeletesAndWritesAtOneTimeOnlyDeletes) {
  Partition p{.key = DecoratedKey::Of("k")};
  MergeInto(&p, Partition{.key = p.key,
                          .rows = {Row{.clustering = "a",
                                       .liveness = Liveness::At(10),
                                       .deletion = {10, 5},
                                       .cells = {Cell::Value(0, 10, "x")}}}});
  EXPECT_THAT(p.rows, ElementsAre(Row{.clustering = "a", .deletion = {10, 5}}));
}

// --- laws on random data ----------------------------------------------------------------------

class MergeLaws : public ::testing::TestWithParam<uint64_t> {
 protected:
  Partition Next() { return RandomPartition(random_, "k"); }
  int64_t NextSeconds() { return RandomSeconds(random_) + random_.Between(0, 3); }
  base::RandomStream random_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Seeds, MergeLaws, ::testing::Values(1, 2, 3, 20260131));
constexpr int kRounds = 1000;

TEST_P(MergeLaws, CommutativeAssociativeIdempotent) {
  for (int i = 0; i < kRounds; ++i) {
    const Partition a = Next(), b = Next(), c = Next();
    const Partition ab = Merged(a, b);
    ASSERT_EQ(ab, Merged(b, a));
    ASSERT_EQ(Merged(ab, c), Merged(a, Merged(b, c)));
    ASSERT_EQ(Merged(ab, a), ab);
    ASSERT_EQ(Merged(ab, ab), ab);
    ASSERT_EQ(Merged(a, a), Canonical(a));
  }
}

TEST_P(MergeLaws, ResultsAreCanonical) {
  for (int i = 0; i < kRounds; ++i) {
    const Partition a = Next(), b = Next();
    const Partition ab = Merged(a, b);
    ASSERT_EQ(Canonical(ab), ab);
    ASSERT_EQ(Merged(Canonical(a), Canonical(b)), ab);
    for (const Row& row : ab.rows) ASSERT_FALSE(row.IsEmpty());
  }
}

TEST_P(MergeLaws, AnyOrderAndGroupingGivesEqualBytes) {
  for (int i = 0; i < kRounds / 10; ++i) {
    std::vector<Partition> writes;
    for (int n = 0; n < 6; ++n) writes.push_back(Next());
    Partition expected{.key = DecoratedKey::Of("k")};
    for (const Partition& write : writes) MergeInto(&expected, write);
    for (int order = 0; order < 5; ++order) {
      std::vector<Partition> heap = writes;
      heap.push_back(writes[random_.Below(writes.size())]);  // one arrives twice
      while (heap.size() > 1) {
        std::swap(heap[random_.Below(heap.size())], heap.back());
        Partition last = std::move(heap.back());
        heap.pop_back();
        MergeInto(&heap[random_.Below(heap.size())], std::move(last));
      }
      ASSERT_EQ(Bytes(heap[0]), Bytes(expected));
    }
  }
}

TEST_P(MergeLaws, RowsMergeAsTheirPartitions) {
  for (int i = 0; i < kRounds; ++i) {
    const Row a = RandomRow(random_, "c"), b = RandomRow(random_, "c");
    Row merged = a;
    MergeInto(&merged, b);
    const DecoratedKey key = DecoratedKey::Of("k");
    const Partition whole =
        Merged(Partition{.key = key, .rows = {a}}, Partition{.key = key, .rows = {b}});
    ASSERT_EQ(whole.rows, merged.IsEmpty() ? std::vector<Row>{} : std::vector<Row>{merged});
  }
}

TEST_P(MergeLaws, ExpiryDoesNotDependOnWhenVersionsMeet) {
  for (int i = 0; i < kRounds; ++i) {
    const Partition a = Next(), b = Next();
    const int64_t now = NextSeconds();
    const int64_t earlier = NextSeconds();
    const Partition expected = Expired(Merged(a, b), now);
    ASSERT_EQ(Merged(Expired(a, now), Expired(b, now)), expected);
    ASSERT_EQ(Expired(Merged(Expired(a, now), b), now), expected);
    ASSERT_EQ(Expired(Merged(Expired(a, std::min(earlier, now)), b), now), expected);
    ASSERT_EQ(Expired(expected, now), expected);
    // The reader's view is the same before and after.
    const Partition merged = Merged(a, b);
    for (size_t r = 0; r < merged.rows.size(); ++r) {
      ASSERT_EQ(merged.rows[r].LiveAt(now), expected.rows[r].LiveAt(now));
    }
  }
}

TEST_P(MergeLaws, DifferenceBringsEachReplicaUpToTheMerged) {
  for (int i = 0; i < kRounds; ++i) {
    const Partition replicas[] = {Canonical(Next()), Canonical(Next()), Canonical(Next())};
    const Partition merged = Merged(Merged(replicas[0], replicas[1]), replicas[2]);
    for (const Partition& have : replicas) {
      const std::optional<Partition> difference = Difference(merged, have);
      ASSERT_EQ(difference.has_value(), have != merged);
      if (!difference.has_value()) continue;
      ASSERT_EQ(Merged(have, *difference), merged);
      // Nothing in it that the replica has.
      ASSERT_FALSE(Difference(*difference, have) != difference);
      for (const Row& row : difference->rows) ASSERT_FALSE(row.IsEmpty());
    }
    ASSERT_EQ(Difference(merged, merged), std::nullopt);
  }
}

// A coordinator compares expired answers; what it sends back meets unexpired data.
TEST_P(MergeLaws, DifferencesOfExpiredAnswersRepairUnexpiredReplicas) {
  for (int i = 0; i < kRounds; ++i) {
    const Partition replicas[] = {Canonical(Next()), Canonical(Next())};
    const int64_t now = NextSeconds();
    const Partition merged = Merged(Expired(replicas[0], now), Expired(replicas[1], now));
    for (const Partition& have : replicas) {
      const std::optional<Partition> difference = Difference(merged, Expired(have, now));
      const Partition repaired = difference.has_value() ? Merged(have, *difference) : have;
      ASSERT_EQ(Expired(repaired, now), merged);
    }
  }
}

// What a reader sees, from all writes at once and without merging: for each row and column the
// newest versions that no tombstone covers; nothing if one of them is a deletion or has expired.
// The same for the row's liveness.
struct View {
  std::map<std::tuple<std::string, ColumnId, std::string>, std::string> values;
  std::set<std::string> live_rows;
  friend bool operator==(const View&, const View&) = default;
};

// The versions of the newest timestamp after `deleted`.
template <typename T>
std::vector<T> Newest(const std::vector<T>& versions, Timestamp deleted) {
  std::vector<T> newest;
  for (const T& version : versions) {
    if (version.timestamp <= deleted) continue;
    if (!newest.empty() && newest[0].timestamp < version.timestamp) newest.clear();
    if (newest.empty() || newest[0].timestamp == version.timestamp) newest.push_back(version);
  }
  return newest;
}

template <typename T>
bool AllLive(const std::vector<T>& versions, int64_t now) {
  return !versions.empty() &&
         std::all_of(versions.begin(), versions.end(), [now](const T& v) { return v.LiveAt(now); });
}

View ModelView(const std::vector<Partition>& writes, int64_t now) {
  struct RowVersions {
    Timestamp deleted = kNoTimestamp;
    std::vector<Liveness> liveness;
    std::map<std::pair<ColumnId, std::string>, std::vector<Cell>> cells;
    std::map<ColumnId, Timestamp> complex_deleted;
  };
  Timestamp partition_deleted = kNoTimestamp;
  std::vector<RangeTombstone> ranges;
  std::map<std::string, RowVersions> rows;
  for (const Partition& write : writes) {
    partition_deleted = std::max(partition_deleted, write.deletion.timestamp);
    ranges.insert(ranges.end(), write.range_tombstones.begin(), write.range_tombstones.end());
    for (const Row& row : write.rows) {
      RowVersions& versions = rows[row.clustering];
      versions.deleted = std::max(versions.deleted, row.deletion.timestamp);
      versions.liveness.push_back(row.liveness);
      for (const Cell& cell : row.cells) versions.cells[{cell.column, cell.path}].push_back(cell);
      for (const ComplexDeletion& each : row.complex_deletions) {
        Timestamp& deleted =
            versions.complex_deleted.try_emplace(each.column, kNoTimestamp).first->second;
        deleted = std::max(deleted, each.deletion.timestamp);
      }
    }
  }
  View view;
  for (const auto& [clustering, versions] : rows) {
    Timestamp deleted = std::max(partition_deleted, versions.deleted);
    for (const RangeTombstone& each : ranges) {
      if (each.range.Contains(clustering)) deleted = std::max(deleted, each.deletion.timestamp);
    }
    if (AllLive(Newest(versions.liveness, deleted), now)) view.live_rows.insert(clustering);
    for (const auto& [place, cells] : versions.cells) {
      const auto complex = versions.complex_deleted.find(place.first);
      const bool has_complex = complex != versions.complex_deleted.end();
      const std::vector<Cell> newest =
          Newest(cells, has_complex ? std::max(deleted, complex->second) : deleted);
      if (!AllLive(newest, now)) continue;
      view.live_rows.insert(clustering);
      view.values[{clustering, place.first, place.second}] =
          std::max_element(newest.begin(), newest.end(), [](const Cell& a, const Cell& b) {
            return std::make_tuple(-a.local_seconds, a.ttl_seconds, a.value) <
                   std::make_tuple(-b.local_seconds, b.ttl_seconds, b.value);
          })->value;
    }
  }
  return view;
}

View ViewOf(const Partition& partition, int64_t now) {
  View view;
  for (const Row& row : partition.rows) {
    if (row.LiveAt(now)) view.live_rows.insert(row.clustering);
    for (const Cell& cell : row.cells) {
      if (cell.LiveAt(now)) view.values[{row.clustering, cell.column, cell.path}] = cell.value;
    }
  }
  return view;
}

TEST_P(MergeLaws, ReadersSeeWhatTheModelSees) {
  for (int i = 0; i < kRounds; ++i) {
    std::vector<Partition> writes;
    Partition merged{.key = DecoratedKey::Of("k")};
    for (int n = 0; n < 4; ++n) MergeInto(&merged, writes.emplace_back(Next()));
    const int64_t now = NextSeconds();
    ASSERT_EQ(ViewOf(merged, now), ModelView(writes, now));
    ASSERT_EQ(ViewOf(Expired(merged, now), now), ModelView(writes, now));
  }
}

// --- time -------------------------------------------------------------------------------------

TEST(ExpireRow, ValuesBecomeTombstonesAndLivenessStays) {
  Row row{.clustering = "c", .liveness = Liveness::Expiring(10, 5, 100)};
  row.cells = {Cell::Expiring(0, 10, "a", 5, 100), Cell::Expiring(1, 10, "b", 6, 100),
               Cell::Value(2, 10, "c")};
  Row before = row;
  ExpireRow(&before, 104);
  EXPECT_EQ(before, row);
  ExpireRow(&row, 105);
  EXPECT_THAT(row.cells, ElementsAre(Cell{.column = 0,
                                          .timestamp = 10,
                                          .tombstone = true,
                                          .ttl_seconds = 5,
                                          .local_seconds = 105},
                                     Cell::Expiring(1, 10, "b", 6, 100), Cell::Value(2, 10, "c")));
  EXPECT_EQ(row.liveness, Liveness::Expiring(10, 5, 100));
  EXPECT_FALSE(row.liveness.LiveAt(105));
}

// INSERT, then INSERT with a TTL that one replica missed: after the expiry the row must not come
// back from it.
TEST(ExpireRow, AnOlderLivenessDoesNotBringAnExpiredRowBack) {
  const Row old{.clustering = "c", .liveness = Liveness::At(5)};
  Row both{.clustering = "c", .liveness = Liveness::Expiring(10, 5, 100)};
  MergeInto(&both, old);
  ExpireRow(&both, 200);
  EXPECT_FALSE(both.LiveAt(200));
  MergeInto(&both, old);
  EXPECT_FALSE(both.LiveAt(200));
}

TEST(PurgeRow, DropsOnlyWhatIsOldEnoughInBothTimes) {
  const Row row{.clustering = "c",
                .liveness = Liveness::Expiring(20, 5, 95),
                .deletion = {10, 100},
                .cells = {Cell::Tombstone(0, 20, 100), Cell::Expiring(1, 20, "x", 10, 90),
                          Cell::Value(2, 20, "y")}};
  const auto purged = [&row](int64_t gc_before, Timestamp purgeable_before) {
    Row copy = row;
    PurgeRow(&copy, gc_before, purgeable_before);
    return copy;
  };
  EXPECT_EQ(purged(100, 1000), row);
  EXPECT_EQ(purged(101, 10), row);
  EXPECT_EQ(purged(101, 11).deletion, Deletion());
  EXPECT_EQ(purged(101, 20).cells, row.cells);
  EXPECT_THAT(purged(101, 21).cells, ElementsAre(Cell::Value(2, 20, "y")));
  EXPECT_TRUE(purged(101, 21).liveness.empty());

  Row tombstones{.clustering = "c", .deletion = {10, 100}, .cells = {Cell::Tombstone(0, 11, 100)}};
  EXPECT_TRUE(PurgeRow(&tombstones, 100, 1000));
  EXPECT_FALSE(PurgeRow(&tombstones, 101, 1000));
  EXPECT_TRUE(tombstones.IsEmpty());
}

TEST(PurgeRow, TakesWhatItsTombstoneShadowsAlong) {
  Row row{.clustering = "c", .deletion = {10, 1}, .cells = {Cell::Value(0, 9, "shadowed")}};
  EXPECT_FALSE(PurgeRow(&row, 100, 100));
  EXPECT_THAT(row.cells, IsEmpty());
}

TEST(PurgeDeletion, DropsOnlyWhatIsOldEnough) {
  const Deletion deletion{10, 100};
  const auto purged = [deletion](int64_t gc_before, Timestamp purgeable_before) {
    Deletion copy = deletion;
    PurgeDeletion(&copy, gc_before, purgeable_before);
    return copy;
  };
  EXPECT_EQ(purged(100, 11), deletion);
  EXPECT_EQ(purged(101, 10), deletion);
  EXPECT_EQ(purged(101, 11), Deletion());
}

// Purging everything that may go never changes what a reader sees.
TEST_P(MergeLaws, PurgingIsInvisible) {
  for (int i = 0; i < kRounds; ++i) {
    const Partition before = Canonical(Next());
    const int64_t now = NextSeconds();
    Partition after = before;
    std::erase_if(after.rows, [now](Row& row) { return !PurgeRow(&row, now, 100); });
    for (RangeTombstone& each : after.range_tombstones) PurgeDeletion(&each.deletion, now, 100);
    std::erase_if(after.range_tombstones,
                  [](const RangeTombstone& each) { return each.deletion.live(); });
    ASSERT_EQ(ViewOf(after, now), ViewOf(before, now));
  }
}

TEST(Row, FindAndLiveAt) {
  const Row row{.clustering = "c",
                .cells = {Cell::Expiring(2, 1, "a", 5, 10), Cell::Tombstone(4, 1, 10)}};
  EXPECT_EQ(row.Find(2), &row.cells[0]);
  EXPECT_EQ(row.Find(4), &row.cells[1]);
  EXPECT_EQ(row.Find(3), nullptr);
  EXPECT_EQ(row.Find(5), nullptr);
  EXPECT_TRUE(row.LiveAt(14));
  EXPECT_FALSE(row.LiveAt(15));
  const Row multi{.cells = {Cell::Value(1, 1, "x").At("a"), Cell::Value(1, 1, "y").At("b"),
                            Cell::Value(3, 1, "z")}};
  EXPECT_EQ(multi.Find(1), nullptr);
  EXPECT_EQ(multi.Find(1, "b"), &multi.cells[1]);
  EXPECT_EQ(multi.CellsOf(1).size(), 2u);
  EXPECT_EQ(multi.CellsOf(2).size(), 0u);
  EXPECT_EQ(multi.Find(3), &multi.cells[2]);
}

}  // namespace
}  // namespace tholos::data
