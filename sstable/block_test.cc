#include "sstable/block.h"

#include <map>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/block_builder.h"

namespace tholos::sstable {
namespace {

std::string RandomKey(base::RandomStream& random) {
  std::string key;
  for (uint64_t i = random.Below(6); i > 0; --i) {
    key.push_back(static_cast<char>(random.Chance(0.2) ? random.Next() : 'a' + random.Below(3)));
  }
  return key;
}

std::shared_ptr<const Block> BlockOf(const std::map<std::string, std::string>& entries) {
  BlockBuilder builder;
  for (const auto& [key, value] : entries) builder.Add(key, value);
  const size_t bytes = builder.bytes();
  const std::string payload(builder.Finish());
  EXPECT_EQ(payload.size(), bytes);
  EXPECT_TRUE(builder.empty());
  auto block = Block::Parse(payload);
  EXPECT_TRUE(block.ok()) << block.status();
  return *std::move(block);
}

using Entries = std::map<std::string, std::string>;

// The cursor is where `it` is; end() stands for either side.
void ExpectAt(const BlockCursor& cursor, const Entries& entries, Entries::const_iterator it) {
  ASSERT_EQ(cursor.valid(), it != entries.end());
  if (!cursor.valid()) return;
  ASSERT_EQ(cursor.key(), it->first);
  ASSERT_EQ(cursor.value(), it->second);
}

TEST(BlockCursor, AgreesWithAMap) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::RandomStream random(seed);
    Entries entries;
    for (uint64_t i = random.Below(100); i > 0; --i) entries[RandomKey(random)] = RandomKey(random);
    BlockCursor cursor(BlockOf(entries));
    for (int i = 0; i < 100; ++i) {
      const std::string key = RandomKey(random);
      auto it = entries.lower_bound(key);
      const auto before = [&](Entries::const_iterator from) {
        return from == entries.begin() ? entries.cend() : std::prev(from);
      };
      switch (random.Below(3)) {
        case 0:
          cursor.SeekAtOrAfter(key);
          break;
        case 1:
          cursor.SeekBefore(key);
          it = entries.empty()
                   ? it
                   : Entries::iterator(entries.find(
                         before(it) == entries.cend() ? "no such key" : before(it)->first));
          break;
        default:
          cursor.SeekAtOrBefore(key);
          if (it == entries.end() || it->first != key) {
            it = entries.find(before(it) == entries.cend() ? "no such key" : before(it)->first);
          }
          break;
      }
      ExpectAt(cursor, entries, it);
      for (uint64_t steps = random.Below(40); steps > 0 && it != entries.end(); --steps) {
        if (random.Chance(0.5)) {
          ++it;
          ASSERT_EQ(cursor.Next(), it != entries.end());
        } else {
          it = entries.find(before(it) == entries.cend() ? "no such key" : before(it)->first);
          ASSERT_EQ(cursor.Previous(), it != entries.end());
        }
        ExpectAt(cursor, entries, it);
      }
    }
  }
}

TEST(BlockCursor, TurnsAroundAtTheEnds) {
  BlockCursor cursor(BlockOf({{"a", "1"}, {"b", "2"}}));
  cursor.SeekAtOrAfter("c");
  EXPECT_FALSE(cursor.valid());
  EXPECT_FALSE(cursor.Next());
  EXPECT_TRUE(cursor.Previous());
  EXPECT_EQ(cursor.key(), "b");
  cursor.SeekBefore("a");
  EXPECT_FALSE(cursor.valid());
  EXPECT_FALSE(cursor.Previous());
  EXPECT_TRUE(cursor.Next());
  EXPECT_EQ(cursor.key(), "a");
}

// Whatever passes Parse can be walked and searched without harm.
TEST(Block, DamagedPayloadsAreRefusedOrHarmless) {
  base::RandomStream random(1);
  Entries entries;
  for (int i = 0; i < 60; ++i) entries[RandomKey(random)] = RandomKey(random);
  BlockBuilder builder;
  for (const auto& [key, value] : entries) builder.Add(key, value);
  const std::string payload(builder.Finish());
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = payload;
    if (random.Chance(0.1)) damaged.resize(random.Below(damaged.size()));
    for (uint64_t flips = 1 + random.Below(3); flips > 0 && !damaged.empty(); --flips) {
      damaged[random.Below(damaged.size())] = static_cast<char>(random.Next());
    }
    auto block = Block::Parse(damaged);
    if (!block.ok()) {
      ++refused;
      continue;
    }
    BlockCursor cursor(*block);
    while (cursor.Next()) {
    }
    while (cursor.Previous()) {
    }
    cursor.SeekAtOrAfter(RandomKey(random));
    cursor.SeekBefore(RandomKey(random));
    cursor.SeekAtOrBefore(RandomKey(random));
  }
  EXPECT_GT(refused, 5000);
}

}  // namespace
}  // namespace tholos::sstable
