#include "data/mutation_view.h"

#include <algorithm>
#include <limits>

#include "base/sim/test_world.h"
#include "data/codec.h"
#include "data/testing/random_data.h"
#include "data/testing/sources.h"
#include "gtest/gtest.h"

namespace tholos::data {
namespace {

struct Span {
  Timestamp min = std::numeric_limits<Timestamp>::max();
  Timestamp max = std::numeric_limits<Timestamp>::min();
  void Note(Timestamp t) {
    min = std::min(min, t);
    max = std::max(max, t);
  }
};

Span SpanOf(const Row& row) {
  Span span;
  if (!row.liveness.empty()) span.Note(row.liveness.timestamp);
  if (!row.deletion.live()) span.Note(row.deletion.timestamp);
  for (const auto& each : row.complex_deletions) span.Note(each.deletion.timestamp);
  for (const Cell& cell : row.cells) span.Note(cell.timestamp);
  return span;
}

void ExpectRow(const RowView& view, const Row& row) {
  EXPECT_EQ(view.clustering, row.clustering);
  // Damage may leave a row that would be encoded otherwise: it has to mean the same, and its span
  // of timestamps may only be too wide.
  std::string body;
  EncodeRowBody(row, &body);
  const bool canonical = view.body == body;
  Row decoded;
  base::Reader in(view.body);
  EXPECT_TRUE(DecodeRowBody(&in, &decoded).ok());
  decoded.clustering = row.clustering;
  EXPECT_EQ(decoded, row);
  EXPECT_EQ(view.empty, row.IsEmpty());
  EXPECT_EQ(view.has_deletions, !row.deletion.live() || !row.complex_deletions.empty());
  const Span span = SpanOf(row);
  if (canonical) {
    EXPECT_EQ(view.min_timestamp, span.min);
    EXPECT_EQ(view.max_timestamp, span.max);
  } else {
    EXPECT_LE(view.min_timestamp, span.min);
    EXPECT_GE(view.max_timestamp, span.max);
  }
}

void ExpectView(const MutationView& view, const Mutation& mutation) {
  EXPECT_EQ(view.table(), mutation.table);
  EXPECT_EQ(view.key(), mutation.update.key.key);
  EXPECT_EQ(view.token(), mutation.update.key.token);
  EXPECT_EQ(view.deletion(), mutation.update.deletion);
  EXPECT_EQ(view.range_tombstones(), mutation.update.range_tombstones);
  ASSERT_EQ(view.static_row().has_value(), mutation.update.static_row.has_value());
  if (view.static_row().has_value()) ExpectRow(*view.static_row(), *mutation.update.static_row);
  size_t row = 0;
  view.ForEachRow([&](const RowView& each) {
    ASSERT_LT(row, mutation.update.rows.size());
    ExpectRow(each, mutation.update.rows[row++]);
  });
  EXPECT_EQ(row, mutation.update.rows.size());
}

TEST(MutationView, ShowsWhatTheDecoderGives) {
  base::RandomStream random(base::sim::SeedFromEnvironment(31));
  for (int round = 0; round < 100; ++round) {
    for (Partition& partition : RandomPartitions(random)) {
      const std::string bytes = EncodeMutation({.update = std::move(partition)});
      const auto view = MutationView::Parse(bytes);
      ASSERT_TRUE(view.ok()) << view.status();
      const auto mutation = DecodeMutation(bytes);
      ASSERT_TRUE(mutation.ok());
      ExpectView(*view, *mutation);
      EXPECT_EQ(PeekToken(bytes).value(), view->token());
      const data::MutationPlace place = PeekPlace(bytes);
      EXPECT_EQ(place.token, view->token());
      const auto& update = mutation->update;
      const bool row_first = !update.rows.empty() && update.deletion.live() &&
                             !update.static_row.has_value() && update.range_tombstones.empty();
      EXPECT_EQ(place.clustering, row_first ? update.rows[0].clustering : "");
    }
  }
}

// Whatever the damage, both accept it or both refuse it.
TEST(MutationView, AcceptsExactlyWhatTheDecoderAccepts) {
  base::RandomStream random(base::sim::SeedFromEnvironment(32));
  int accepted = 0, refused = 0;
  for (int round = 0; round < 100; ++round) {
    for (Partition& partition : RandomPartitions(random)) {
      const std::string bytes = EncodeMutation({.update = std::move(partition)});
      for (int i = 0; i < 60; ++i) {
        std::string damaged = bytes;
        for (uint64_t n = 1 + random.Below(2); n > 0; --n) {
          const size_t at = random.Below(damaged.size());
          damaged[at] = static_cast<char>(random.Chance(0.5) ? damaged[at] ^ (1 << random.Below(8))
                                                             : random.Below(256));
        }
        if (random.Chance(0.1)) damaged.resize(random.Below(damaged.size() + 1));
        const auto mutation = DecodeMutation(damaged);
        const auto view = MutationView::Parse(damaged);
        ASSERT_EQ(view.ok(), mutation.ok());
        if (view.ok()) ExpectView(*view, *mutation);
        ++(view.ok() ? accepted : refused);
      }
    }
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_GT(refused, 1000);
}

TEST(Supersedes, IsTheMergeLaw) {
  base::RandomStream random(base::sim::SeedFromEnvironment(5));
  const auto view_of = [](const std::string& body) {
    base::Reader in(body);
    return TakeRowBodyView(&in);
  };
  int found = 0;
  for (int i = 0; i < 20'000; ++i) {
    Row newer = RandomRow(random, "c");
    const Row older = RandomRow(random, "c");
    if (random.Chance(0.7)) {  // mostly something newer of the same columns
      newer = older;
      if (!newer.liveness.empty()) newer.liveness.timestamp += 20;
      for (Cell& cell : newer.cells) cell.timestamp += 20;
    }
    std::string newer_body, older_body, merged_body;
    EncodeRowBody(newer, &newer_body);
    EncodeRowBody(older, &older_body);
    if (!Supersedes(view_of(newer_body), view_of(older_body))) continue;
    ++found;
    Row merged = older;
    MergeInto(&merged, newer);
    EncodeRowBody(merged, &merged_body);
    EXPECT_EQ(merged_body, newer_body);
  }
  EXPECT_GT(found, 100);
}

TEST(RowView, KnowsWhatTheTimeSaysOfIt) {
  base::RandomStream random(base::sim::SeedFromEnvironment(6));
  for (int i = 0; i < 5'000; ++i) {
    const Row row = RandomRow(random, "c");
    std::string body;
    EncodeRowBody(row, &body);
    base::Reader in(body);
    const RowView view = TakeRowBodyView(&in);
    int64_t local = kNoExpiry;
    bool timeless = row.deletion.live() && row.complex_deletions.empty();
    if (!row.deletion.live()) local = std::min(local, row.deletion.local_seconds);
    for (const auto& each : row.complex_deletions) {
      local = std::min(local, each.deletion.local_seconds);
    }
    if (row.liveness.expiring()) local = std::min(local, row.liveness.expires_at);
    timeless &= !row.liveness.expiring();
    for (const Cell& cell : row.cells) {
      if (!cell.tombstone && !cell.expiring()) continue;
      timeless = false;
      local = std::min(local, cell.local_seconds);
    }
    EXPECT_EQ(view.timeless, timeless);
    EXPECT_EQ(view.min_local_seconds, local);
    EXPECT_EQ(view.cells, row.cells.size());
  }
}

}  // namespace
}  // namespace tholos::data
