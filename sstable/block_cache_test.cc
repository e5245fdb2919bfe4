#include "sstable/block_cache.h"

#include "base/random.h"
#include "base/sim/test_world.h"
#include "gtest/gtest.h"
#include "sstable/block_builder.h"

namespace tholos::sstable {
namespace {

std::shared_ptr<const Block> BlockOf(size_t value_bytes) {
  BlockBuilder builder;
  builder.Add("key", std::string(value_bytes, 'v'));
  return Block::Parse(builder.Finish()).value();
}

TEST(FifoBlockCache, KeepsWhatIsReadThroughAScan) {
  const auto block = BlockOf(1000);
  base::Metrics metrics;
  base::Counter& hits = metrics.AddCounter("hits", "");
  base::Gauge& bytes = metrics.AddGauge("bytes", "");
  FifoBlockCache cache(100 * block->bytes(), {.hits = &hits, .bytes = &bytes});
  // Sixty blocks that are read now and then, and a scan of ten times the cache beside them.
  for (uint64_t i = 0; i < 60; ++i) cache.Put(1, i, block);
  for (uint64_t i = 0; i < 60; ++i) EXPECT_NE(cache.Get(1, i), nullptr);
  for (uint64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(cache.Get(2, i), nullptr);
    cache.Put(2, i, block);
    EXPECT_LE(cache.bytes(), 100 * block->bytes());
  }
  for (uint64_t i = 0; i < 60; ++i) EXPECT_NE(cache.Get(1, i), nullptr) << i;
  EXPECT_EQ(cache.hits(), 120u);
  EXPECT_EQ(cache.misses(), 1000u);
  EXPECT_EQ(hits.value(), 120u);
  EXPECT_EQ(static_cast<uint64_t>(bytes.value()), cache.bytes());
}

TEST(FifoBlockCache, WhatComesBackStaysAndWhatIsNoLongerReadGoes) {
  const auto block = BlockOf(1000);
  FifoBlockCache cache(100 * block->bytes());
  for (uint64_t i = 0; i < 100; ++i) cache.Put(1, i, block);
  cache.Put(1, 100, block);  // the first goes
  EXPECT_EQ(cache.Get(1, 0), nullptr);
  cache.Put(1, 0, block);
  for (uint64_t i = 1000; i < 1080; ++i) cache.Put(1, i, block);
  EXPECT_NE(cache.Get(1, 0), nullptr);
  // Others that come back take its place in the end.
  for (int round = 0; round < 20; ++round) {
    for (uint64_t i = 2000; i < 2150; ++i) {
      if (cache.Get(1, i) == nullptr) cache.Put(1, i, block);
    }
  }
  EXPECT_EQ(cache.Get(1, 0), nullptr);
}

// While there is room everything is admitted; then only what is asked for a second time of late.
TEST(FifoBlockCache, AdmitsWhatIsReadAgain) {
  const auto block = BlockOf(1000);
  FifoBlockCache cache(100 * block->bytes());
  const auto read = [&](uint64_t offset) {
    if (cache.Get(1, offset) != nullptr) return true;
    if (cache.Admits(1, offset, block->bytes())) cache.Put(1, offset, block);
    return false;
  };
  for (uint64_t i = 0; i < 100; ++i) EXPECT_FALSE(read(i));
  EXPECT_EQ(cache.blocks(), 100u);
  // Single rows all over a large table leave everything where it is.
  for (uint64_t i = 1000; i < 11'000; ++i) EXPECT_FALSE(read(i));
  for (uint64_t i = 0; i < 100; ++i) EXPECT_TRUE(read(i)) << i;
  // Read twice within as many others as the cache has blocks: in.
  for (uint64_t i = 20'000; i < 20'050; ++i) EXPECT_FALSE(read(i));
  for (uint64_t i = 20'000; i < 20'050; ++i) EXPECT_FALSE(read(i));
  for (uint64_t i = 20'000; i < 20'050; ++i) EXPECT_TRUE(read(i)) << i;
  // But not after many more.
  EXPECT_FALSE(read(30'000));
  for (uint64_t i = 40'000; i < 40'500; ++i) EXPECT_FALSE(read(i));
  EXPECT_FALSE(read(30'000));
  EXPECT_FALSE(cache.Get(1, 30'000) != nullptr);
}

TEST(FifoBlockCache, DoesNotKeepWhatIsLargerThanAll) {
  const auto small = BlockOf(100), large = BlockOf(5000);
  FifoBlockCache cache(4 * small->bytes());
  cache.Put(1, 0, small);
  cache.Put(1, 1, large);
  EXPECT_NE(cache.Get(1, 0), nullptr);
  EXPECT_EQ(cache.Get(1, 1), nullptr);
}

// Whatever happens: within the bound, and what it gives is what was put.
TEST(FifoBlockCache, StaysWithinItsBound) {
  base::RandomStream random(base::sim::SeedFromEnvironment(41));
  std::vector<std::shared_ptr<const Block>> blocks;
  for (uint64_t i = 0; i < 300; ++i) blocks.push_back(BlockOf(random.Below(4000)));
  FifoBlockCache cache(100'000);
  for (int i = 0; i < 50'000; ++i) {
    const uint64_t which = random.Chance(0.5) ? random.Below(20) : random.Below(300);
    const auto block = cache.Get(7, which);
    if (block == nullptr) {
      cache.Put(7, which, blocks[which]);
    } else {
      ASSERT_EQ(block, blocks[which]);
    }
    ASSERT_LE(cache.bytes(), 100'000u);
  }
  EXPECT_GT(cache.hits(), cache.misses());
}

}  // namespace
}  // namespace tholos::sstable
