#include "sstable/compaction/strategy.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::sstable {
namespace {

using testing::HasSubstr;

std::string Shown(const std::string& text) {
  const auto options = ParseOptionMap(text);
  if (!options.ok()) return std::string(options.status().message());
  const auto strategy = ParseCompactionStrategy(*options);
  return strategy.ok() ? strategy->ToString() : std::string(strategy.status().message());
}

TEST(CompactionStrategy, ClassesAreSettingsOfOneEngine) {
  const struct {
    const char* options;
    const char* shown;
  } kCases[] = {
      {"{}", "T4 target=1073741824 split_min=104857600 base_splits=4 max=32 space=1.25"},
      {"{'class': 'UnifiedCompactionStrategy', 'scaling_parameters': 'T8, L10,N, 2, -8', "
       "'target_sstable_size': '256MiB', 'base_shard_count': 8}",
       "T8,L10,N,T4,L10 target=268435456 split_min=104857600 base_splits=8 max=32 space=1.25"},
      {"{'max_space_amplification': '0'}",
       "T4 target=1073741824 split_min=104857600 base_splits=4 max=32"},
      {"{'class': 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy', "
       "'min_threshold': '6', 'max_threshold': 20, 'bucket_low': 0.5}",
       "T6 by size max=20"},
      {"{'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': '64'}",
       "L10 target=67108864 split_min=67108864 base_splits=1 max=32"},
      {"{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'HOURS', "
       "'compaction_window_size': '6'}",
       "T4 by size max=32 window=21600s"},
      {"{'class': 'LeveledCompactionStrategy', 'enabled': 'false'}",
       "L10 target=167772160 split_min=167772160 base_splits=1 max=32 disabled"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Shown(c.options), c.shown) << c.options;
}

TEST(CompactionStrategy, NamesTheWrongOption) {
  const struct {
    const char* options;
    const char* error;
  } kCases[] = {
      {"{'class': 'Nonsense'}", "compaction option 'class': 'Nonsense' is not Unified"},
      {"{'clas': 'x'}", "unknown compaction option 'clas'"},
      {"{'scaling_parameters': 'T1'}", "'scaling_parameters': 'T1' is not from 2 to 64"},
      {"{'scaling_parameters': 'Q4'}", "'Q4' is not T<n>, L<n> or N"},
      {"{'scaling_parameters': ''}", "'' is not T<n>, L<n> or N"},
      {"{'target_sstable_size': '1GB'}", "'1GB' is not a size like 100MiB"},
      {"{'target_sstable_size': '1KiB'}", "is not at least 1MiB"},
      {"{'class': 'SizeTieredCompactionStrategy', 'min_threshold': '1'}",
       "an integer from 2 to 64"},
      {"{'class': 'SizeTieredCompactionStrategy', 'max_threshold': '3'}", "at least min_threshold"},
      {"{'class': 'SizeTieredCompactionStrategy', 'fanout_size': '3'}",
       "unknown compaction option"},
      {"{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'WEEKS'}",
       "'WEEKS' is not MINUTES, HOURS or DAYS"},
      {"{'max_space_amplification': '1'}", "'1' is not 0 (no bound) or from 1.05 to 100"},
      {"{'max_space_amplification': 'nan'}", "'nan' is not 0 (no bound)"},
      {"{'class': 'LeveledCompactionStrategy', 'max_space_amplification': '2'}",
       "unknown compaction option"},
      {"{'enabled': 'maybe'}", "'maybe' is not true or false"},
      {"{'class'}", "expected ':'"},
      {"{'a': 'b'", "expected ',' or '}'"},
      {"nothing", "expected '{'"},
      {"{} x", "expected the end"},
  };
  for (const auto& c : kCases) EXPECT_THAT(Shown(c.options), HasSubstr(c.error)) << c.options;
}

TEST(CompactionStrategy, OptionMapsAreAsCqlWritesThem) {
  const auto map = ParseOptionMap(" { 'it''s' : 'a b' , 'n':12, 'f': -1.5,'b':true } ");
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_EQ(*map, (std::map<std::string, std::string>{
                      {"it's", "a b"}, {"n", "12"}, {"f", "-1.5"}, {"b", "true"}}));
}

}  // namespace
}  // namespace tholos::sstable
