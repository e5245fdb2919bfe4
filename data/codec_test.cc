#include "data/codec.h"

#include <limits>

#include "data/testing/random_data.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using namespace std::string_literals;

constexpr Timestamp kNowMicros = 1767225600123456;  // 2026-01-01
constexpr int64_t kNowSeconds = 1767225600;

std::string RowBody(const Row& row) {
  std::string out;
  EncodeRowBody(row, &out);
  return out;
}

Mutation RandomMutation(base::RandomStream& random) {
  PartitionShape shape;
  shape.realistic_times = random.Chance(0.5);
  shape.rows_max = random.Below(8);
  return {base::Uuid::Random(random),
          RandomPartition(random, std::to_string(random.Next()), shape)};
}

TEST(RowCodec, Layout) {
  // The layout in codec.h, with small numbers: zigzag doubles them.
  EXPECT_EQ(RowBody({}), "\0"s);
  EXPECT_EQ(RowBody({.liveness = Liveness::At(3)}), "\x01\x06");
  EXPECT_EQ(RowBody({.cells = {Cell::Value(2, 3, "ab")}}), "\x08\x06\x01\x20\x02"s + "ab");
  EXPECT_EQ(RowBody({.liveness = Liveness::Expiring(3, 5, 0),
                     .cells = {Cell::Expiring(0, 3, "", 5, 0), Cell::Tombstone(1, 4, 1)}}),
            "\x0B\x06\x05\x00"
            "\x02"
            "\x08\x00"
            "\x03\x02\x02"s);
  EXPECT_EQ(RowBody({.deletion = {3, 1}}), "\x04\x06\x02");
  EXPECT_EQ(RowBody({.complex_deletions = {{1, {3, 1}}, {2, {4, 1}}}}),
            "\x10\x02\x01\x06\x02\x00\x08\x02"s);
  EXPECT_EQ(RowBody({.cells = {Cell::Value(0, 3, "v"), Cell::Value(1, 3, "").At("p"),
                               Cell::Tombstone(1, 3, 1).At("q")}}),
            "\x28\x06\x03\x20\x01v\x30\x01p\x00\x12\x01q\x02"s);
}

TEST(RowCodec, TypicalRowsAreSmall) {
  const auto size = [](const Row& row) { return RowBody(row).size(); };
  EXPECT_EQ(size({.cells = {Cell::Value(0, kNowMicros, "12345678")}}), 20u);
  EXPECT_EQ(size({.liveness = Liveness::At(kNowMicros),
                  .cells = {Cell::Value(0, kNowMicros, "12345678")}}),
            20u);
  EXPECT_EQ(size({.liveness = Liveness::At(kNowMicros)}), 9u);
  EXPECT_EQ(size({.liveness = Liveness::Expiring(kNowMicros, 60, kNowSeconds),
                  .cells = {Cell::Expiring(0, kNowMicros, "12345678", 60, kNowSeconds)}}),
            22u);
  EXPECT_EQ(size({.deletion = {kNowMicros, kNowSeconds}}), 10u);
  EXPECT_EQ(size({.cells = {Cell::Tombstone(0, kNowMicros, kNowSeconds)}}), 12u);
}

TEST(RowCodec, Extremes) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min() + 1;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  Row row{.clustering = std::string(kKeyBytesMax, 'c'),
          .liveness = {kMin, std::numeric_limits<int32_t>::max(), kMax},
          .deletion = {kMax, kMin},
          .cells = {Cell::Value(0, kMax, std::string(100000, 'v')),
                    {.column = 1, .timestamp = kMin, .ttl_seconds = 1, .local_seconds = kMin},
                    Cell::Tombstone(std::numeric_limits<ColumnId>::max(), kMax, kMax)}};
  std::string bytes;
  EncodeRow(row, &bytes);
  base::Reader in(bytes);
  Row back;
  ASSERT_TRUE(DecodeRow(&in, &back).ok());
  EXPECT_EQ(back, row);
  EXPECT_TRUE(in.AtEnd());
}

TEST(RowCodec, BodyLeavesTheClusteringKeyAndWhatFollows) {
  const std::string bytes = RowBody({.liveness = Liveness::At(3)}) + "rest";
  base::Reader in(bytes);
  Row row{.clustering = "kept", .deletion = {1, 1}, .cells = {Cell::Value(0, 1, "x")}};
  ASSERT_TRUE(DecodeRowBody(&in, &row).ok());
  EXPECT_EQ(row, (Row{.clustering = "kept", .liveness = Liveness::At(3)}));
  EXPECT_EQ(in.rest(), "rest");
}

TEST(RowCodec, MalformedBodies) {
  const struct {
    std::string what;
    std::string bytes;
  } cases[] = {
      {"nothing", ""},
      {"unknown flag", "\x41\x06"},
      {"expiry without liveness", "\x02\x06\x05\x00"s},
      {"no base timestamp", "\x01"},
      {"liveness without a timestamp", "\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"},
      {"tombstone without a timestamp", "\x04\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x00"s},
      {"TTL of 0", "\x03\x06\x00\x00"s},
      {"TTL beyond 32 bits", "\x03\x06\x80\x80\x80\x80\x08\x00"s},
      {"no cells although flagged", "\x08\x06\x00"s},
      {"more cells than bytes", "\x08\x06\x7F\x00\x00"s},
      {"column id beyond 32 bits", "\x08\x06\x01\x80\x80\x80\x80\x80\x02\x00"s},
      {"column ids run over", "\x08\x06\x02\xF0\xFF\xFF\xFF\xFF\x01\x00\x00\x00"s},
      {"TTL of a liveness that has none", "\x09\x06\x01\x08\x00"s},
      {"two TTLs", "\x0B\x06\x05\x00\x01\x0C\x05\x00\x00"s},
      {"paths without cells", "\x20\x00"s},
      {"flagged for paths but none", "\x28\x06\x01\x20\x00"s},
      {"an empty path", "\x28\x06\x01\x30\x00\x00"s},
      {"first cell before column 0", "\x28\x06\x01\x10\x01p\x00"s},
      {"equal paths", "\x28\x06\x02\x30\x01p\x00\x10\x01p\x00"s},
      {"no complex deletions although flagged", "\x10\x00"s},
      {"complex deletion of nothing", "\x10\x01\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x00"s},
      {"value longer than the rest", "\x08\x06\x01\x00\x05"s + "ab"},
  };
  for (const auto& c : cases) {
    base::Reader in(c.bytes);
    Row row;
    const absl::Status status = DecodeRowBody(&in, &row);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << c.what;
    EXPECT_EQ(status.message(), "malformed row") << c.what;
  }
}

TEST(DeletionCodec, RoundTripsAlsoWhereThereIsNone) {
  for (const Deletion& deletion : {Deletion(), Deletion{0, 0}, Deletion{kNowMicros, kNowSeconds},
                                   Deletion{-5, std::numeric_limits<int64_t>::max()}}) {
    std::string bytes;
    EncodeDeletion(deletion, &bytes);
    base::Reader in(bytes);
    EXPECT_EQ(DecodeDeletion(&in), deletion);
    EXPECT_TRUE(in.AtEnd());
  }
}

TEST(MutationCodec, RandomMutationsRoundTrip) {
  const uint64_t seed = 11;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 5000; ++i) {
    Mutation mutation = RandomMutation(random);
    if (random.Chance(0.5)) ExpirePartition(&mutation.update, RandomSeconds(random));
    const std::string bytes = EncodeMutation(mutation);
    const auto back = DecodeMutation(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(*back, mutation);
    ASSERT_EQ(EncodeMutation(*back), bytes);
    const auto header = PeekMutation(bytes);
    ASSERT_TRUE(header.ok());
    ASSERT_EQ(header->table, mutation.table);
    ASSERT_EQ(header->key, mutation.update.key);
    // No prefix is a mutation.
    ASSERT_EQ(DecodeMutation(std::string_view(bytes).substr(0, random.Below(bytes.size())))
                  .status()
                  .code(),
              absl::StatusCode::kDataLoss);
    ASSERT_FALSE(DecodeMutation(bytes + "x").ok());
  }
}

TEST(MutationCodec, ChecksVersionOrderAndBounds) {
  Mutation mutation{.table = {}, .update = {.key = DecoratedKey::Of("k")}};
  mutation.update.rows = {Row{.clustering = "a", .liveness = Liveness::At(1)},
                          Row{.clustering = "b", .liveness = Liveness::At(1)}};
  const std::string good = EncodeMutation(mutation);
  ASSERT_TRUE(DecodeMutation(good).ok());

  std::string version = good;
  version[0] = 2;
  EXPECT_EQ(DecodeMutation(version).status().message(), "malformed mutation");
  EXPECT_FALSE(PeekMutation(version).ok());

  std::string equal_rows = good;
  equal_rows[equal_rows.rfind('b')] = 'a';
  EXPECT_FALSE(DecodeMutation(equal_rows).ok());
  std::string descending_rows = good;
  descending_rows[descending_rows.rfind('b')] = 'A';
  EXPECT_FALSE(DecodeMutation(descending_rows).ok());

  std::string long_key(1, '\x01');
  long_key.append(16, '\0');
  base::PutBytes(&long_key, std::string(kKeyBytesMax + 1, 'k'));
  long_key.append("\0\0"s);
  EXPECT_FALSE(DecodeMutation(long_key).ok());
  EXPECT_FALSE(PeekMutation(long_key).ok());
}

TEST(PartitionsCodec, RoundTrip) {
  base::RandomStream random(5);
  for (int i = 0; i < 300; ++i) {
    std::vector<Partition> partitions;
    for (uint64_t n = random.Below(5); n > 0; --n) {
      partitions.push_back(RandomPartition(random, std::to_string(n)));
    }
    const std::string bytes = EncodePartitions(partitions);
    ASSERT_EQ(DecodePartitions(bytes).value(), partitions);
    ASSERT_FALSE(DecodePartitions(bytes + "x").ok());
  }
  EXPECT_EQ(DecodePartitions("\x01\xFF\xFF\xFF\xFF\x0F").status().message(),
            "malformed partitions");
}

TEST(PartitionsCodec, RangesMustBeInOrder) {
  const auto refused = [](std::vector<RangeTombstone> ranges) {
    // The bytes of two ranges that are fine on their own, one behind the other.
    std::string bytes;
    base::PutBytes(&bytes, "k");
    base::PutU8(&bytes, 0x04);
    base::PutVarint(&bytes, ranges.size());
    for (const RangeTombstone& each : ranges) {
      base::PutBytes(&bytes, each.range.lower);
      base::PutBytes(&bytes, each.range.upper);
      EncodeDeletion(each.deletion, &bytes);
    }
    base::PutVarint(&bytes, 0);
    base::Reader in(bytes);
    Partition partition;
    return !DecodePartition(&in, &partition).ok();
  };
  EXPECT_FALSE(refused({{{"a", "b"}, {1, 1}}, {{"b", ""}, {1, 1}}}));
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({{{"a", "a"}, {1, 1}}}));
  EXPECT_TRUE(refused({{{"a", "b"}, {}}}));
  EXPECT_TRUE(refused({{{"a", "c"}, {1, 1}}, {{"b", "d"}, {2, 2}}}));
  EXPECT_TRUE(refused({{{"a", std::string(kBoundBytesMax + 1, 'b')}, {1, 1}}}));
}

TEST(PartitionsCodec, DescendingRowsOnlyWhereAskedFor) {
  const Partition partition{.key = DecoratedKey::Of("k"),
                            .rows = {Row{.clustering = "b"}, Row{.clustering = "a"}}};
  std::string bytes;
  EncodePartition(partition, &bytes);
  Partition back;
  base::Reader ascending(bytes);
  EXPECT_FALSE(DecodePartition(&ascending, &back).ok());
  base::Reader descending(bytes);
  EXPECT_TRUE(DecodePartition(&descending, &back, RowOrder::kDescending).ok());
  EXPECT_EQ(back, partition);
}

// Whatever one changed, lost or added byte makes of a mutation: an error, or one that encodes and
// decodes again.
TEST(MutationCodec, DamagedBytesNeverCrash) {
  const uint64_t seed = 99;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = EncodeMutation(RandomMutation(random));
    for (uint64_t n = 1 + random.Below(3); n > 0; --n) {
      const size_t at = random.Below(bytes.size());
      switch (random.Below(3)) {
        case 0:
          bytes[at] = static_cast<char>(random.Next());
          break;
        case 1:
          bytes.erase(at, 1 + random.Below(4));
          break;
        default:
          bytes.insert(at, 1, static_cast<char>(random.Next()));
      }
      if (bytes.empty()) break;
    }
    const auto decoded = DecodeMutation(bytes);
    if (decoded.ok()) {
      ASSERT_EQ(DecodeMutation(EncodeMutation(*decoded)).value(), *decoded);
    } else {
      ASSERT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss);
    }
  }
}

}  // namespace
}  // namespace tholos::data
