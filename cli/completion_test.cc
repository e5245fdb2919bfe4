#include "cli/completion.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

tholos::v1::GetSchemaResponse MakeSchema() {
  tholos::v1::GetSchemaResponse schema;
  auto* keyspace = schema.add_keyspaces();
  keyspace->set_name("shop");
  auto* table = keyspace->add_tables();
  table->set_keyspace("shop");
  table->set_name("orders");
  for (const char* name : {"customer", "placed", "total"}) table->add_columns()->set_name(name);
  table = keyspace->add_tables();
  table->set_keyspace("shop");
  table->set_name("items");
  table->add_columns()->set_name("sku");
  return schema;
}

TEST(Completion, FollowsThePlaceInTheStatement) {
  const auto schema = MakeSchema();
  EXPECT_THAT(CompleteCql(schema, "shop", "SELECT * FROM ", "o"), ElementsAre("orders"));
  EXPECT_THAT(CompleteCql(schema, "", "SELECT * FROM ", "sh"),
              ElementsAre("shop.items", "shop.orders"));
  EXPECT_THAT(CompleteCql(schema, "", "use ", ""), ElementsAre("shop"));
  EXPECT_THAT(CompleteCql(schema, "shop", "SELECT * FROM orders WHERE ", "cu"),
              ElementsAre("CUSTOM", "customer"));
  EXPECT_THAT(CompleteCql(schema, "shop", "SELECT * FROM orders WHERE ", ""), Not(Contains("sku")));
  EXPECT_THAT(CompleteCql(schema, "shop", "SELECT ", "sk"), ElementsAre("sku"));
  EXPECT_THAT(CompleteCql(schema, "shop", "", "sel"), ElementsAre("SELECT"));
  EXPECT_THAT(CompleteCql(schema, "shop", "", "cons"), ElementsAre("CONSISTENCY"));
}

}  // namespace
}  // namespace tholos::cli
