#include "sstable/format.h"

#include <limits>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sstable/entry.h"
#include "sstable/filter.h"
#include "sstable/statistics.h"

namespace tholos::sstable {
namespace {

std::string RandomBytes(base::RandomStream& random, uint64_t max) {
  std::string bytes;
  for (uint64_t i = random.Below(max); i > 0; --i) {
    bytes.push_back(static_cast<char>(random.Chance(0.5) ? random.Below(2) : random.Next()));
  }
  return bytes;
}

TEST(EntryKey, ComparesLikeTokenKeyAndClustering) {
  base::RandomStream random(1);
  const auto random_key = [&] {
    return data::DecoratedKey{
        random.Chance(0.8) ? random.Between(-1, 1) : static_cast<int64_t>(random.Next()),
        RandomBytes(random, 4)};
  };
  for (int i = 0; i < 100'000; ++i) {
    const data::DecoratedKey a = random_key();
    const data::DecoratedKey b = random_key();
    const std::string clustering_a = RandomBytes(random, 4);
    const std::string clustering_b = RandomBytes(random, 4);
    std::string entry_a;
    std::string entry_b;
    RowEntryKey(PartitionPrefix(a), clustering_a, &entry_a);
    RowEntryKey(PartitionPrefix(b), clustering_b, &entry_b);
    ASSERT_EQ(std::pair(a, clustering_a) < std::pair(b, clustering_b), entry_a < entry_b);
    std::string header_b;
    HeaderEntryKey(PartitionPrefix(b), &header_b);
    ASSERT_EQ(a < b, entry_a < header_b);
    ASSERT_EQ(a <= b, entry_a < PartitionEnd(PartitionPrefix(b)));
    ASSERT_EQ(a.token < b.token, entry_a < TokenStart(b.token));
    ASSERT_EQ(*PartitionPrefixLength(entry_a) + 1 + clustering_a.size(), entry_a.size());
    ASSERT_EQ(*DecodePartitionPrefix(PartitionPrefix(a)), a);
  }
}

TEST(EntryKey, MalformedPrefixes) {
  for (const std::string& bytes :
       {std::string(), std::string(8, 'x'), std::string(8, 'x') + "abc",
        std::string(8, 'x') + std::string("a\0b", 3), std::string(8, 'x') + std::string(1, '\0')}) {
    EXPECT_FALSE(PartitionPrefixLength(bytes).ok());
    EXPECT_FALSE(DecodePartitionPrefix(bytes).ok());
  }
}

TEST(SealedBlock, RoundTrips) {
  base::RandomStream random(1);
  for (const std::string& payload : {std::string(), std::string("short"), std::string(100'000, 'x'),
                                     RandomBytes(random, 5000)}) {
    for (const Compression compression : {Compression::kNone, Compression::kLz4}) {
      std::string out = "before";
      const BlockHandle handle = SealBlock(payload, compression, 5, 77, &out);
      EXPECT_EQ(handle.offset, 77u);
      EXPECT_EQ(out.size(), 6 + handle.stored_bytes);
      EXPECT_LE(handle.stored_bytes, payload.size() + kBlockTrailerBytes);
      const std::string stored = out.substr(6);
      EXPECT_EQ(*UnsealBlock(stored, 5, 77), payload);
      EXPECT_EQ(UnsealBlock(stored, 6, 77).status().code(), absl::StatusCode::kDataLoss);
      EXPECT_EQ(UnsealBlock(stored, 5, 78).status().code(), absl::StatusCode::kDataLoss);
      EXPECT_EQ(UnsealBlock(stored.substr(1), 5, 77).status().code(), absl::StatusCode::kDataLoss);
    }
  }
}

Footer SomeFooter() {
  Footer footer;
  footer.body_bytes = 1000;
  footer.filter = {1000, 50};
  footer.statistics = {1050, 60};
  footer.root = {1110, 70};
  footer.file_id = 0x1122334455667788;
  footer.generation = 42;
  footer.table.bytes.fill(9);
  return footer;
}

TEST(Footer, RoundTrips) {
  const std::string bytes = EncodeFooter(SomeFooter(), 1180);
  EXPECT_EQ(bytes.size(), kFooterBytes);
  EXPECT_EQ(bytes.substr(108), "THOLOSST");
  EXPECT_EQ(*DecodeFooter(bytes, 1180), SomeFooter());
}

TEST(Footer, EveryFlippedBitIsFound) {
  const std::string bytes = EncodeFooter(SomeFooter(), 1180);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(DecodeFooter(flipped, 1180).status().code(), absl::StatusCode::kDataLoss) << bit;
  }
  EXPECT_FALSE(DecodeFooter(bytes, 1181).ok());
}

TEST(Footer, SectionsMustFollowEachOther) {
  Footer footer = SomeFooter();
  footer.statistics.offset += 1;
  EXPECT_THAT(std::string(DecodeFooter(EncodeFooter(footer, 1180), 1180).status().message()),
              testing::HasSubstr("sections"));
}

TEST(Footer, AnotherVersionIsNamed) {
  std::string bytes = EncodeFooter(SomeFooter(), 1180);
  bytes[96] = 9;
  std::string sum;
  base::PutFixed64(&sum, base::Checksum64(bytes.substr(0, 100), 1180));
  bytes.replace(100, 8, sum);
  const absl::Status status = DecodeFooter(bytes, 1180).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("format version 9"));
}

TEST(FileName, ParsesItsOwnForm) {
  EXPECT_EQ(FileName(42), "00000000000000000042.sst");
  for (const uint64_t generation :
       {uint64_t{0}, uint64_t{1}, std::numeric_limits<uint64_t>::max()}) {
    EXPECT_EQ(ParseFileName(FileName(generation)), generation);
  }
  for (const char* name : {"", "42.sst", "00000000000000000042.tmp", "0000000000000000004x.sst",
                           "99999999999999999999.sst", "000000000000000000042.sst"}) {
    EXPECT_EQ(ParseFileName(name), std::nullopt) << name;
  }
}

TEST(Filter, KnowsEveryKeyAndFewOthers) {
  for (const int keys : {0, 1, 10, 1000, 100'000}) {
    FilterBuilder builder;
    for (int i = 0; i < keys; ++i) builder.Add(FilterHash("key" + std::to_string(i)));
    const auto filter = Filter::Parse(builder.Finish());
    ASSERT_TRUE(filter.ok());
    EXPECT_LE(filter->bytes(), 65u + static_cast<size_t>(keys) * 10 / 8 + 64);
    for (int i = 0; i < keys; ++i) {
      ASSERT_TRUE(filter->MayContain(FilterHash("key" + std::to_string(i))));
    }
    int wrong = 0;
    constexpr int kOthers = 100'000;
    for (int i = 0; i < kOthers; ++i) {
      wrong += filter->MayContain(FilterHash("other" + std::to_string(i))) ? 1 : 0;
    }
    if (keys >= 1000) {
      EXPECT_LT(wrong, kOthers * 0.016) << keys;
      EXPECT_GT(wrong, kOthers * 0.002) << keys;
    }
  }
}

// Made for as many keys as there may be; folded where they are fewer.
TEST(Filter, OfAtMostSoManyKeys) {
  for (const uint64_t keys_max : {1, 50, 999, 20000, 100000}) {
    for (const int keys : {0, 1, 700, 20000}) {
      FilterBuilder builder(keys_max);
      for (int i = 0; i < keys; ++i) builder.Add(FilterHash("key" + std::to_string(i)));
      const std::string section = builder.Finish();
      const auto filter = Filter::Parse(section);
      ASSERT_TRUE(filter.ok());
      for (int i = 0; i < keys; ++i) {
        ASSERT_TRUE(filter->MayContain(FilterHash("key" + std::to_string(i))));
      }
      if (static_cast<uint64_t>(keys) > keys_max || keys < 700) continue;
      int wrong = 0;
      for (int i = 0; i < 20000; ++i) {
        wrong += filter->MayContain(FilterHash("other" + std::to_string(i))) ? 1 : 0;
      }
      EXPECT_LT(wrong, 20000 * 0.015) << keys << " of " << keys_max;
      EXPECT_LT(section.size(), 2.6 * (static_cast<double>(keys) * 10 / 8 + 64));
    }
  }
}

TEST(Filter, Malformed) {
  EXPECT_FALSE(Filter::Parse("").ok());
  EXPECT_FALSE(Filter::Parse(std::string(64, '\0')).ok());
  EXPECT_FALSE(Filter::Parse(std::string(65, '\0')).ok());  // no probes
  EXPECT_FALSE(Filter::Parse(std::string(65, '\x07')).ok());
  EXPECT_TRUE(Filter::Parse(std::string(65, '\x06')).ok());
  EXPECT_TRUE(Filter().MayContain(1));
}

TEST(Statistics, CountAndRoundTrip) {
  TableStatistics statistics;
  const data::DecoratedKey key = data::DecoratedKey::Of("k");
  statistics.Add(data::PartitionHeader{key, {.timestamp = 7, .local_seconds = 70}, std::nullopt});
  data::Row row{.clustering = "a"};
  row.cells = {{.column = 1, .timestamp = 3, .value = "v"},
               {.column = 2, .timestamp = 9, .tombstone = true, .local_seconds = 90}};
  statistics.Add(row);
  EXPECT_EQ(statistics.partitions, 1u);
  EXPECT_EQ(statistics.rows, 1u);
  EXPECT_EQ(statistics.cells, 2u);
  EXPECT_EQ(statistics.tombstones, 2u);
  EXPECT_EQ(statistics.min_timestamp, 3);
  EXPECT_EQ(statistics.max_timestamp, 9);
  EXPECT_EQ(statistics.min_local_deletion_seconds, 70);
  EXPECT_EQ(statistics.max_local_deletion_seconds, data::kNoExpiry);
  EXPECT_EQ(statistics.first_key, key);
  const std::string bytes = EncodeStatistics(statistics);
  EXPECT_EQ(*DecodeStatistics(bytes), statistics);
  EXPECT_EQ(*DecodeStatistics(EncodeStatistics({})), TableStatistics());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(DecodeStatistics(std::string_view(bytes).substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(DecodeStatistics(bytes + "x").ok());
}

}  // namespace
}  // namespace tholos::sstable
