#include "data/key.h"

#include <algorithm>

#include "base/errors.h"
#include "data/testing/random_data.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TableSchema Table(std::vector<ColumnSchema> columns) {
  TableSchema table;
  table.keyspace = "ks";
  table.name = "t";
  table.columns = std::move(columns);
  return table;
}

ColumnSchema Column(std::string name, TypeId type, ColumnKind kind, bool descending = false) {
  return {.name = std::move(name), .type = DataType(type), .kind = kind, .descending = descending};
}

TableSchema PackagesTable() {
  return Table({Column("section", TypeId::kText, ColumnKind::kPartitionKey),
                Column("name", TypeId::kText, ColumnKind::kClustering),
                Column("version", TypeId::kInt, ColumnKind::kClustering, true)});
}

// Tokens that Cassandra's cqlsh prints for token(k).
TEST(Token, AsCassandra) {
  EXPECT_EQ(TokenOf("123"), -7468325962851647638);
  EXPECT_EQ(TokenOf("prefix\0"s), -5156414768376541762);
  EXPECT_EQ(TokenOf("\0\0\0\0"s), -3485513579396041028);  // int 0
  EXPECT_EQ(TokenOf("9223372036854775807"), 7162290910810015547);
}

TEST(PartitionKey, OneComponentIsItsBytes) {
  EXPECT_EQ(EncodePartitionKey(PackagesTable(), {"admin"}).value(), "admin");
  EXPECT_THAT(DecodePartitionKey(PackagesTable(), "admin").value(), ElementsAre("admin"));
}

TEST(PartitionKey, SeveralComponentsAreAsDriversHashThem) {
  const TableSchema table = Table({Column("a", TypeId::kText, ColumnKind::kPartitionKey),
                                   Column("b", TypeId::kInt, ColumnKind::kPartitionKey)});
  const std::string key = EncodePartitionKey(table, {"xy", EncodeInt(7)}).value();
  EXPECT_EQ(key, "\0\x02xy\0\0\x04\0\0\0\x07\0"s);
  EXPECT_THAT(DecodePartitionKey(table, key).value(), ElementsAre("xy", EncodeInt(7)));
  for (const std::string& bad :
       {key.substr(0, key.size() - 1), key + "x", "\0\x02xy\x01\0\x04\0\0\0\x07\0"s, ""s,
        "\0\x00\0\0\x04\0\0\0\x07\0"s, "\0\x02xy\0\0\x03\0\0\x07\0"s, "\xFF\xFFxy"s}) {
    EXPECT_EQ(DecodePartitionKey(table, bad).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(PartitionKey, BadComponentsAreInvalidRequests) {
  const TableSchema table = Table({Column("a", TypeId::kText, ColumnKind::kPartitionKey),
                                   Column("b", TypeId::kInt, ColumnKind::kPartitionKey)});
  const struct {
    std::vector<std::string> components;
    std::string message;
  } cases[] = {
      {{"x"}, "ks.t: the partition key has 2 columns, 1 given"},
      {{"", EncodeInt(1)}, "ks.t: key column a may not be empty"},
      {{"x", "1"}, "ks.t: key column b: int takes 4 bytes, not 1"},
      {{"\xFF", EncodeInt(1)}, "ks.t: key column a: text is not valid UTF-8"},
      {{std::string(65536, 'x'), EncodeInt(1)},
       "ks.t: key column a of 65536 bytes exceeds the limit of 65535"},
      {{std::string(65530, 'x'), EncodeInt(1)},
       "ks.t: a partition key of 65540 bytes exceeds the limit of 65535"},
  };
  for (const auto& c : cases) {
    const absl::Status status = EncodePartitionKey(table, c.components).status();
    EXPECT_EQ(status.message(), c.message);
    EXPECT_TRUE(base::GetRequestError(status).has_value());
  }
}

TEST(ComparableKey, OrdersByTokenThenKey) {
  const uint64_t seed = 42;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  std::vector<DecoratedKey> keys = {
      {kMinToken + 1, "x"}, {0, ""},     {-1, "\xFF"}, {0, "a"},
      {0, "a\0"s},          {0, "\xFF"}, {1, ""},      {std::numeric_limits<Token>::max(), "y"}};
  for (int i = 0; i < 200; ++i)
    keys.push_back(DecoratedKey::Of(std::to_string(random.Below(1000))));
  std::sort(keys.begin(), keys.end());
  for (size_t i = 1; i < keys.size(); ++i) {
    EXPECT_LE(ComparableKey(keys[i - 1]), ComparableKey(keys[i]));
    EXPECT_EQ(ComparableKey(keys[i - 1]) == ComparableKey(keys[i]), keys[i - 1] == keys[i]);
  }
}

TEST(Clustering, Layout) {
  const std::string key = EncodeClustering(PackagesTable(), {"vim", EncodeInt(9)}).value();
  EXPECT_EQ(key, "@vim\0\0@\x7F\xFF\xFF\xF6"s);
  EXPECT_THAT(DecodeClustering(PackagesTable(), key).value(), ElementsAre("vim", EncodeInt(9)));
  EXPECT_THAT(DecodeClustering(PackagesTable(), "@vim\0\0"s).value(), ElementsAre("vim"));
  EXPECT_THAT(DecodeClustering(PackagesTable(), "").value(), ElementsAre());
}

TEST(Clustering, BadComponents) {
  EXPECT_THAT(EncodeClustering(PackagesTable(), {"a", EncodeInt(1), "x"}).status().message(),
              HasSubstr("ks.t: the clustering key has 2 columns, 3 given"));
  EXPECT_THAT(EncodeClustering(PackagesTable(), {"a", "1"}).status().message(),
              HasSubstr("key column version: int takes 4 bytes, not 1"));
  EXPECT_THAT(EncodeClustering(PackagesTable(), {std::string(40000, '\0')}).status().message(),
              HasSubstr("an encoded clustering key of 80003 bytes exceeds"));
  for (const std::string& bad :
       {"vim\0\0"s, "@vim\0"s, "@vim\0\0@\x7F\xFF\xFF"s, "@"s, "@vim\0\0@\x7F\xFF\xFF\xF6@"s}) {
    EXPECT_EQ(DecodeClustering(PackagesTable(), bad).status().code(), absl::StatusCode::kDataLoss);
  }
}

// The order of two keys by the types alone: component by component, the shorter first.
int CompareComponents(const TableSchema& table, const std::vector<std::string>& a,
                      const std::vector<std::string>& b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const ColumnSchema& column = table.columns[table.partition_key_size() + i];
    const int order = column.type.Compare(a[i], b[i]);
    if (order != 0) return column.descending ? -order : order;
  }
  return static_cast<int>(a.size()) - static_cast<int>(b.size());
}

TEST(Clustering, RandomKeysKeepTheOrderOfTheirTypes) {
  const uint64_t seed = 7;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 20000; ++i) {
    const TableSchema table = RandomTable(random);
    std::vector<std::string> a = RandomComponents(random, table, ColumnKind::kClustering);
    std::vector<std::string> b = RandomComponents(random, table, ColumnKind::kClustering);
    // Often equal up to some component, and often prefixes.
    const size_t shared = random.Below(a.size() + 1);
    std::copy_n(a.begin(), shared, b.begin());
    a.resize(random.Below(a.size() + 1));
    if (random.Chance(0.5)) b.resize(random.Below(b.size() + 1));

    const std::string key_a = EncodeClustering(table, a).value();
    const std::string key_b = EncodeClustering(table, b).value();
    const int order = CompareComponents(table, a, b);
    ASSERT_EQ(key_a < key_b, order < 0);
    ASSERT_EQ(key_a == key_b, order == 0);
    ASSERT_EQ(DecodeClustering(table, key_a).value(), a);

    // What starts with the prefix a lies in [a, a + 0xFF), and nothing else does.
    const bool extends =
        a.size() <= b.size() &&
        CompareComponents(table, a, {b.begin(), b.begin() + static_cast<long>(a.size())}) == 0;
    ASSERT_EQ(key_b >= key_a && key_b < key_a + "\xFF", extends);
  }
}

TEST(PartitionKey, RandomKeysRoundTrip) {
  const uint64_t seed = 8;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 5000; ++i) {
    const TableSchema table = RandomTable(random);
    std::vector<std::string> components =
        RandomComponents(random, table, ColumnKind::kPartitionKey);
    const auto key = EncodePartitionKey(table, components);
    const bool has_empty = std::any_of(components.begin(), components.end(),
                                       [](const std::string& c) { return c.empty(); });
    ASSERT_EQ(key.ok(), !has_empty);
    if (key.ok()) ASSERT_EQ(DecodePartitionKey(table, *key).value(), components);
  }
}

}  // namespace
}  // namespace tholos::data
