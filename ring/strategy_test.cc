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
  };
  for (const auto& c : cases) {
    const auto strategy = ReplicationStrategy::Parse(c.options);
    ASSERT_FALSE(strategy.ok()) << c.message;
    const auto error = base::GetRequestError(strategy.status());
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind, base::RequestErrorKind::kInvalid);
    EXPECT_THAT(std::string(strategy.status().message()), testing::HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace tholos::ring
