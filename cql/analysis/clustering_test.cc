#include "cql/analysis/clustering.h"

#include <algorithm>

#include "base/random.h"
#include "data/key.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

TEST(SliceSets, Union) {
  EXPECT_EQ(Union({}), Slices());
  EXPECT_EQ(Union({{"b", "c"}, {"a", "b"}}), (Slices{{"a", "c"}}));
  EXPECT_EQ(Union({{"c", "d"}, {"a", "b"}}), (Slices{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(Union({{"a", "z"}, {"b", "c"}}), (Slices{{"a", "z"}}));
  EXPECT_EQ(Union({{"b", ""}, {"a", "c"}, {"x", "y"}}), (Slices{{"a", ""}}));
  EXPECT_EQ(Union({{"b", "b"}, {"c", "a"}}), Slices());
}

TEST(SliceSets, Intersect) {
  const Slices all = {{"", ""}};
  const Slices some = {{"a", "c"}, {"e", "g"}};
  EXPECT_EQ(Intersect(all, some), some);
  EXPECT_EQ(Intersect(some, all), some);
  EXPECT_EQ(Intersect(some, {}), Slices());
  EXPECT_EQ(Intersect(some, {{"b", "f"}}), (Slices{{"b", "c"}, {"e", "f"}}));
  EXPECT_EQ(Intersect(some, {{"c", "e"}}), Slices());
  EXPECT_EQ(Intersect({{"a", ""}}, {{"b", ""}}), (Slices{{"b", ""}}));
}

// Clustering columns a, b, c of small ints, each in either direction.
data::TableSchema MakeTable(int directions) {
  data::TableSchema table;
  table.keyspace = "ks";
  table.name = "t";
  table.columns.push_back({.name = "k",
                           .type = data::DataType(data::TypeId::kInt),
                           .kind = data::ColumnKind::kPartitionKey});
  for (int i = 0; i < 3; ++i) {
    table.columns.push_back({.name = std::string(1, static_cast<char>('a' + i)),
                             .type = data::DataType(data::TypeId::kInt),
                             .kind = data::ColumnKind::kClustering,
                             .descending = ((directions >> i) & 1) != 0});
  }
  return table;
}

using Key = std::vector<int>;

std::vector<std::string> Bytes(const Key& key) {
  std::vector<std::string> values;
  for (const int v : key) values.push_back(data::EncodeInt(v));
  return values;
}

bool Fulfils(const Key& key, size_t first, Operator op, const Key& bound) {
  const Key part(key.begin() + static_cast<long>(first),
                 key.begin() + static_cast<long>(first + bound.size()));
  switch (op) {
    case Operator::kLess:
      return part < bound;
    case Operator::kLessOrEqual:
      return part <= bound;
    case Operator::kGreater:
      return part > bound;
    default:
      return part >= bound;
  }
}

// For random conditions: the slices contain exactly the keys that fulfil them.
TEST(MakeSlices, AgreesWithTheConditions) {
  constexpr uint64_t kSeed = 20260101;
  base::RandomStream random(kSeed);
  constexpr Operator kOperators[] = {Operator::kLess, Operator::kLessOrEqual, Operator::kGreater,
                                     Operator::kGreaterOrEqual};
  for (int round = 0; round < 2000; ++round) {
    const data::TableSchema table = MakeTable(static_cast<int>(random.Below(8)));
    const auto value = [&random] { return static_cast<int>(random.Below(3)); };
    const size_t fixed = random.Below(4);
    std::vector<Key> prefixes(random.Below(4));
    for (Key& prefix : prefixes) {
      for (size_t i = 0; i < fixed; ++i) prefix.push_back(value());
    }
    std::vector<std::pair<Operator, Key>> bounds(fixed == 3 ? 0 : random.Below(3));
    for (auto& [op, key] : bounds) {
      op = kOperators[random.Below(4)];
      const size_t width = 1 + random.Below(3 - fixed);
      for (size_t i = 0; i < width; ++i) key.push_back(value());
    }
    std::vector<std::vector<std::string>> prefix_bytes;
    for (const Key& prefix : prefixes) prefix_bytes.push_back(Bytes(prefix));
    std::vector<ClusteringBound> bound_bytes;
    for (const auto& [op, key] : bounds) bound_bytes.push_back({op, Bytes(key)});
    const absl::StatusOr<Slices> slices = MakeSlices(table, prefix_bytes, bound_bytes);
    ASSERT_TRUE(slices.ok()) << slices.status();
    for (size_t i = 1; i < slices->size(); ++i) {
      EXPECT_LT((*slices)[i - 1].upper, (*slices)[i].lower);
      EXPECT_FALSE((*slices)[i - 1].upper.empty());
    }
    for (int n = 0; n < 27; ++n) {
      const Key key = {n / 9, n / 3 % 3, n % 3};
      const bool wanted =
          std::any_of(prefixes.begin(), prefixes.end(),
                      [&](const Key& p) { return std::equal(p.begin(), p.end(), key.begin()); }) &&
          std::all_of(bounds.begin(), bounds.end(),
                      [&](const auto& b) { return Fulfils(key, fixed, b.first, b.second); });
      const std::string encoded = *data::EncodeClustering(table, Bytes(key));
      const bool given = std::any_of(slices->begin(), slices->end(), [&](const data::Slice& slice) {
        return slice.Contains(encoded);
      });
      EXPECT_EQ(given, wanted) << "seed " << kSeed << ", round " << round << ", key " << n;
    }
  }
}

}  // namespace
}  // namespace tholos::cql
