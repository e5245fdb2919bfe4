#include "coordinator/partition_rates.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/uuid.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using base::RequestErrorKind;
using enum ConsistencyLevel;
using Kind = PartitionRates::Kind;

const data::TableId kTable = *base::Uuid::Parse("7ab0dfa5-2e35-4a7e-9b07-5d8d0a1f00aa");
const data::TableId kOther = *base::Uuid::Parse("7ab0dfa5-2e35-4a7e-9b07-5d8d0a1f00ab");

base::MonotonicTime At(absl::Duration t) { return base::MonotonicTime() + absl::Hours(1) + t; }

TEST(PartitionRatesTest, WithoutLimitsAllIsAdmitted) {
  PartitionRates rates({});
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(rates.Admits(Kind::kRead, kTable, 1, At({})));
}

TEST(PartitionRatesTest, ASecondsWorthAtOnceAndThenTheRate) {
  PartitionRates rates({.writes_per_second = 100});
  int admitted = 0;
  for (int i = 0; i < 500; ++i) admitted += rates.Admits(Kind::kWrite, kTable, 1, At({})) ? 1 : 0;
  EXPECT_EQ(admitted, 100);
  for (int ms = 1; ms <= 10'000; ++ms)
    admitted += rates.Admits(Kind::kWrite, kTable, 1, At(absl::Milliseconds(ms))) ? 1 : 0;
  EXPECT_EQ(admitted, 1100);
}

TEST(PartitionRatesTest, EachCountsForItself) {
  PartitionRates rates({.reads_per_second = 1, .writes_per_second = 1});
  EXPECT_TRUE(rates.Admits(Kind::kWrite, kTable, 1, At({})));
  EXPECT_FALSE(rates.Admits(Kind::kWrite, kTable, 1, At({})));
  EXPECT_TRUE(rates.Admits(Kind::kRead, kTable, 1, At({}))) << "another kind";
  EXPECT_TRUE(rates.Admits(Kind::kWrite, kTable, 2, At({}))) << "another partition";
  EXPECT_TRUE(rates.Admits(Kind::kWrite, kOther, 1, At({}))) << "another table";
  EXPECT_TRUE(rates.Admits(Kind::kWrite, kTable, 1, At(absl::Seconds(1))));
}

// One that is far ahead keeps its slot, however many others come.
TEST(PartitionRatesTest, ManyOthersNeitherRefuseNorFreeAnybody) {
  PartitionRates rates({.reads_per_second = 1000});
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(rates.Admits(Kind::kRead, kTable, -7, At({})));
  for (uint64_t i = 0; i < 100'000; ++i) {
    const auto token = static_cast<data::Token>(i * 0x123456789abcdef);
    ASSERT_TRUE(rates.Admits(Kind::kRead, kTable, token, At({})));
  }
  EXPECT_FALSE(rates.Admits(Kind::kRead, kTable, -7, At({})));
}

TEST(PartitionRatesTest, ARequestBeyondItIsOverloadedAndNothingIsApplied) {
  TestCluster cluster(
      {.coordinator = {.partition_rates = {.reads_per_second = 2, .writes_per_second = 3}}});
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(cluster.Write(0, PutRow("p", absl::StrCat("c", i), 1, "v"), kQuorum).ok());
  const absl::Status refused = cluster.Write(0, PutRow("p", "d", 1, "v"), kQuorum);
  ASSERT_EQ(base::GetRequestError(refused)->kind, RequestErrorKind::kOverloaded) << refused;
  EXPECT_NE(refused.message().find("ks."), absl::string_view::npos) << refused;
  EXPECT_NE(refused.message().find("partition_writes_per_second"), absl::string_view::npos);
  EXPECT_FALSE(cluster.HasRow(1, "p", "d"));
  EXPECT_TRUE(cluster.Write(0, PutRow("q", "d", 1, "v"), kQuorum).ok());
  ASSERT_TRUE(cluster.Read(0, ReadAll("p"), kQuorum).ok());
  ASSERT_TRUE(cluster.Read(0, ReadAll("p"), kQuorum).ok());
  const absl::Status read = cluster.Read(0, ReadAll("p"), kQuorum).status();
  ASSERT_EQ(base::GetRequestError(read)->kind, RequestErrorKind::kOverloaded) << read;
  EXPECT_EQ(cluster.Metric(0, "tholos_coordinator_partition_limited_total"), 2);
  cluster.RunFor(absl::Seconds(1));
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "d", 1, "v"), kQuorum).ok());
  EXPECT_TRUE(cluster.Read(0, ReadAll("p"), kQuorum).ok());
}

}  // namespace
}  // namespace tholos::coordinator
