// IN lists over partitions of any size: what is read side by side shares the bytes of one page.
#include "cql/statements/row_reader.h"

#include <string>
#include <vector>

#include "base/strings.h"
#include "cql/rows.h"
#include "cql/testing/memory_node.h"
#include "data/types/data_type.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

TEST(RowReader, PartitionsOfAnySizeSideBySide) {
  constexpr int kKeys = 100;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    base::RandomStream random(seed);
    MemoryNode node;
    node.Run(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', "
        "'replication_factor': 1}");
    node.Run("CREATE TABLE ks.t (k int, c int, v blob, PRIMARY KEY (k, c))");
    std::vector<std::pair<std::string, size_t>> expected;  // clustering, bytes of the value
    std::string keys;
    for (int key = 0; key < kKeys; ++key) {
      base::StrAppend(&keys, key == 0 ? "" : ", ", key);
      for (int row = static_cast<int>(random.Below(4)); row > 0; --row) {
        const size_t bytes = random.Chance(0.02)  ? size_t{1500} << 10
                             : random.Chance(0.1) ? 40'000 + random.Below(100'000)
                                                  : random.Below(2000);
        const int clustering = 10 * key + 9 - row;
        QueryOptions options;
        options.values = {{.value = std::string(bytes, 'v')}};
        const auto written = node.Execute(
            base::StrCat("INSERT INTO ks.t (k, c, v) VALUES (", key, ", ", clustering, ", ?)"),
            std::move(options));
        ASSERT_TRUE(written.ok()) << written.status();
        expected.emplace_back(data::EncodeInt(clustering), bytes);
      }
    }
    std::vector<std::pair<std::string, size_t>> seen;
    QueryOptions options;
    options.page_size = random.Chance(0.5) ? 5000 : 7;
    for (int pages = 0; pages < 1000; ++pages) {
      const RowsResult page =
          node.Rows(base::StrCat("SELECT c, v FROM ks.t WHERE k IN (", keys, ")"), options);
      for (const std::vector<data::Value>& row : DecodeRows(page))
        seen.emplace_back(row.at(0).value(), row.at(1).value().size());
      if (page.paging_state.empty()) break;
      options.paging_state = page.paging_state;
    }
    EXPECT_EQ(seen, expected);
    EXPECT_GT(node.coordinator.share_max, 0u);
    EXPECT_LE(node.coordinator.share_max, data::ReadCommand().bytes_limit / 2);
  }
}

}  // namespace
}  // namespace tholos::cql
