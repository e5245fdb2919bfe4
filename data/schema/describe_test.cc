#include "data/schema/alter.h"
#include "data/schema/schema.h"
#include "data/types/type_parser.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

// Behind the clustering order, which a table without clustering columns has not.
constexpr char kDefaults[] =
    "additional_write_policy = '99p'\n"
    "    AND allow_auto_snapshot = true\n"
    "    AND bloom_filter_fp_chance = 0.01\n"
    "    AND caching = {'keys': 'ALL', 'rows_per_partition': 'NONE'}\n"
    "    AND cdc = false\n"
    "    AND comment = ''\n"
    "    AND compaction = {'class': "
    "'org.apache.cassandra.db.compaction.UnifiedCompactionStrategy', 'scaling_parameters': "
    "'T4'}\n"
    "    AND compression = {'chunk_length_in_kb': '16', 'class': "
    "'org.apache.cassandra.io.compress.LZ4Compressor'}\n"
    "    AND memtable = 'default'\n"
    "    AND crc_check_chance = 1.0\n"
    "    AND default_time_to_live = 0\n"
    "    AND extensions = {}\n"
    "    AND gc_grace_seconds = 864000\n"
    "    AND incremental_backups = true\n"
    "    AND max_index_interval = 2048\n"
    "    AND memtable_flush_period_in_ms = 0\n"
    "    AND min_index_interval = 128\n"
    "    AND read_repair = 'BLOCKING'\n"
    "    AND speculative_retry = '99p';";

TEST(Describe, Keyspaces) {
  EXPECT_EQ(
      DescribeKeyspace({.name = "ks",
                        .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "3"}}}),
      "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', "
      "'replication_factor': '3'}  AND durable_writes = true;");
  EXPECT_EQ(
      DescribeKeyspace(
          {.name = "Ks", .replication = {{"DC1", "3"}, {"class", "X"}}, .durable_writes = false}),
      "CREATE KEYSPACE \"Ks\" WITH replication = {'class': 'X', 'DC1': '3'}  AND durable_writes = "
      "false;");
}

TEST(Describe, Types) {
  const DataType inner = DataType::Udt({.keyspace = "ks", .name = "Inner"}, true);
  EXPECT_EQ(DescribeType({.keyspace = "ks",
                          .name = "address",
                          .field_names = {"street", "No", "all"},
                          .field_types = {DataType(TypeId::kText), DataType(TypeId::kInt),
                                          DataType::List(inner, false)}}),
            "CREATE TYPE ks.address (\n"
            "    street text,\n"
            "    \"No\" int,\n"
            "    all list<frozen<\"Inner\">>\n"
            ");");
}

TEST(Describe, Tables) {
  TableSchema table{
      .keyspace = "ks",
      .name = "table",
      .columns = {
          {.name = "A", .type = DataType(TypeId::kInt), .kind = ColumnKind::kPartitionKey},
          {.name = "b\"", .type = DataType(TypeId::kInt), .kind = ColumnKind::kPartitionKey},
          {.name = "c",
           .type = DataType(TypeId::kInt),
           .kind = ColumnKind::kClustering,
           .descending = true},
          {.name = "s", .type = DataType(TypeId::kUuid), .kind = ColumnKind::kStatic, .id = 1},
          {.name = "type", .type = ParseType("map<text, frozen<list<int>>>").value(), .id = 0}}};
  EXPECT_EQ(DescribeTable(table), std::string("CREATE TABLE ks.\"table\" (\n"
                                              "    \"A\" int,\n"
                                              "    \"b\"\"\" int,\n"
                                              "    c int,\n"
                                              "    s uuid static,\n"
                                              "    type map<text, frozen<list<int>>>,\n"
                                              "    PRIMARY KEY ((\"A\", \"b\"\"\"), c)\n"
                                              ") WITH CLUSTERING ORDER BY (c DESC)\n"
                                              "    AND ") +
                                      kDefaults);
  table.columns.resize(1);
  EXPECT_EQ(DescribeTable(table), std::string("CREATE TABLE ks.\"table\" (\n"
                                              "    \"A\" int PRIMARY KEY\n"
                                              ") WITH ") +
                                      kDefaults);
}

}  // namespace
}  // namespace tholos::data
