#include "sstable/block_prefix.h"

#include <map>
#include <memory>

#include "base/random.h"
#include "base/strings.h"
#include "gtest/gtest.h"
#include "sstable/block_builder.h"

namespace tholos::sstable {
namespace {

using Entries = std::map<std::string, std::string>;

// As partitions of hashed tokens, as rows of one partition, and as keys that are all alike but for
// their ends.
std::string RandomKey(base::RandomStream& random, int shape) {
  std::string key;
  if (shape == 0) {
    for (int i = 0; i < 8; ++i) key.push_back(static_cast<char>(random.Next()));
    return key + "key";
  }
  if (shape == 1) return base::StrCat("partition", 100'000 + random.Below(900'000));
  key.assign(random.Below(20), 'a');
  key.push_back(static_cast<char>(random.Next()));
  return key;
}

std::string PayloadOf(const Entries& entries) {
  BlockBuilder builder;
  for (const auto& [key, value] : entries) builder.Add(key, value);
  return std::string(builder.Finish());
}

// A block of it, compressed.
struct Stored {
  explicit Stored(const std::string& payload, Compression algorithm) {
    sealed.compression = BlockCompressor(algorithm, 3).Append(payload, &bytes);
    sealed.data = bytes;
    sealed.raw_size = static_cast<uint32_t>(payload.size());
    // Of the very size: a sanitizer finds what is read or written behind it.
    memory = std::make_unique_for_overwrite<char[]>(payload.size());
  }
  std::string bytes;
  SealedBlock sealed;
  std::unique_ptr<char[]> memory;
};

void ExpectSame(const Block::Entry& a, const Block::Entry& b) {
  ASSERT_EQ(a.there, b.there);
  if (!a.there) return;
  ASSERT_EQ(a.key_bytes, b.key_bytes);
  ASSERT_EQ(a.shared, b.shared);
  ASSERT_EQ(a.value, b.value);
}

TEST(BlockPrefix, SaysWhatTheWholeBlockSays) {
  uint64_t asked = 0;
  uint64_t answered = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    base::RandomStream random(seed);
    const int shape = static_cast<int>(random.Below(3));
    Entries entries;
    for (uint64_t i = 1 + random.Below(200); i > 0; --i) {
      entries[RandomKey(random, shape)] = std::string(random.Below(200), 'v');
    }
    const std::string payload = PayloadOf(entries);
    const auto whole = Block::Parse(payload);
    ASSERT_TRUE(whole.ok()) << whole.status();
    const Compression algorithms[] = {Compression::kNone, Compression::kLz4, Compression::kZstd};
    Stored stored(payload, algorithms[random.Below(3)]);
    for (int i = 0; i < 50; ++i) {
      std::string key = RandomKey(random, shape);
      if (random.Chance(0.6))
        key =
            std::next(entries.begin(), static_cast<ptrdiff_t>(random.Below(entries.size())))->first;
      BlockDecompressor decompressor;
      BlockPrefix part(stored.sealed, decompressor, stored.memory.get());
      const auto around = part.Around(key);
      ++asked;
      if (!around.has_value()) continue;
      ++answered;
      const Block::Neighbours expected = (*whole)->Around(key);
      ASSERT_EQ(around->found, expected.found);
      ExpectSame(around->before, expected.before);
      if (around->after.there) ExpectSame(around->after, expected.after);
      ASSERT_EQ(part.FirstKey(), entries.begin()->first);
    }
  }
  EXPECT_GT(answered, asked * 3 / 4);
}

TEST(BlockPrefix, ReadsHalfOfABlockOnAverage) {
  base::RandomStream random(1);
  Entries entries;
  while (entries.size() < 120) {
    std::string value(100, 'v');
    for (int i = 0; i < 50; ++i) value[static_cast<size_t>(i)] = static_cast<char>(random.Next());
    entries[RandomKey(random, 0)] = value;
  }
  Stored stored(PayloadOf(entries), Compression::kLz4);
  ASSERT_EQ(stored.sealed.compression, Compression::kLz4);
  uint64_t bytes = 0;
  for (const auto& [key, value] : entries) {
    BlockDecompressor decompressor;
    BlockPrefix part(stored.sealed, decompressor, stored.memory.get());
    const auto around = part.Around(key);
    ASSERT_TRUE(around.has_value() && around->found);
    ASSERT_EQ(around->after.value, value);
    bytes += part.bytes_read();
  }
  EXPECT_LT(bytes, entries.size() * stored.sealed.raw_size * 6 / 10);
}

// Bytes that pass no checksum but could: an answer or none, and nothing outside is touched.
TEST(BlockPrefix, DamageDoesNoHarm) {
  base::RandomStream random(2);
  Entries entries;
  for (int i = 0; i < 60; ++i) entries[RandomKey(random, 2)] = RandomKey(random, 2);
  const std::string payload = PayloadOf(entries);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = payload;
    if (random.Chance(0.1)) damaged.resize(random.Below(damaged.size()));
    const bool before = random.Chance(0.5);  // it is compressed
    const auto flip = [&](std::string* bytes) {
      for (uint64_t flips = 1 + random.Below(3); flips > 0 && !bytes->empty(); --flips) {
        (*bytes)[random.Below(bytes->size())] = static_cast<char>(random.Next());
      }
    };
    if (before) flip(&damaged);
    Stored stored(damaged, random.Chance(0.5) ? Compression::kLz4 : Compression::kNone);
    if (!before) flip(&stored.bytes);
    stored.sealed.data = stored.bytes;
    BlockDecompressor decompressor;
    BlockPrefix part(stored.sealed, decompressor, stored.memory.get());
    refused += part.Around(RandomKey(random, 2)).has_value() ? 0 : 1;
    (void)part.FirstKey();
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace tholos::sstable
