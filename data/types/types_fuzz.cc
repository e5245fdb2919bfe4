// Any bytes as a type and a value of it: refused, or a value that orders, encodes, prints and reads
// back. And any bytes as a key component and as text of that type.
#include "base/check.h"
#include "data/types/data_type.h"
#include "data/types/type_parser.h"
#include "data/types/type_rules.h"

namespace tholos::data {
namespace {

void CheckValue(const DataType& type, const std::string& value) {
  THOLOS_CHECK(type.Validate(value).ok()) << type.name();
  THOLOS_CHECK(type.Compare(value, value) == 0) << type.name();
  THOLOS_CHECK(type.Normalize(value).ok()) << type.name();
  for (const bool descending : {false, true}) {
    std::string key;
    type.AppendComparable(value, descending, &key);
    std::string_view in = key;
    const auto back = type.TakeComparable(&in, descending);
    THOLOS_CHECK(back.ok() && in.empty()) << type.name();
    THOLOS_CHECK(type.Compare(*back, value) == 0) << type.name();
  }
  const std::string text = type.ToDisplay(value);
  if (value.empty() && type.is_simple()) return;
  const auto read = type.FromText(text);
  THOLOS_CHECK(read.ok()) << type.name() << ": " << text << ": " << read.status();
  // Durations compare as bytes, and a client's vints may be longer than they need to be.
  if (type.References(TypeId::kDuration)) return;
  THOLOS_CHECK(type.Compare(*read, value) == 0) << type.name() << ": " << text;
}

}  // namespace
}  // namespace tholos::data

// Types of every kind, each with a value, with the text of one, and with a key component.
std::vector<std::string> FuzzSeeds() {
  using namespace tholos::data;
  std::vector<DataType> types;
  for (const TypeId id : kSimpleTypes) types.push_back(DataType(id));
  const DataType text(TypeId::kText), number(TypeId::kInt);
  types.push_back(DataType::List(number, false));
  types.push_back(DataType::Set(DataType(TypeId::kVarint), true));
  types.push_back(DataType::Map(text, DataType::List(text, true), false));
  types.push_back(DataType::Tuple({number, text, DataType(TypeId::kDecimal)}));
  types.push_back(DataType::Vector(DataType(TypeId::kFloat), 3));
  types.push_back(DataType::Vector(text, 2));
  constexpr std::string_view kTexts[] = {"1",
                                         "a",
                                         "0xcafe",
                                         "true",
                                         "1.50",
                                         "2026-11-28",
                                         "12:34:56.789",
                                         "1h30m",
                                         "127.0.0.1",
                                         "123e4567-e89b-12d3-a456-426614174000",
                                         "123e4567-e89b-12d3-a456-426614174000",
                                         "2026-11-28T12:34:56.789+0100",
                                         "[1, 2]",
                                         "{1, -200}",
                                         "{'a': ['b', 'c'], 'd': []}",
                                         "(1, 'x', null)",
                                         "[1.0, NaN, -Infinity]",
                                         "['a', 'b']"};
  std::vector<std::string> seeds = {
      "map<text, frozen<list<tuple<int, vector<float, 3>>>>>",
      "org.apache.cassandra.db.marshal.ListType(org.apache.cassandra.db.marshal.Int32Type)"};
  for (const DataType& type : types) {
    std::string encoded;
    type.AppendTo(&encoded);
    for (const std::string_view shown : kTexts) {
      const auto value = type.FromText(shown);
      if (!value.ok()) continue;
      seeds.push_back(encoded + std::string(shown));
      seeds.push_back(encoded + *value);
      std::string component;
      type.AppendComparable(*value, false, &component);
      seeds.push_back(encoded + component);
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tholos;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)data::ParseType(bytes);
  base::Reader in(bytes);
  const data::DataType type = data::DataType::TakeFrom(&in);
  if (!in.ok() || !data::CheckType(type).ok()) return 0;
  const std::string rest(in.rest());
  if (const auto normal = type.Normalize(rest); normal.ok()) data::CheckValue(type, *normal);
  std::string_view component = rest;
  if (const auto value = type.TakeComparable(&component, false); value.ok()) {
    data::CheckValue(type, *value);
  }
  if (const auto value = type.FromText(rest); value.ok()) data::CheckValue(type, *value);
  return 0;
}
