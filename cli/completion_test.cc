#include "cli/completion.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

CompletionSchema MakeSchema() {
  CompletionSchema made;
  made.types = {{"shop", "address"}};
  tholos::v1::GetSchemaResponse& schema = made.tables;
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
  return made;
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
  EXPECT_THAT(CompleteCql(schema, "shop", "DROP TYPE ", "a"), ElementsAre("address"));
  EXPECT_THAT(CompleteCql(schema, "shop", "CREATE TABLE t (k int PRIMARY KEY, a frozen<", "ad"),
              Contains("address"));
  EXPECT_THAT(CompleteCql(schema, "shop", "DESC ", "o"), ElementsAre("orders"));
}

TEST(Completion, KnowsTheShellsCommands) {
  const auto schema = MakeSchema();
  EXPECT_THAT(CompleteCql(schema, "shop", "CONSISTENCY ", "l"),
              ElementsAre("LOCAL_ONE", "LOCAL_QUORUM", "LOCAL_SERIAL"));
  EXPECT_THAT(CompleteCql(schema, "shop", "tracing ", ""), ElementsAre("OFF", "ON"));
  EXPECT_THAT(CompleteCql(schema, "shop", "SHOW ", "s"), ElementsAre("SESSION"));
  EXPECT_THAT(CompleteCql(schema, "shop", "COPY ", "i"), ElementsAre("items"));
  EXPECT_THAT(CompleteCql(schema, "shop", "COPY items ", ""),
              ElementsAre("AND", "FROM", "TO", "WITH"));
  EXPECT_THAT(CompleteCql(schema, "shop", "COPY items TO 'f' WITH ", "h"), ElementsAre("HEADER="));
  EXPECT_THAT(CompleteCql(schema, "shop", "help ", "cre"),
              ElementsAre("CREATE KEYSPACE", "CREATE TABLE", "CREATE TYPE"));
}

}  // namespace
}  // namespace tholos::cli
