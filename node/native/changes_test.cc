#include "node/native/changes.h"

#include "gtest/gtest.h"

namespace tholos::node::native {
namespace {

ring::NodeId Id(uint8_t n) {
  ring::NodeId id;
  id.bytes[15] = n;
  return id;
}

ClusterView View(std::initializer_list<std::pair<uint8_t, bool>> members, data::Schema schema) {
  ClusterView view;
  for (const auto& [n, up] : members) {
    view.members[Id(n)] = {{"10.0.0." + std::to_string(n), 9042}, up};
  }
  view.schema = std::make_shared<const data::Schema>(std::move(schema));
  return view;
}

std::vector<std::string> Changes(const ClusterView& before, const ClusterView& after) {
  std::vector<std::string> out;
  for (const auto& event : ChangesBetween(before, after)) out.push_back(event.ToString());
  return out;
}

using Lines = std::vector<std::string>;

TEST(NativeChanges, MembersComeAndGo) {
  const data::Schema schema;
  EXPECT_EQ(Changes(View({{1, true}}, schema), View({{1, true}, {2, true}}, schema)),
            (Lines{"NEW_NODE 10.0.0.2:9042", "UP 10.0.0.2:9042"}));
  EXPECT_EQ(Changes(View({{1, true}}, schema), View({{1, true}, {2, false}}, schema)), Lines{});
  EXPECT_EQ(Changes(View({{1, true}, {2, true}}, schema), View({{1, true}, {2, false}}, schema)),
            Lines{"DOWN 10.0.0.2:9042"});
  EXPECT_EQ(Changes(View({{1, true}, {2, false}}, schema), View({{1, true}, {2, true}}, schema)),
            Lines{"UP 10.0.0.2:9042"});
  EXPECT_EQ(Changes(View({{1, true}, {2, true}}, schema), View({{1, true}}, schema)),
            Lines{"REMOVED_NODE 10.0.0.2:9042"});
}

data::Schema WithTable(const data::Schema& schema, std::string_view comment) {
  data::TableSchema table;
  table.keyspace = "k";
  table.name = "t";
  table.comment = comment;
  table.columns = {{.name = "a",
                    .type = data::DataType(data::TypeId::kInt),
                    .kind = data::ColumnKind::kPartitionKey}};
  table.id = schema.NewTableId(table);
  return *schema.WithTable(table, 20);
}

TEST(NativeChanges, TheSchemaChanges) {
  const data::Schema none;
  const data::Schema keyspace = *none.WithKeyspace(
      {.name = "k", .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}}, 10);
  const data::Schema table = WithTable(keyspace, "one");
  const auto view = [](const data::Schema& schema) { return View({}, schema); };
  EXPECT_EQ(Changes(view(none), view(table)), (Lines{"CREATED KEYSPACE k", "CREATED TABLE k.t"}));
  EXPECT_EQ(Changes(view(table), view(WithTable(keyspace, "two"))), Lines{"UPDATED TABLE k.t"});
  EXPECT_EQ(Changes(view(table), view(none)), (Lines{"DROPPED TABLE k.t", "DROPPED KEYSPACE k"}));
  EXPECT_EQ(Changes(view(table), view(table)), Lines{});
  data::UserType type;
  type.keyspace = "k";
  type.name = "u";
  type.field_names = {"f"};
  type.field_types = {data::DataType(data::TypeId::kInt)};
  const data::Schema typed = *keyspace.WithType(type, 30);
  type.field_names.push_back("g");
  type.field_types.push_back(data::DataType(data::TypeId::kText));
  EXPECT_EQ(Changes(view(keyspace), view(typed)), Lines{"CREATED TYPE k.u"});
  EXPECT_EQ(Changes(view(typed), view(*typed.WithAlteredType(type, 40))),
            Lines{"UPDATED TYPE k.u"});
  EXPECT_EQ(Changes(view(typed), view(keyspace)), Lines{"DROPPED TYPE k.u"});
}

}  // namespace
}  // namespace tholos::node::native
