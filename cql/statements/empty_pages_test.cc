// Pages without a row behind which there is more, and what counts over such pages.
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/strings.h"
#include "cql/rows.h"
#include "cql/testing/memory_node.h"
#include "data/types/data_type.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

using testing::HasSubstr;

constexpr uint64_t kTombstonesMax = 500;

class EmptyPagesTest : public testing::Test {
 protected:
  void SetUp() override {
    node_.Run(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', "
        "'replication_factor': 1}");
    node_.Run("USE ks");
    node_.Run("CREATE TABLE t (k int, c int, v int, PRIMARY KEY (k, c))");
  }

  // The rows of each page, and what warns of it.
  struct Page {
    std::vector<int> rows;
    std::vector<std::string> warnings;
  };
  std::vector<Page> Pages(const std::string& query) {
    std::vector<Page> pages;
    QueryOptions options;
    do {
      const auto result = node_.Execute(query, options);
      EXPECT_TRUE(result.ok()) << result.status();
      if (!result.ok()) return pages;
      const auto& rows = std::get<RowsResult>(result->result);
      Page& page = pages.emplace_back();
      for (const std::vector<data::Value>& row : DecodeRows(rows))
        page.rows.push_back(data::DecodeInt(row.at(0).value()));
      page.warnings = result->warnings;
      options.paging_state = rows.paging_state;
    } while (!options.paging_state.empty() && pages.size() < 100);
    return pages;
  }

  // `count` reads that find nothing but so many tombstones; each ends before a token, and then one row.
  void SetDeleted(int count, uint64_t tombstones = kTombstonesMax) {
    node_.coordinator.pages = [count, tombstones](const data::ReadCommand& command) {
      coordinator::ReadPage page;
      page.tombstones = tombstones;
      const data::Token token = command.after ? command.after->key.token : 0;
      if (token < count) {
        page.next = data::Position{{token + 1, ""}, std::nullopt};
        return page;
      }
      data::Partition& partition =
          page.partitions.emplace_back(data::DecoratedKey::Of(data::EncodeInt(7)));
      partition.rows.push_back({.clustering = "", .liveness = data::Liveness::At(1)});
      return page;
    };
  }

  MemoryNode node_{
      {.filtered_rows_max = 2, .tombstones_warn = 100, .tombstones_max = kTombstonesMax}};
};

TEST_F(EmptyPagesTest, AFilterMayLeaveNothing) {
  for (int c = 0; c < 7; ++c)
    node_.Run(base::StrCat("INSERT INTO t (k, c, v) VALUES (1, ", c, ", ", c == 6, ")"));
  node_.coordinator.rows_max = 2;
  for (const char* limit : {"", "LIMIT 5 "}) {
    const auto pages =
        Pages(base::StrCat("SELECT c FROM t WHERE v = 1 ", limit, "ALLOW FILTERING"));
    ASSERT_EQ(pages.size(), 4u) << limit;
    for (int empty = 0; empty < 3; ++empty) EXPECT_TRUE(pages[empty].rows.empty());
    EXPECT_EQ(pages[3].rows, std::vector<int>{6});
  }
  EXPECT_EQ(Pages("SELECT c FROM t WHERE v = 1 LIMIT 1 ALLOW FILTERING").size(), 4u);
}

TEST_F(EmptyPagesTest, DeletedDataMayFillThem) {
  SetDeleted(3);
  const auto pages = Pages("SELECT k FROM t");
  ASSERT_EQ(pages.size(), 4u);
  for (int empty = 0; empty < 3; ++empty) {
    EXPECT_TRUE(pages[empty].rows.empty());
    EXPECT_EQ(pages[empty].warnings,
              std::vector<std::string>{"the page of ks.t met 500 tombstones and has 0 rows"});
  }
  EXPECT_EQ(pages[3].rows, std::vector<int>{7});
}

TEST_F(EmptyPagesTest, APageThatTakesLongEndsWithWhatIsInIt) {
  SetDeleted(20, /*tombstones=*/0);
  node_.coordinator.read_takes = absl::Milliseconds(1700);
  // It has ten seconds, and reads until five are over: three times.
  const auto pages = Pages("SELECT k FROM t");
  EXPECT_EQ(pages.size(), 7u);
  EXPECT_EQ(pages.back().rows, std::vector<int>{7});
}

// One page of the coordinator after another, none of which is kept, for as long as there is time.
TEST_F(EmptyPagesTest, ACountReadsOnOverThem) {
  SetDeleted(50);
  node_.coordinator.read_takes = absl::Milliseconds(100);
  EXPECT_EQ(Show(node_.Execute("SELECT count(*) FROM t")), "count\n1");
  EXPECT_EQ(node_.coordinator.reads, 51);
}

TEST_F(EmptyPagesTest, ACountThatIsTooLateNamesTheTombstones) {
  SetDeleted(1'000'000);
  node_.coordinator.read_takes = absl::Milliseconds(300);
  for (const char* query : {"SELECT count(*) FROM t", "SELECT k, count(*) FROM t GROUP BY k",
                            "SELECT sum(v) FROM t WHERE v = 1 ALLOW FILTERING"}) {
    const base::MonotonicTime begun = node_.world.clock().Now();
    const absl::Status status = node_.Execute(query).status();
    EXPECT_LE(node_.world.clock().Now() - begun, absl::Milliseconds(10'400)) << query;
    ASSERT_TRUE(base::GetRequestError(status).has_value()) << status;
    EXPECT_EQ(base::GetRequestError(status)->kind, base::RequestErrorKind::kTimeout);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("0 rows and 17000 tombstones of ks.t were read until then"));
  }
}

}  // namespace
}  // namespace tholos::cql
