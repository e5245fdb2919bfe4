#include "coordinator/read/table_policy.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

TEST(SpeculativeRetryTest, ParsesAndDelays) {
  LatencyEstimate latencies;
  for (int i = 1; i <= 256; ++i) latencies.Observe(absl::Milliseconds(i));
  const absl::Duration min = absl::Milliseconds(20);
  const struct {
    const char* text;
    absl::Duration delay;
  } cases[] = {
      {"99PERCENTILE", absl::Milliseconds(254)},
      {"'99p'", absl::Milliseconds(254)},
      {"50percentile", absl::Milliseconds(129)},
      {"5P", absl::Milliseconds(20)},
      {"50ms", absl::Milliseconds(50)},
      {"'1.5ms'", absl::Milliseconds(1.5)},
      {"MIN(99p,50ms)", absl::Milliseconds(50)},
      {"max( 99PERCENTILE, 50MS )", absl::Milliseconds(254)},
      {"100p", absl::Milliseconds(256)},
  };
  for (const auto& c : cases) {
    const auto retry = SpeculativeRetry::Parse(c.text);
    ASSERT_TRUE(retry.ok()) << retry.status();
    EXPECT_EQ(retry->kind(), SpeculativeRetry::Kind::kDelay);
    EXPECT_EQ(retry->Delay(latencies, min), c.delay) << c.text;
  }
  EXPECT_EQ(SpeculativeRetry::Parse("never")->kind(), SpeculativeRetry::Kind::kNever);
  EXPECT_EQ(SpeculativeRetry::Parse("'NONE'")->kind(), SpeculativeRetry::Kind::kNever);
  EXPECT_EQ(SpeculativeRetry::Parse("ALWAYS")->kind(), SpeculativeRetry::Kind::kAlways);
  EXPECT_EQ(*SpeculativeRetry::Parse("99p"), SpeculativeRetry());
  for (const char* text :
       {"", "often", "101p", "0p", "-1ms", "p", "ms", "MIN(99p)", "MIN(99p,x)"}) {
    const auto status = SpeculativeRetry::Parse(text).status();
    ASSERT_TRUE(base::GetRequestError(status).has_value()) << text << ": " << status;
    EXPECT_EQ(base::GetRequestError(status)->kind, base::RequestErrorKind::kConfig);
  }
}

absl::Duration SlowRead(const char* speculative_retry) {
  TestClusterOptions options;
  options.table_options = {{"speculative_retry", speculative_retry}};
  TestCluster cluster(options);
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll).ok());
  cluster.faults(1).read_delay = absl::Milliseconds(900);
  const auto start = cluster.simulation().now();
  EXPECT_TRUE(cluster.Read(0, ReadAll("p"), kQuorum).ok());
  return cluster.simulation().now() - start;
}

TEST(TablePolicyTest, DecidesWhenAnotherReplicaIsAsked) {
  EXPECT_LT(SlowRead("ALWAYS"), absl::Milliseconds(10));
  EXPECT_GE(SlowRead("NEVER"), absl::Milliseconds(900));
  EXPECT_NEAR(absl::ToDoubleMilliseconds(SlowRead("200ms")), 200, 10);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(SlowRead("99p")), 50, 10);
}

TEST(TablePolicyTest, ReadRepairMayBeTurnedOff) {
  for (const bool on : {true, false}) {
    TestClusterOptions options;
    options.table_options = {{"read_repair", on ? "BLOCKING" : "NONE"}};
    TestCluster cluster(options);
    cluster.Apply(0, PutRow("p", "c", 1, "v"));
    EXPECT_EQ(Show(cluster.Read(0, ReadAll("p"), kAll)), std::vector<std::string>{"p/c=v"});
    cluster.RunFor(absl::Seconds(1));
    EXPECT_EQ(cluster.HasRow(1, "p", "c"), on);
    EXPECT_EQ(cluster.HasRow(2, "p", "c"), on);
  }
}

}  // namespace
}  // namespace tholos::coordinator
