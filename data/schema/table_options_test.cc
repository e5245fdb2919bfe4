#include "data/schema/table_options.h"

#include "data/schema/schema.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(TableOptions, DefaultsAreValid) { EXPECT_TRUE(ValidateOptions(TableSchema()).ok()); }

TEST(TableOptions, ValuesOfEachKind) {
  TableSchema table;
  const auto set = [&table](std::string_view name, OptionValue value) {
    const absl::Status status = SetTableOption(name, value, &table);
    EXPECT_TRUE(status.ok()) << status;
  };
  set("comment", "it's");
  set("gc_grace_seconds", "0");
  set("default_time_to_live", "60");
  set("bloom_filter_fp_chance", "1");
  set("cdc", "TRUE");
  set("read_repair", "none");
  set("speculative_retry", "99.9PERCENTILE");
  set("additional_write_policy", "min(99p, 50ms)");
  set("min_index_interval", "4096");
  EXPECT_EQ(ValidateOptions(table).message(),
            "max_index_interval must be greater than or equal to min_index_interval (4096) (got "
            "2048).");
  set("max_index_interval", "4096");
  set("extensions", OptionMap{{"a", "0xcafe"}});
  EXPECT_EQ(table.comment, "it's");
  EXPECT_EQ(table.gc_grace_seconds, 0);
  EXPECT_EQ(table.default_ttl_seconds, 60);
  EXPECT_EQ(table.options.bloom_filter_fp_chance, 1);
  EXPECT_TRUE(table.options.cdc);
  EXPECT_EQ(table.options.read_repair, "NONE");
  EXPECT_EQ(table.options.speculative_retry, "99.9p");
  EXPECT_EQ(table.options.additional_write_policy, "MIN(99p,50ms)");
  EXPECT_TRUE(ValidateOptions(table).ok());
}

TEST(TableOptions, MapsAreCompleted) {
  TableSchema table;
  const auto set = [&table](std::string_view name, OptionMap value) {
    const absl::Status status = SetTableOption(name, value, &table);
    EXPECT_TRUE(status.ok()) << status;
  };
  const std::string package = "org.apache.cassandra.db.compaction.";
  set("compaction", {{"class", "SizeTieredCompactionStrategy"}, {"min_threshold", "6"}});
  EXPECT_THAT(table.options.compaction,
              ElementsAre(Pair("class", package + "SizeTieredCompactionStrategy"),
                          Pair("max_threshold", "32"), Pair("min_threshold", "6")));
  set("compaction",
      {{"class", package + "UnifiedCompactionStrategy"}, {"scaling_parameters", "T4, L8"}});
  EXPECT_THAT(table.options.compaction,
              ElementsAre(Pair("class", package + "UnifiedCompactionStrategy"),
                          Pair("scaling_parameters", "T4, L8")));
  set("compression", {{"sstable_compression", "ZstdCompressor"}, {"compression_level", "5"}});
  EXPECT_THAT(table.options.compression,
              ElementsAre(Pair("chunk_length_in_kb", "16"),
                          Pair("class", "org.apache.cassandra.io.compress.ZstdCompressor"),
                          Pair("compression_level", "5")));
  for (const OptionMap& none :
       {OptionMap{{"enabled", "false"}}, OptionMap{{"class", ""}}, OptionMap{}}) {
    set("compression", none);
    EXPECT_THAT(table.options.compression, ElementsAre(Pair("enabled", "false")));
  }
  set("caching", {{"rows_per_partition", "10"}});
  EXPECT_THAT(table.options.caching,
              ElementsAre(Pair("keys", "ALL"), Pair("rows_per_partition", "10")));
}

TEST(TableOptions, WhatIsRefused) {
  const struct {
    std::string name;
    OptionValue value;
    std::string message;
  } cases[] = {
      {"gc_grace", "1", "Unknown property 'gc_grace'"},
      {"gc_grace_seconds", "-1", "gc_grace_seconds must be greater than or equal to 0 (got -1)"},
      {"gc_grace_seconds", "1.5", "Invalid integer value \"1.5\" for 'gc_grace_seconds'"},
      {"gc_grace_seconds", OptionMap{},
       "Invalid value for property 'gc_grace_seconds'. It should be a simple value."},
      {"compaction", "x", "Invalid value for property 'compaction'. It should be a map."},
      {"compaction", OptionMap{}, "Missing sub-option 'class' for the 'compaction' option."},
      {"compaction", OptionMap{{"class", "X"}}, "Unable to find compaction strategy class \"X\""},
      {"compaction", OptionMap{{"class", "LeveledCompactionStrategy"}, {"x", "1"}},
       "Properties specified [x] are not understood by LeveledCompactionStrategy"},
      {"compaction", OptionMap{{"class", "LeveledCompactionStrategy"}, {"sstable_size_in_mb", "0"}},
       "\"0\" is not at least 1 for sstable_size_in_mb"},
      {"compaction", OptionMap{{"class", "SizeTieredCompactionStrategy"}, {"min_threshold", "64"}},
       "Min compaction threshold cannot be greater than max compaction threshold"},
      {"compaction",
       OptionMap{{"class", "UnifiedCompactionStrategy"}, {"scaling_parameters", "T4, Q2"}},
       "Scaling parameter \"Q2\" must match the regular expression "
       "N|L[0-9]+|T[0-9]+|[+-]?[0-9]+"},
      {"compression", OptionMap{{"class", "LZ4Compressor"}, {"chunk_length_in_kb", "17"}},
       "chunk_length_in_kb must be a power of 2"},
      {"compression", OptionMap{{"class", "X"}}, "Could not create Compression for type \"X\""},
      {"compression", OptionMap{{"chunk_length_in_kb", "16"}},
       "Missing sub-option 'class' for the 'compression' option."},
      {"caching", OptionMap{{"keys", "SOME"}},
       "Invalid value for caching sub-option 'keys': only 'ALL' and 'NONE' are allowed"},
      {"bloom_filter_fp_chance", "0",
       "bloom_filter_fp_chance must be larger than 6.71e-05 and less than or equal to 1.0 (got 0)"},
      {"bloom_filter_fp_chance", "NaN",
       "Invalid double value \"NaN\" for 'bloom_filter_fp_chance'"},
      {"crc_check_chance", "2",
       "crc_check_chance must be larger than or equal to 0 and smaller than or equal to 1.0 (got "
       "2)"},
      {"min_index_interval", "0", "min_index_interval must be greater than or equal to 1 (got 0)"},
      {"cdc", "maybe", "Invalid boolean value \"maybe\" for 'cdc'"},
      {"speculative_retry", "often", "Invalid value \"often\" for option 'speculative_retry'"},
      {"speculative_retry", "100p", "Invalid value \"100p\" for option 'speculative_retry'"},
      {"speculative_retry", "MIN(99p,98p)",
       "Invalid value \"MIN(99p,98p)\" for option 'speculative_retry'"},
      {"read_repair", "ASYNC", "Invalid value \"ASYNC\" for option 'read_repair'"},
      {"extensions", OptionMap{{"a", "cafe"}}, "extensions: \"a\" takes a blob as 0xcafe"},
  };
  for (const auto& c : cases) {
    TableSchema table;
    EXPECT_EQ(SetTableOption(c.name, c.value, &table).message(), c.message) << c.name;
    EXPECT_EQ(table, TableSchema()) << c.name;
  }
}

}  // namespace
}  // namespace tholos::data
