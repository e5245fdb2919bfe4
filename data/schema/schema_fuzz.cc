// Any bytes as a schema, with the checksum that makes it past the first check: refused, or a schema
// that encodes and decodes again to the same, and describes itself.
#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "data/schema/schema.h"

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
