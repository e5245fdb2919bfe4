#include "node/config.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::node {
namespace {

using ::testing::HasSubstr;

TEST(Config, ReadsEveryKindOfKey) {
  Config config;
  const absl::Status status = ParseConfig(
      "cluster_name: shop   # a comment\n"
      "seeds: [10.0.0.1, \"10.0.0.2:7100\"]\n"
      "shards: 4\n"
      "memtable_memory: 1GiB\n"
      "tombstones_warn: 50\n"
      "partition_writes_per_second: 20\n"
      "client_memory: 64MiB\n"
      "slow_request: 2s\n"
      "open_network: true\n",
      "tholos.yaml", &config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(config.cluster_name, "shop");
  ASSERT_EQ(config.seeds.size(), 2u);
  EXPECT_EQ(config.seeds[0].ToString(), "10.0.0.1:7000");
  EXPECT_EQ(config.seeds[1].ToString(), "10.0.0.2:7100");
  EXPECT_EQ(config.shards, 4);
  EXPECT_EQ(config.memtable_memory, 1u << 30);
  EXPECT_EQ(config.limits.tombstones_warn, 50u);
  EXPECT_EQ(config.partition_reads_per_second, 0u);
  EXPECT_EQ(config.partition_writes_per_second, 20u);
  EXPECT_EQ(config.client_memory, 64u << 20);
  EXPECT_EQ(config.slow_request, absl::Seconds(2));
  EXPECT_TRUE(config.open_network);
}

TEST(Config, SetsTheLimitsOfStatements) {
  Config config;
  const absl::Status status = ParseConfig(
      "statement_bytes_max: 2MiB\n"
      "nesting_depth_max: 32\n"
      "collection_elements_warn: 5\n"
      "collection_elements_max: 6\n",
      "tholos.yaml", &config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(ValidateConfig(config).ok());
  EXPECT_EQ(config.limits.statement_bytes_max, 2u << 20);
  EXPECT_EQ(config.limits.nesting_depth_max, 32);
  EXPECT_EQ(config.limits.collection_elements_warn, 5u);
  ASSERT_TRUE(SetConfigKey("collection_elements_warn", "7", &config).ok());
  EXPECT_EQ(std::string(ValidateConfig(config).message()),
            "collection_elements_warn, 7, is above collection_elements_max, 6");
}

TEST(Config, ErrorsNameFileLineAndKey) {
  const struct {
    const char* text;
    const char* message;
  } kCases[] = {
      {"cluster_name: a\nshard: 3\n", "f.yaml:2: unknown key 'shard' (did you mean 'shards'?)"},
      {"shards: many\n", "f.yaml:1: shards: expected a number from 0 to 256, found 'many'"},
      {"\n\nclient_port: 70000\n", "f.yaml:3: client_port: expected a number from 1 to 65535"},
      {"open_network: maybe\n", "f.yaml:1: open_network: expected true or false, found 'maybe'"},
      {"memtable_memory: 3 apples\n", "f.yaml:1: memtable_memory: expected a size such as 256MiB"},
      {"seeds: [a:b]\n", "f.yaml:1: seeds: 'a:b'"},
      {"seeds: {a: b}\n", "f.yaml:1: seeds: expected a value or a list"},
      {"rack: r1\nrack: r2\n", "f.yaml:2: key 'rack' is given twice"},
      {"rack: [\n", "f.yaml:2"},
      {"just words\n", "f.yaml:1: expected lines of the form"},
      {"nesting_depth_max: 257\n", "nesting_depth_max: expected a number from 8 to 256"},
      {"key_bytes_max: 64KiB\n", "key_bytes_max: expected a size from 16 to 65535 bytes"},
      {"slow_request: 0\n", "slow_request: expected a time from 1ms to 1h such as 500ms"},
      {"slow_request: 5\n", "slow_request: expected a time from 1ms to 1h such as 500ms"},
      {"slow_request: 61m\n", "slow_request: expected a time from 1ms to 1h such as 500ms"},
      {"log_level: loud\n", "expected debug, info, warn or error"},
  };
  for (const auto& c : kCases) {
    Config config;
    const absl::Status status = ParseConfig(c.text, "f.yaml", &config);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
  }
}

TEST(Config, ListensBeyondLoopbackOnlyWhenTold) {
  Config config;
  EXPECT_TRUE(ValidateConfig(config).ok());
  config.listen = "10.0.0.1";
  EXPECT_THAT(std::string(ValidateConfig(config).message()), HasSubstr("open_network"));
  config.open_network = true;
  EXPECT_TRUE(ValidateConfig(config).ok());
}

TEST(Config, ClockSkewMaxIsATimeOrOff) {
  Config config;
  EXPECT_EQ(config.clock_skew_max, absl::Seconds(10));
  const std::pair<const char*, absl::Duration> kGood[] = {{"500ms", absl::Milliseconds(500)},
                                                          {"1m30s", absl::Seconds(90)},
                                                          {"24h", absl::Hours(24)},
                                                          {"0", absl::InfiniteDuration()}};
  for (const auto& [text, span] : kGood) {
    EXPECT_TRUE(SetConfigKey("clock_skew_max", text, &config).ok()) << text;
    EXPECT_EQ(config.clock_skew_max, span) << text;
  }
  for (const char* text : {"", "10", "499ms", "-10s", "25h", "inf", "off", "10 s"}) {
    const absl::Status status = SetConfigKey("clock_skew_max", text, &config);
    EXPECT_EQ(status.message(), absl::StrCat("clock_skew_max: expected a time from 500ms to 24h "
                                             "such as 500ms, or 0, found '",
                                             text, "'"));
  }
}

}  // namespace
}  // namespace tholos::node
