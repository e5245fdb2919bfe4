#include "ring/strategy.h"

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::ring {
namespace {

using Options = std::map<std::string, std::string>;

TEST(ReplicationStrategy, ParsesSimpleStrategy) {
  for (const std::string name : {"SimpleStrategy", "org.apache.cassandra.locator.SimpleStrategy"}) {
    const auto strategy =
        ReplicationStrategy::Parse({{"class", name}, {"replication_factor", "3"}});
    ASSERT_TRUE(strategy.ok()) << strategy.status();
    EXPECT_EQ(strategy->factor, 3u);
  }
}

TEST(ReplicationStrategy, ParsesNetworkTopologyStrategy) {
  const auto strategy = ReplicationStrategy::Parse(
      {{"class", "NetworkTopologyStrategy"}, {"dc1", "3"}, {"dc2", "2"}, {"dc3", "0"}});
  ASSERT_TRUE(strategy.ok()) << strategy.status();
  EXPECT_EQ(strategy->factor, 5u);
  EXPECT_EQ(strategy->FactorIn("dc1"), 3u);
  EXPECT_EQ(strategy->FactorIn("dc2"), 2u);
  EXPECT_EQ(strategy->FactorIn("dc3"), 0u);
  EXPECT_EQ(strategy->FactorIn("dc4"), 0u);
}

TEST(ReplicationStrategy, ExpandsTheFactorOfAllDatacenters) {
  const std::vector<std::string> datacenters = {"dc1", "dc2"};
  const Options all = {{"class", "NetworkTopologyStrategy"}, {"replication_factor", "3"}};
  EXPECT_EQ(*ExpandReplication(all, datacenters),
            (Options{{"class", "NetworkTopologyStrategy"}, {"dc1", "3"}, {"dc2", "3"}}));
  Options but_one = all;
  but_one["dc2"] = "1";
  EXPECT_EQ(*ExpandReplication(but_one, datacenters),
            (Options{{"class", "NetworkTopologyStrategy"}, {"dc1", "3"}, {"dc2", "1"}}));
  const Options simple = {{"class", "SimpleStrategy"}, {"replication_factor", "3"}};
  EXPECT_EQ(*ExpandReplication(simple, datacenters), simple);
  const auto unknown =
      ExpandReplication({{"class", "NetworkTopologyStrategy"}, {"dc3", "1"}}, datacenters);
  EXPECT_THAT(std::string(unknown.status().message()), testing::HasSubstr("no datacenter 'dc3'"));
}

TEST(ReplicationStrategy, NamesWhatIsWrong) {
  const struct {
    Options options;
    std::string message;
  } cases[] = {
      {{{"replication_factor", "3"}}, "no 'class'"},
      {{{"class", "OldNetworkTopologyStrategy"}}, "'OldNetworkTopologyStrategy' is not supported"},
      {{{"class", "SimpleStrategy"}}, "needs a 'replication_factor'"},
      {{{"class", "SimpleStrategy"}, {"replication_factor", "0"}}, "'0' is not a number from 1"},
      {{{"class", "SimpleStrategy"}, {"replication_factor", "-1"}}, "'-1' is not"},
      {{{"class", "SimpleStrategy"}, {"replication_factor", "x"}}, "'x' is not"},
      {{{"class", "SimpleStrategy"}, {"replication_factor", "65"}}, "1 to 64"},
      {{{"class", "SimpleStrategy"}, {"replication_factor", "1"}, {"dc1", "2"}}, "option 'dc1'"},
      {{{"class", "NetworkTopologyStrategy"}}, "at least one datacenter"},
      {{{"class", "NetworkTopologyStrategy"}, {"dc1", "0"}}, "at least one datacenter"},
      {{{"class", "NetworkTopologyStrategy"}, {"dc1", "x"}}, "dc1 'x' is not a number from 0"},
      {{{"class", "NetworkTopologyStrategy"}, {"replication_factor", "2"}}, "for each datacenter"},
  };
  for (const auto& c : cases) {
    const auto strategy = ReplicationStrategy::Parse(c.options);
    ASSERT_FALSE(strategy.ok()) << c.message;
    const auto error = base::GetRequestError(strategy.status());
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind, base::RequestErrorKind::kConfig);
    EXPECT_THAT(std::string(strategy.status().message()), testing::HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace tholos::ring
