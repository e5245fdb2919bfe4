#include "coordinator/read/resolve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/random.h"
#include "base/sim/test_world.h"
#include "coordinator/read/position.h"
#include "data/source.h"
#include "data/testing/random_data.h"
#include "data/vector_source.h"

namespace tholos::coordinator {
namespace {

using data::Partition;
using data::Position;
using data::ReadCommand;
using data::ReadResult;
using data::Row;

const data::DecoratedKey kKey = data::DecoratedKey::Of("p");
constexpr int64_t kNow = 100;

Row Live(const std::string& clustering, data::Timestamp timestamp, const std::string& value = "v") {
  Row row{.clustering = clustering};
  row.cells.push_back(data::Cell::Value(1, timestamp, value));
  return row;
}
Row Dead(const std::string& clustering, data::Timestamp timestamp) {
  Row row{.clustering = clustering};
  row.deletion = {timestamp, kNow};
  return row;
}
ReadResult Answer(std::vector<Row> rows, bool more) {
  ReadResult result{.more = more};
  result.partitions.push_back({.key = kKey, .rows = std::move(rows)});
  return result;
}
ReadCommand OnePartition() {
  ReadCommand command{.key = kKey};
  command.now_seconds = kNow;
  return command;
}

// "a+ b- " and where the page ends.
std::string Describe(const Resolution& page) {
  std::string text;
  for (const Partition& partition : page.merged) {
    for (const Row& row : partition.rows) text += row.clustering + (row.LiveAt(kNow) ? "+ " : "- ");
  }
  if (!page.next.has_value()) return text + "end";
  return text + "next " + page.next->clustering.value_or("partition");
}

TEST(ResolveTest, NewerWinsAndEveryoneLearnsIt) {
  const ReadCommand command = OnePartition();
  const ReadResult a = Answer({Live("a", 1, "old"), Live("b", 5)}, false);
  const ReadResult b = Answer({Live("a", 2, "new"), Dead("b", 6)}, false);
  const Resolution page = Resolve(command, {a, b});
  EXPECT_EQ(Describe(page), "a+ b- end");
  EXPECT_EQ(page.merged[0].rows[0].cells[0].value, "new");
  const auto lacking = Lacking(command, page.merged, a);
  ASSERT_EQ(lacking.size(), 1u);
  EXPECT_EQ(lacking[0].rows, (std::vector<Row>{Live("a", 2, "new"), Dead("b", 6)}));
  EXPECT_TRUE(Lacking(command, page.merged, b).empty());
}

TEST(ResolveTest, NothingBeyondTheSmallestBoundIsTrusted) {
  const ReadCommand command = OnePartition();
  const ReadResult a = Answer({Live("a", 1), Live("b", 1)}, true);
  const ReadResult b = Answer({Live("b", 1), Dead("c", 2), Live("d", 1)}, true);
  EXPECT_EQ(Describe(Resolve(command, {a, b})), "a+ b+ next b");
  // A replica that has said all it knows bounds nothing.
  const ReadResult all = Answer({Live("e", 1)}, false);
  EXPECT_EQ(Describe(Resolve(command, {b, all})), "b+ c- d+ next d");
}

TEST(ResolveTest, TombstonesOfOneMayEmptyThePageOfAnother) {
  const ReadCommand command = OnePartition();
  const ReadResult a = Answer({Live("a", 1), Live("b", 1)}, true);
  const ReadResult b = Answer({Dead("a", 2), Dead("b", 2), Live("c", 1), Live("d", 1)}, true);
  const Resolution page = Resolve(command, {a, b});
  EXPECT_EQ(Describe(page), "a- b- next b");
  EXPECT_TRUE(LiveOnly(command, page.merged, false).empty());
}

TEST(ResolveTest, Reversed) {
  ReadCommand command = OnePartition();
  command.reversed = true;
  const ReadResult a = Answer({Live("d", 1), Live("c", 1)}, true);
  const ReadResult b = Answer({Live("e", 1), Live("d", 2), Live("b", 1)}, false);
  const Resolution page = Resolve(command, {a, b});
  EXPECT_EQ(Describe(page), "e+ d+ c+ next c");
  const auto lacking = Lacking(command, page.merged, a);
  ASSERT_EQ(lacking.size(), 1u);
  EXPECT_EQ(lacking[0].rows, (std::vector<Row>{Live("d", 2), Live("e", 1)})) << "mutations ascend";
}

TEST(ResolveTest, CutAtTheRowLimit) {
  ReadCommand command = OnePartition();
  command.row_limit = 2;
  const ReadResult a = Answer({Live("a", 1), Live("c", 1)}, true);
  const ReadResult b = Answer({Live("a", 1), Dead("b", 1), Live("d", 1)}, false);
  EXPECT_EQ(Describe(Resolve(command, {a, b})), "a+ b- c+ next c");
  command.row_limit = 1;
  EXPECT_EQ(Describe(Resolve(command, {a, b})), "a+ next a");
  command.row_limit = 3;
  const ReadResult c = Answer({Live("a", 1), Live("c", 1)}, false);
  EXPECT_EQ(Describe(Resolve(command, {b, c})), "a+ b- c+ d+ end") << "the limit is met at the end";
}

TEST(ResolveTest, CutAtTheLimitPerPartition) {
  ReadCommand command = OnePartition();
  command.per_partition_limit = 2;
  const ReadResult a = Answer({Live("a", 1), Live("b", 1), Live("c", 1)}, true);
  EXPECT_EQ(Describe(Resolve(command, {a, a})), "a+ b+ next partition");
  const ReadResult b = Answer({Live("a", 1), Live("b", 1), Live("c", 1)}, false);
  EXPECT_EQ(Describe(Resolve(command, {b})), "a+ b+ end");
}

TEST(ResolveTest, AStaticRowAloneIsARow) {
  ReadCommand command = OnePartition();
  command.row_limit = 1;
  ReadResult a;
  a.partitions.push_back({.key = kKey, .static_row = Live("", 1)});
  const Resolution page = Resolve(command, {a, a});
  EXPECT_FALSE(page.next.has_value());
  EXPECT_EQ(LiveOnly(command, page.merged, false).size(), 1u);
  command.after = Position{kKey, "x"};
  EXPECT_EQ(LiveOnly(command, page.merged, true).size(), 0u) << "it was given with the rows before";
}

TEST(CheckAnswerTest, RefusesWhatCannotBe) {
  ReadCommand command = OnePartition();
  command.after = Position{kKey, "b"};
  EXPECT_TRUE(CheckAnswer(command, Answer({Live("c", 1), Live("d", 1)}, true)).ok());
  EXPECT_TRUE(CheckAnswer(command, ReadResult{}).ok());
  const Partition other{.key = data::DecoratedKey::Of("q"), .rows = {Live("c", 1)}};
  const std::vector<ReadResult> bad = {
      Answer({Live("b", 1)}, false),
      Answer({Live("d", 1), Live("c", 1)}, false),
      Answer({Live("c", 1), Live("c", 1)}, false),
      ReadResult{.more = true},
      ReadResult{.partitions = {other}},
  };
  for (const ReadResult& result : bad) {
    EXPECT_TRUE(absl::IsDataLoss(CheckAnswer(command, result))) << CheckAnswer(command, result);
  }
  command.reversed = true;
  EXPECT_FALSE(CheckAnswer(command, Answer({Live("c", 1)}, false)).ok());
  EXPECT_TRUE(CheckAnswer(command, Answer({Live("a", 1)}, false)).ok());
}

// Replicas that have seen different parts of one history, read page by page with small limits and
// repaired on the way, give what the merge of all of them gives.
class ResolvedPagingTest : public testing::TestWithParam<bool> {
 protected:
  using Replica = std::vector<Partition>;  // by key

  static void Add(Replica* replica, Partition version) {
    const auto at = std::lower_bound(
        replica->begin(), replica->end(), version.key,
        [](const Partition& p, const data::DecoratedKey& key) { return p.key < key; });
    if (at == replica->end() || at->key != version.key) {
      data::ApplyDeletions(&version);
      replica->insert(at, std::move(version));
    } else {
      data::MergeInto(&*at, std::move(version));
    }
  }

  static ReadResult ReadFrom(const Replica& replica, const ReadCommand& command) {
    auto source = data::VectorSource(replica, data::Selection::Of(command));
    return *base::sim::RunTask(data::Collect(std::move(source), command));
  }

  static std::vector<std::string> Rows(const std::vector<Partition>& partitions) {
    std::vector<std::string> rows;
    for (const Partition& partition : partitions) {
      for (const Row& row : partition.rows) {
        std::string text = partition.key.key + "/" + row.clustering;
        for (const data::Cell& cell : row.cells)
          text += " " + std::to_string(cell.column) + "=" + cell.value;
        rows.push_back(text);
      }
    }
    return rows;
  }
};

TEST_P(ResolvedPagingTest, EqualsTheMergeOfAll) {
  for (uint64_t seed = base::sim::SeedFromEnvironment(1);
       seed < base::sim::SeedFromEnvironment(1) + 150; ++seed) {
    SCOPED_TRACE("THOLOS_SEED=" + std::to_string(seed));
    base::RandomStream random(seed);
    std::vector<Replica> replicas(1 + random.Below(3));
    Replica everything;
    for (int i = 0; i < 12; ++i) {
      Partition version =
          data::RandomPartition(random, "p" + std::to_string(random.Below(3)), {.rows_max = 8});
      for (Replica& replica : replicas) {
        if (random.Chance(0.6)) Add(&replica, version);
      }
    }
    for (const Replica& replica : replicas) {
      for (const Partition& partition : replica) Add(&everything, partition);
    }

    ReadCommand command{.reversed = GetParam(),
                        .row_limit = static_cast<uint32_t>(1 + random.Below(4))};
    command.bytes_limit = random.Chance(0.5) ? 1 << 20 : 1 + random.Below(400);
    command.now_seconds = random.Between(0, 10);
    ReadCommand unlimited = command;
    unlimited.row_limit = 1 << 20;
    unlimited.bytes_limit = 1 << 20;
    const auto expected =
        Rows(LiveOnly(unlimited, ReadFrom(everything, unlimited).partitions, false));

    std::vector<std::string> got;
    int pages = 0;
    do {
      ASSERT_LT(++pages, 200) << "no progress";
      std::vector<ReadResult> answers;
      for (const Replica& replica : replicas) {
        answers.push_back(ReadFrom(replica, command));
        ASSERT_TRUE(CheckAnswer(command, answers.back()).ok())
            << CheckAnswer(command, answers.back());
      }
      const Resolution page = Resolve(command, answers);
      for (size_t i = 0; i < replicas.size(); ++i) {
        for (Partition& lack : Lacking(command, page.merged, answers[i]))
          Add(&replicas[i], std::move(lack));
      }
      const auto rows = Rows(LiveOnly(command, page.merged, command.after.has_value()));
      EXPECT_LE(rows.size(), command.row_limit);
      got.insert(got.end(), rows.begin(), rows.end());
      if (page.next.has_value() && command.after.has_value()) {
        ASSERT_TRUE(ComparePositions(*page.next, *command.after, command.reversed) > 0);
      }
      command.after = page.next;
    } while (command.after.has_value());
    EXPECT_EQ(got, expected);

    // Repaired on the way: now all replicas say the same.
    for (const Replica& replica : replicas) {
      EXPECT_EQ(ReadFrom(replica, unlimited), ReadFrom(replicas[0], unlimited));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Directions, ResolvedPagingTest, testing::Bool());

}  // namespace
}  // namespace tholos::coordinator
