#include "coordinator/consistency.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

struct Row {
  ConsistencyLevel level;
  const char* name;
  uint32_t number;
  uint32_t required[6];  // for replication factors 0 to 5
};

constexpr Row kRows[] = {
    {kAny, "ANY", 0, {1, 1, 1, 1, 1, 1}},
    {kOne, "ONE", 1, {1, 1, 1, 1, 1, 1}},
    {kTwo, "TWO", 2, {2, 2, 2, 2, 2, 2}},
    {kThree, "THREE", 3, {3, 3, 3, 3, 3, 3}},
    {kQuorum, "QUORUM", 4, {1, 1, 2, 2, 3, 3}},
    {kAll, "ALL", 5, {1, 1, 2, 3, 4, 5}},
    {kLocalQuorum, "LOCAL_QUORUM", 6, {1, 1, 2, 2, 3, 3}},
    {kEachQuorum, "EACH_QUORUM", 7, {1, 1, 2, 2, 3, 3}},
    {kSerial, "SERIAL", 8, {1, 1, 2, 2, 3, 3}},
    {kLocalSerial, "LOCAL_SERIAL", 9, {1, 1, 2, 2, 3, 3}},
    {kLocalOne, "LOCAL_ONE", 10, {1, 1, 1, 1, 1, 1}},
};

TEST(ConsistencyTest, NamesNumbersAndRequiredAnswers) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(ConsistencyName(row.level), row.name);
    EXPECT_EQ(ConsistencyFromName(row.name).value(), row.level);
    EXPECT_EQ(ConsistencyFromNumber(row.number).value(), row.level);
    for (uint32_t factor = 0; factor < 6; ++factor) {
      EXPECT_EQ(RequiredAnswers(row.level, factor), row.required[factor]) << "factor " << factor;
    }
  }
}

TEST(ConsistencyTest, NamesInAnyCase) {
  EXPECT_EQ(ConsistencyFromName("local_Quorum").value(), kLocalQuorum);
}

TEST(ConsistencyTest, UnknownOnesAreInvalidRequests) {
  for (const absl::Status& status :
       {ConsistencyFromName("MOST").status(), ConsistencyFromName("").status(),
        ConsistencyFromNumber(11).status(), ConsistencyFromNumber(1u << 31).status()}) {
    ASSERT_TRUE(base::GetRequestError(status).has_value()) << status;
    EXPECT_EQ(base::GetRequestError(status)->kind, base::RequestErrorKind::kInvalid);
  }
}

// Any read quorum and any write quorum share a replica.
TEST(ConsistencyTest, QuorumsOverlap) {
  for (uint32_t factor = 1; factor < 100; ++factor) {
    EXPECT_GT(2 * RequiredAnswers(kQuorum, factor), factor);
    EXPECT_LE(RequiredAnswers(kQuorum, factor), factor);
  }
}

}  // namespace
}  // namespace tholos::coordinator
