#include "data/schema/alter.h"

#include "base/errors.h"
#include "data/types/type_parser.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

DataType T(std::string_view text) { return ParseType(text).value(); }

TableSchema Table() {
  TableSchema table{
      .keyspace = "ks",
      .name = "t",
      .columns = {{.name = "k", .type = T("int"), .kind = ColumnKind::kPartitionKey},
                  {.name = "c", .type = T("int"), .kind = ColumnKind::kClustering},
                  {.name = "m", .type = T("text"), .kind = ColumnKind::kRegular, .id = 0}},
      .next_column_id = 1};
  table.id.bytes[0] = 1;
  return table;
}

UserType Address() {
  return {
      .keyspace = "ks", .name = "address", .field_names = {"street"}, .field_types = {T("text")}};
}

Schema Sample() {
  return Schema()
      .WithKeyspace({.name = "ks", .replication = {{"class", "SimpleStrategy"}}}, 1)
      ->WithType(Address(), 2)
      ->WithTable(Table(), 3)
      .value();
}

std::vector<std::string> Names(const TableSchema& table) {
  std::vector<std::string> names;
  for (const ColumnSchema& column : table.columns) names.push_back(column.name);
  return names;
}

TEST(AlterTable, AddsColumnsInOrderWithNewIds) {
  const TableSchema table =
      AddColumns(Table(), {{"z", T("int")}, {"a", T("list<int>")}, {"n", T("int"), true}}).value();
  EXPECT_THAT(Names(table), ElementsAre("k", "c", "a", "m", "n", "z"));
  EXPECT_EQ(table.Find("z")->id, 1u);
  EXPECT_EQ(table.Find("a")->id, 2u);
  EXPECT_EQ(table.Find("n")->kind, ColumnKind::kStatic);
  EXPECT_EQ(table.next_column_id, 4u);
}

TEST(AlterTable, AReaddedColumnHasAnotherId) {
  const TableSchema dropped = DropColumns(Table(), {"m"}, 77).value();
  EXPECT_THAT(Names(dropped), ElementsAre("k", "c"));
  ASSERT_EQ(dropped.dropped_columns.size(), 1u);
  EXPECT_EQ(dropped.dropped_columns[0],
            (DroppedColumn{.name = "m", .type = T("text"), .dropped_micros = 77}));
  const TableSchema again = AddColumns(dropped, {{"m", T("text")}}).value();
  EXPECT_EQ(again.Find("m")->id, 1u);
  EXPECT_EQ(again.dropped_columns.size(), 1u);
  EXPECT_TRUE(AddColumns(dropped, {{"m", T("blob")}}).ok());
  EXPECT_EQ(AddColumns(dropped, {{"m", T("int")}}).status().message(),
            "Cannot re-add previously dropped column 'm' of type int, incompatible with previous "
            "type text");
  EXPECT_EQ(AddColumns(dropped, {{"m", T("text"), true}}).status().message(),
            "Cannot re-add previously dropped column 'm' of kind STATIC, incompatible with "
            "previous kind REGULAR");
}

TEST(AlterTable, WhatIsRefused) {
  EXPECT_EQ(AddColumns(Table(), {{"m", T("text")}}).status().message(),
            "Column with name 'm' already exists");
  EXPECT_EQ(DropColumns(Table(), {"x"}, 1).status().message(),
            "Column x was not found in table 'ks.t'");
  EXPECT_EQ(DropColumns(Table(), {"c"}, 1).status().message(), "Cannot drop PRIMARY KEY column c");
  EXPECT_EQ(RenameColumns(Table(), {{"m", "n"}}).status().message(),
            "Cannot rename non PRIMARY KEY column m");
  EXPECT_EQ(RenameColumns(Table(), {{"k", "c"}}).status().message(),
            "Cannot rename column k to c in table 'ks.t'; another column with that name already "
            "exists");
  EXPECT_THAT(Names(RenameColumns(Table(), {{"k", "key"}}).value()), ElementsAre("key", "c", "m"));
}

TEST(AlterTable, InTheSchema) {
  const Schema schema = Sample();
  const TableSchema added = AddColumns(Table(), {{"n", T("int")}}).value();
  const Schema altered = schema.WithAlteredTable(added, 10).value();
  EXPECT_EQ(*altered.FindTable("ks", "t"), added);
  EXPECT_EQ(*schema.Merge(altered).FindTable("ks", "t"), added);
  EXPECT_EQ(*Schema::Decode(altered.Encode())->FindTable("ks", "t"), added);
  TableSchema retyped = Table();
  retyped.columns[2].type = T("int");
  EXPECT_THAT(schema.WithAlteredTable(retyped, 10).status().message(),
              HasSubstr("the type of column m stays"));
  retyped = Table();
  retyped.columns[1].type = T("text");
  EXPECT_THAT(schema.WithAlteredTable(retyped, 10).status().message(), HasSubstr("key column c"));
  // An id that was given before.
  TableSchema reused = DropColumns(Table(), {"m"}, 5).value();
  const Schema dropped = schema.WithAlteredTable(reused, 10).value();
  reused.columns.push_back({.name = "n", .type = T("int"), .id = 0});
  EXPECT_THAT(dropped.WithAlteredTable(reused, 10).status().message(),
              HasSubstr("ids of columns are not given again"));
  TableSchema unknown = Table();
  unknown.name = "x";
  EXPECT_EQ(schema.WithAlteredTable(unknown, 10).status().message(), "table ks.x does not exist");
}

TEST(AlterKeyspace, InTheSchema) {
  KeyspaceSchema keyspace = *Sample().FindKeyspace("ks");
  keyspace.replication = {{"class", "NetworkTopologyStrategy"}, {"dc1", "3"}};
  const Schema altered = Sample().WithAlteredKeyspace(keyspace, 10).value();
  EXPECT_EQ(*altered.FindKeyspace("ks"), keyspace);
  EXPECT_NE(altered.FindTable("ks", "t"), nullptr);
  keyspace.name = "x";
  EXPECT_EQ(altered.WithAlteredKeyspace(keyspace, 10).status().message(),
            "keyspace x does not exist");
}

TEST(AlterType, PropagatesToEverythingThatEmbedsIt) {
  const UserType outer{.keyspace = "ks",
                       .name = "a_person",
                       .field_names = {"home"},
                       .field_types = {DataType::Udt(Address(), true)}};
  Schema schema = Sample().WithType(outer, 4).value();
  const DataType people = DataType::List(DataType::Udt(outer, true), false);
  schema = schema.WithAlteredTable(AddColumns(Table(), {{"people", people}}).value(), 5).value();
  const UserType longer =
      RenameFields(AddField(Address(), "number", T("int")).value(), {{"street", "road"}}).value();
  schema = schema.WithAlteredType(longer, 6).value();
  EXPECT_EQ(*schema.FindType("ks", "address"), longer);
  EXPECT_EQ(schema.FindType("ks", "a_person")->field_types[0].user_type(), longer);
  const auto table = schema.FindTable("ks", "t");
  const DataType person = table->Find("people")->type.arguments()[0];
  EXPECT_EQ(person.user_type().field_types[0].user_type(), longer);
  EXPECT_EQ(schema.FindTable(table->id), table);
  // The same after a round trip, and in whatever order nodes hear of it.
  EXPECT_EQ(*Schema::Decode(schema.Encode())->FindTable("ks", "t"), *table);
  EXPECT_EQ(*schema.Merge(Sample()).FindTable("ks", "t"), *table);
  EXPECT_EQ(*Sample().Merge(schema).FindTable("ks", "t"), *table);
  // In an order in which they can be made again.
  EXPECT_EQ(schema.types("ks")[0]->name, "address");
  EXPECT_EQ(schema.types("ks")[1]->name, "a_person");
  EXPECT_EQ(schema.WithoutType("ks", "address", 9).status().message(),
            "Cannot drop user type 'ks.address' as it is still used by user types a_person");
  EXPECT_EQ(schema.WithoutType("ks", "a_person", 9).status().message(),
            "Cannot drop user type 'ks.a_person' as it is still used by tables t");
  // A dropped column does not use it any more.
  const Schema free =
      schema.WithAlteredTable(DropColumns(*table, {"people"}, 8).value(), 9).value();
  EXPECT_EQ(free.WithoutType("ks", "a_person", 10)->FindType("ks", "a_person"), nullptr);
  EXPECT_EQ(free.FindTable("ks", "t")->dropped_columns[0].type.name(),
            "list<frozen<tuple<frozen<tuple<text, int>>>>>");
}

TEST(AlterType, WhatIsRefused) {
  const Schema schema = Sample();
  const auto kind = [](const absl::Status& status) { return base::GetRequestError(status)->kind; };
  EXPECT_EQ(kind(schema.WithType(Address(), 5).status()), base::RequestErrorKind::kAlreadyExists);
  EXPECT_EQ(AddField(Address(), "street", T("int")).status().message(),
            "Cannot add field street to type ks.address: a field with name street already exists");
  EXPECT_THAT(AddField(Address(), "self", DataType::Udt(Address(), true)).status().message(),
              HasSubstr("circular reference"));
  EXPECT_EQ(RenameFields(Address(), {{"x", "y"}}).status().message(),
            "Unknown field x in user type ks.address");
  UserType retyped = Address();
  retyped.field_types[0] = T("int");
  EXPECT_EQ(schema.WithAlteredType(retyped, 5).status().message(),
            "Altering field types is no longer supported");
  EXPECT_EQ(schema.WithoutType("ks", "x", 5).status().message(), "Type 'ks.x' doesn't exist");
  UserType abroad = Address();
  abroad.keyspace = "other";
  EXPECT_EQ(schema.WithType(abroad, 5).status().message(), "keyspace other does not exist");
  EXPECT_THAT(AddColumns(Table(), {{"a", DataType::Udt(abroad, true)}}).status().message(),
              HasSubstr("cannot refer to a user type in keyspace other"));
}

// Each level has two fields of the one below: 2^n in all. The limit comes first.
TEST(AlterType, DefinitionsThatWouldExplodeAreRefused) {
  Schema schema = Sample();
  DataType inner = T("int");
  int levels = 0;
  for (; levels < 64; ++levels) {
    const UserType next{.keyspace = "ks",
                        .name = "t" + std::to_string(levels),
                        .field_names = {"a", "b"},
                        .field_types = {inner, inner}};
    auto with = schema.WithType(next, 10 + levels);
    if (!with.ok()) {
      EXPECT_THAT(with.status().message(), HasSubstr("the limit is"));
      break;
    }
    schema = *with;
    inner = DataType::Udt(next, true);
  }
  EXPECT_LT(levels, 32);
  EXPECT_GT(levels, 10);
}

}  // namespace
}  // namespace tholos::data
