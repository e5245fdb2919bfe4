// Any bytes as a schema, with the checksum that makes it past the first check: refused, or a schema
// that encodes and decodes again to the same, and describes itself.
#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "data/schema/schema.h"

std::vector<std::string> FuzzSeeds() {
  using namespace tholos::data;
  TableSchema table{
      .keyspace = "ks",
      .name = "t",
      .columns =
          {{.name = "k", .type = DataType(TypeId::kText), .kind = ColumnKind::kPartitionKey},
           {.name = "c",
            .type = DataType(TypeId::kInt),
            .kind = ColumnKind::kClustering,
            .descending = true},
           {.name = "s", .type = DataType(TypeId::kUuid), .kind = ColumnKind::kStatic, .id = 1},
           {.name = "v",
            .type = DataType::Map(DataType(TypeId::kText), DataType(TypeId::kBlob), false),
            .kind = ColumnKind::kRegular,
            .id = 0}},
      .next_column_id = 2,
      .comment = "it's a seed",
      .options = {.cdc = true}};
  table.id.bytes[15] = 1;
  const auto keyspaces = Schema().WithKeyspace(
      {.name = "ks", .replication = {{"class", "SimpleStrategy"}, {"replication_factor", "3"}}},
      100);
  const std::string whole = keyspaces->WithTable(table, 110)->Encode();
  // Without what the target adds: magic and version, checksum.
  return {whole.substr(5, whole.size() - 13)};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tholos;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)data::Schema::Decode(bytes);
  bytes.insert(0, "THSC\x01");
  base::PutFixed64(&bytes, base::Checksum64(bytes));
  const auto schema = data::Schema::Decode(bytes);
  if (!schema.ok()) return 0;
  const auto again = data::Schema::Decode(schema->Encode());
  THOLOS_CHECK(again.ok()) << again.status();
  THOLOS_CHECK(again->Encode() == schema->Encode());
  for (const auto* keyspace : schema->keyspaces()) (void)data::DescribeKeyspace(*keyspace);
  for (const auto& table : schema->tables()) (void)data::DescribeTable(*table);
  for (const auto* keyspace : schema->keyspaces()) {
    for (const auto& type : schema->types(keyspace->name)) (void)data::DescribeType(*type);
  }
  return 0;
}
