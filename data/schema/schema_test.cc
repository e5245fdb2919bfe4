#include "data/schema/schema.h"

#include <algorithm>
#include <functional>

#include "base/checksum.h"
#include "base/coding.h"
#include "base/errors.h"
#include "data/schema/alter.h"
#include "data/testing/random_data.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pointee;

KeyspaceSchema Keyspace(std::string name, std::string factor = "3") {
  return {.name = std::move(name),
          .replication = {{"class", "SimpleStrategy"}, {"replication_factor", std::move(factor)}}};
}

TableId IdOf(uint8_t n) {
  TableId id;
  id.bytes[15] = n;
  return id;
}

TableSchema Table(std::string keyspace, std::string name, uint8_t id) {
  return {
      .id = IdOf(id),
      .keyspace = std::move(keyspace),
      .name = std::move(name),
      .columns =
          {{.name = "k", .type = DataType(TypeId::kText), .kind = ColumnKind::kPartitionKey},
           {.name = "c",
            .type = DataType(TypeId::kInt),
            .kind = ColumnKind::kClustering,
            .descending = true},
           {.name = "s", .type = DataType(TypeId::kUuid), .kind = ColumnKind::kStatic, .id = 1},
           {.name = "v", .type = DataType(TypeId::kDouble), .kind = ColumnKind::kRegular, .id = 0}},
      .next_column_id = 2,
      .comment = "it's a test",
      .options = {.cdc = true}};
}

Schema Sample() {
  return Schema()
      .WithKeyspace(Keyspace("ks"), 100)
      ->WithTable(Table("ks", "t", 1), 110)
      ->WithTable(Table("ks", "a", 2), 120)
      .value();
}

std::vector<std::string> TableNames(const Schema& schema) {
  std::vector<std::string> names;
  for (const auto& table : schema.tables()) names.push_back(table->QualifiedName());
  return names;
}

TEST(TableSchema, Columns) {
  const TableSchema table = Table("ks", "t", 1);
  EXPECT_EQ(table.partition_key_size(), 1u);
  EXPECT_EQ(table.clustering_size(), 1u);
  EXPECT_TRUE(table.has_static());
  EXPECT_EQ(table.Find("s"), &table.columns[2]);
  EXPECT_EQ(table.Find("x"), nullptr);
  EXPECT_EQ(table.FindById(0), &table.columns[3]);  // not the key columns, whose id is 0 too
  EXPECT_EQ(table.FindById(1), &table.columns[2]);
  EXPECT_EQ(table.FindById(2), nullptr);
}

TEST(Schema, FindsWhatWasMade) {
  const Schema schema = Sample();
  EXPECT_THAT(schema.FindKeyspace("ks"), Pointee(Keyspace("ks")));
  EXPECT_EQ(schema.FindKeyspace("other"), nullptr);
  EXPECT_THAT(schema.FindTable("ks", "t"), Pointee(Table("ks", "t", 1)));
  EXPECT_THAT(schema.FindTable(IdOf(2)), Pointee(Table("ks", "a", 2)));
  EXPECT_EQ(schema.FindTable("ks", "x"), nullptr);
  EXPECT_EQ(schema.FindTable("x", "t"), nullptr);
  EXPECT_EQ(schema.FindTable(IdOf(9)), nullptr);
  EXPECT_THAT(TableNames(schema), ElementsAre("ks.a", "ks.t"));
  EXPECT_EQ(schema.tables("ks").size(), 2u);
  EXPECT_THAT(schema.keyspaces(), ElementsAre(Pointee(Keyspace("ks"))));
  EXPECT_THAT(Schema().tables(), IsEmpty());
}

TEST(Schema, ChangesLeaveTheOldOneAlone) {
  const Schema before = Sample();
  const Schema after = before.WithoutTable("ks", "t", 200).value();
  EXPECT_NE(before.FindTable("ks", "t"), nullptr);
  EXPECT_EQ(after.FindTable("ks", "t"), nullptr);
  EXPECT_EQ(after.FindTable(IdOf(1)), nullptr);
  EXPECT_THAT(TableNames(after), ElementsAre("ks.a"));
  EXPECT_NE(before.digest(), after.digest());
}

TEST(Schema, RefusesWhatExistsOrDoesNot) {
  const Schema schema = Sample();
  const auto kind = [](const absl::Status& status) { return base::GetRequestError(status)->kind; };
  const absl::Status keyspace = schema.WithKeyspace(Keyspace("ks"), 300).status();
  EXPECT_EQ(keyspace.message(), "keyspace ks already exists");
  EXPECT_EQ(kind(keyspace), base::RequestErrorKind::kAlreadyExists);
  const absl::Status table = schema.WithTable(Table("ks", "t", 3), 300).status();
  EXPECT_EQ(table.message(), "table ks.t already exists");
  EXPECT_EQ(kind(table), base::RequestErrorKind::kAlreadyExists);
  const absl::Status nowhere = schema.WithTable(Table("x", "t", 3), 300).status();
  EXPECT_EQ(nowhere.message(), "keyspace x does not exist");
  EXPECT_EQ(kind(nowhere), base::RequestErrorKind::kInvalid);
  EXPECT_EQ(schema.WithoutKeyspace("x", 300).status().message(), "keyspace x does not exist");
  EXPECT_EQ(schema.WithoutTable("ks", "x", 300).status().message(), "table ks.x does not exist");
  EXPECT_THAT(schema.WithTable(Table("ks", "u", 1), 300).status().message(),
              HasSubstr("is that of ks.t"));
}

TEST(Schema, RefusesMalformedTables) {
  const auto message = [](const std::function<void(TableSchema*)>& change) {
    TableSchema table = Table("ks", "u", 7);
    change(&table);
    return std::string(Sample().WithTable(table, 300).status().message());
  };
  EXPECT_EQ(message([](TableSchema*) {}), "");
  EXPECT_THAT(message([](TableSchema* t) { t->name = "a-b"; }),
              HasSubstr("\"a-b\" is no table name"));
  EXPECT_THAT(message([](TableSchema* t) { t->name = ""; }), HasSubstr("\"\" is no table name"));
  EXPECT_THAT(message([](TableSchema* t) { t->name = std::string(49, 'x'); }),
              HasSubstr("1 to 48 letters"));
  EXPECT_THAT(message([](TableSchema* t) { t->columns.erase(t->columns.begin()); }),
              HasSubstr("ks.u: no partition key"));
  EXPECT_THAT(message([](TableSchema* t) { std::swap(t->columns[0], t->columns[1]); }),
              HasSubstr("column \"k\" is out of order"));
  EXPECT_THAT(message([](TableSchema* t) { std::swap(t->columns[2], t->columns[3]); }),
              HasSubstr("column \"s\" is out of order"));
  EXPECT_THAT(message([](TableSchema* t) { std::swap(t->columns[1], t->columns[2]); }),
              HasSubstr("column \"c\" is out of order"));
  EXPECT_THAT(message([](TableSchema* t) { t->columns[3].name = "k"; }),
              HasSubstr("column \"k\" is there twice"));
  EXPECT_THAT(message([](TableSchema* t) { t->columns[3].name = ""; }), HasSubstr("has no name"));
  EXPECT_THAT(message([](TableSchema* t) { t->columns[3].id = 1; }),
              HasSubstr("column \"v\" has the id of another"));
  EXPECT_THAT(message([](TableSchema* t) { t->columns[3].id = 2; }),
              HasSubstr("not below the next id 2"));
  EXPECT_THAT(message([](TableSchema* t) { t->columns[0].descending = true; }),
              HasSubstr("no clustering column"));
  EXPECT_THAT(message([](TableSchema* t) { t->columns.erase(t->columns.begin() + 1); }),
              HasSubstr("column \"s\" is static in a table without clustering columns"));
  EXPECT_THAT(message([](TableSchema* t) { t->id = {}; }), HasSubstr("no table id"));
  EXPECT_THAT(message([](TableSchema* t) { t->gc_grace_seconds = -1; }),
              HasSubstr("gc_grace_seconds must be greater than or equal to 0 (got -1)"));
  EXPECT_THAT(
      message([](TableSchema* t) { t->default_ttl_seconds = kTtlSecondsMax + 1; }),
      HasSubstr("default_time_to_live must be less than or equal to 630720000 (got 630720001)"));
  EXPECT_THAT(Schema().WithKeyspace(Keyspace("k s"), 1).status().message(),
              HasSubstr("is no keyspace name"));
}

TEST(Schema, LaterChangesWinWhateverTheClockSays) {
  // The clock of the node that drops is behind.
  const Schema dropped = Sample().WithoutTable("ks", "t", 5).value();
  EXPECT_EQ(Sample().Merge(dropped).FindTable("ks", "t"), nullptr);
  const Schema again = dropped.WithTable(Table("ks", "t", 8), 6).value();
  EXPECT_EQ(Sample().Merge(dropped).Merge(again).FindTable("ks", "t")->id, IdOf(8));
  EXPECT_EQ(again.Merge(Sample()).FindTable("ks", "t")->id, IdOf(8));
}

TEST(Schema, DroppingAKeyspaceTakesItsTablesAlsoThoseOfOthers) {
  const Schema other = Sample().WithTable(Table("ks", "unknown_to_the_dropper", 5), 150).value();
  const Schema dropped = Sample().WithoutKeyspace("ks", 200).value();
  EXPECT_THAT(TableNames(dropped), IsEmpty());
  EXPECT_THAT(TableNames(dropped.Merge(other)), IsEmpty());
  const Schema again =
      dropped.WithKeyspace(Keyspace("ks", "1"), 210)->WithTable(Table("ks", "n", 6), 3).value();
  EXPECT_THAT(TableNames(again.Merge(other)), ElementsAre("ks.n"));
  EXPECT_THAT(TableNames(other.Merge(again)), ElementsAre("ks.n"));
  // A drop on a node with a slow clock still covers the tables that it knew.
  EXPECT_THAT(TableNames(Sample().WithoutKeyspace("ks", 1)->Merge(Sample())), IsEmpty());
}

UserType Type(std::string keyspace, std::string name) {
  return {.keyspace = std::move(keyspace),
          .name = std::move(name),
          .field_names = {"a"},
          .field_types = {DataType(TypeId::kInt)}};
}

// A list of the first type of the keyspace, or of ints.
DataType EmbeddedIn(const Schema& schema, const std::string& keyspace) {
  const auto types = schema.types(keyspace);
  return DataType::List(types.empty() ? DataType(TypeId::kInt) : DataType::Udt(*types[0], true),
                        true);
}

// A random history: every node changes its own copy, and merges others'.
std::vector<Schema> RandomSchemas(base::RandomStream& random, int count) {
  std::vector<Schema> schemas(static_cast<size_t>(count));
  static constexpr const char* kNames[] = {"x", "y", "z"};
  for (int step = 0; step < 30; ++step) {
    Schema& schema = schemas[random.Below(schemas.size())];
    const std::string keyspace = kNames[random.Below(3)];
    const std::string table = kNames[random.Below(3)];
    const int64_t now = random.Between(0, 10);
    const auto keep = [&schema](absl::StatusOr<Schema> changed) {
      if (changed.ok()) schema = *changed;
    };
    switch (random.Below(10)) {
      case 6:
        keep(schema.WithType(Type(keyspace, table), now));
        break;
      case 7:
        keep(schema.WithoutType(keyspace, table, now));
        break;
      case 8:
        if (const auto type = schema.FindType(keyspace, table); type != nullptr) {
          const auto changed =
              AddField(*type, "f" + std::to_string(random.Below(4)), EmbeddedIn(schema, keyspace));
          if (changed.ok()) keep(schema.WithAlteredType(*changed, now));
        }
        break;
      case 9:
        if (const auto altered = schema.FindTable(keyspace, table); altered != nullptr) {
          const auto changed =
              random.Chance(0.5)
                  ? AddColumns(*altered, {{.name = "n" + std::to_string(random.Below(3)),
                                           .type = EmbeddedIn(schema, keyspace)}})
                  : DropColumns(*altered, {"n" + std::to_string(random.Below(3))}, now);
          if (changed.ok()) keep(schema.WithAlteredTable(*changed, now));
        }
        break;
      case 0:
        keep(schema.WithKeyspace(Keyspace(keyspace, std::to_string(random.Below(3))), now));
        break;
      case 1:
        if (random.Chance(0.3)) keep(schema.WithoutKeyspace(keyspace, now));
        break;
      case 2:
      case 3:
        keep(schema.WithTable(Table(keyspace, table, static_cast<uint8_t>(1 + random.Below(200))),
                              now));
        break;
      case 4:
        keep(schema.WithoutTable(keyspace, table, now));
        break;
      default:
        schema = schema.Merge(schemas[random.Below(schemas.size())]);
    }
  }
  return schemas;
}

// Two nodes create the same table before they have heard of each other: one table, whose rows stay.
TEST(Schema, EqualTablesCreatedApartAreOne) {
  const Schema base = *Schema().WithKeyspace(Keyspace("ks"), 100);
  auto create = [](const Schema& schema, int64_t at, std::string comment = "") {
    TableSchema table = Table("ks", "t", 0);
    table.comment = std::move(comment);
    table.id = schema.NewTableId(table);
    return *schema.WithTable(table, at);
  };
  const Schema a = create(base, 110);
  const Schema b = create(base, 120);
  EXPECT_EQ(a.FindTable("ks", "t")->id, b.FindTable("ks", "t")->id);
  EXPECT_EQ(a.Merge(b).FindTable("ks", "t")->id, a.FindTable("ks", "t")->id);
  EXPECT_NE(create(base, 110, "other").FindTable("ks", "t")->id, a.FindTable("ks", "t")->id);
  // Dropped and created again: another table.
  const Schema again = create(*a.WithoutTable("ks", "t", 130), 140);
  EXPECT_NE(again.FindTable("ks", "t")->id, a.FindTable("ks", "t")->id);
  const Schema other_keyspace =
      create(*a.WithoutKeyspace("ks", 150)->WithKeyspace(Keyspace("ks"), 160), 170);
  EXPECT_NE(other_keyspace.FindTable("ks", "t")->id, a.FindTable("ks", "t")->id);
}

TEST(Schema, MergeIsCommutativeAssociativeIdempotent) {
  const uint64_t seed = 13;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 600; ++i) {
    const std::vector<Schema> s = RandomSchemas(random, 3);
    const std::string expected = s[0].Merge(s[1]).Merge(s[2]).Encode();
    ASSERT_EQ(s[0].Merge(s[1].Merge(s[2])).Encode(), expected);
    ASSERT_EQ(s[2].Merge(s[0]).Merge(s[1]).Encode(), expected);
    ASSERT_EQ(s[1].Merge(s[2]).Merge(s[0]).digest(), s[0].Merge(s[1]).Merge(s[2]).digest());
    ASSERT_EQ(s[0].Merge(s[0]).Encode(), s[0].Encode());
    ASSERT_EQ(s[0].Merge(s[1]).Merge(s[1]).Encode(), s[0].Merge(s[1]).Encode());
    ASSERT_EQ(s[0].digest() == s[1].digest(), s[0].Encode() == s[1].Encode());
  }
}

TEST(SchemaCodec, RoundTrips) {
  const uint64_t seed = 14;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  std::vector<Schema> schemas = RandomSchemas(random, 100);
  schemas.push_back(Schema());
  schemas.push_back(Sample());
  for (const Schema& schema : schemas) {
    const std::string bytes = schema.Encode();
    const absl::StatusOr<Schema> back = Schema::Decode(bytes);
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(back->Encode(), bytes);
    ASSERT_EQ(back->digest(), schema.digest());
    ASSERT_EQ(TableNames(*back), TableNames(schema));
  }
  EXPECT_THAT(Schema::Decode(Sample().Encode())->FindTable("ks", "t"),
              Pointee(Table("ks", "t", 1)));
  EXPECT_THAT(Schema::Decode(Sample().Encode())->FindKeyspace("ks"), Pointee(Keyspace("ks")));
}

// With a user type, columns that embed it, and a dropped column.
Schema RichSample() {
  const Schema schema = *Sample().WithType(Type("ks", "address"), 130);
  const DataType addresses = DataType::Map(
      DataType(TypeId::kText), DataType::Udt(*schema.FindType("ks", "address"), true), false);
  const TableSchema table = *schema.FindTable("ks", "t");
  return *schema.WithAlteredTable(
      *DropColumns(*AddColumns(table, {{"a", addresses}, {"b", addresses}}), {"b"}, 140), 140);
}

TEST(SchemaCodec, EveryDamagedByteIsFound) {
  const std::string good = RichSample().Encode();
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 0x10;
    ASSERT_EQ(Schema::Decode(bad).status().code(), absl::StatusCode::kDataLoss) << i;
    ASSERT_FALSE(Schema::Decode(good.substr(0, i)).ok());
  }
  EXPECT_EQ(Schema::Decode("junk").status().message(), "not an encoded schema");
}

// Wrong bytes under a right checksum: an error, or a schema that encodes and decodes again.
TEST(SchemaCodec, DamageUnderARightChecksumNeverCrashes) {
  const uint64_t seed = 15;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  int refused = 0;
  for (int i = 0; i < 6000; ++i) {
    std::string body = RichSample().Encode();
    body.resize(body.size() - 8);
    for (uint64_t n = 1 + random.Below(2); n > 0; --n) {
      const size_t at = random.Below(body.size());
      if (random.Chance(0.7)) {
        body[at] = static_cast<char>(random.Next());
      } else {
        body.erase(at, random.Below(4));
      }
    }
    base::PutFixed64(&body, base::Checksum64(body));
    const absl::StatusOr<Schema> decoded = Schema::Decode(body);
    if (!decoded.ok()) {
      ASSERT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss);
      ++refused;
    } else {
      ASSERT_EQ(Schema::Decode(decoded->Encode())->digest(), decoded->digest());
    }
  }
  EXPECT_GT(refused, 1500);
}

TEST(SchemaCodec, NamesAnUnknownVersion) {
  std::string body = Sample().Encode();
  body.resize(body.size() - 8);
  body[4] = 9;
  base::PutFixed64(&body, base::Checksum64(body));
  EXPECT_EQ(Schema::Decode(body).status().message(), "schema: unknown version 9");
}

}  // namespace
}  // namespace tholos::data
