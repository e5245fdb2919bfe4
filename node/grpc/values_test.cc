#include "node/grpc/values.h"

#include <gtest/gtest.h>

#include "data/types/type_parser.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;

data::DataType Type(std::string_view text) {
  auto type = data::ParseType(
      text, [](std::string_view, std::string_view name) -> std::optional<data::UserType> {
        return data::UserType{
            .keyspace = "k",
            .name = std::string(name),
            .field_names = {"a", "b"},
            .field_types = {*data::DataType::FromName("int"), *data::DataType::FromName("text")}};
      });
  EXPECT_TRUE(type.ok()) << type.status();
  return type.value_or(data::DataType());
}

struct Case {
  const char* type;
  const char* literal;
  pb::Value::KindCase kind;
};

class Values : public ::testing::TestWithParam<Case> {};

TEST_P(Values, GoThereAndBack) {
  const data::DataType type = Type(GetParam().type);
  const auto bytes = type.FromText(GetParam().literal);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  pb::Value value;
  ToTypedValue(type, *bytes, &value);
  EXPECT_EQ(value.kind_case(), GetParam().kind) << value.DebugString();
  const auto back = ToBytes(value);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, *bytes) << value.DebugString();
}

constexpr Case kCases[] = {
    {"ascii", "plain", pb::Value::kText},
    {"text", "gr\u00fcn", pb::Value::kText},
    {"bigint", "-9223372036854775808", pb::Value::kBigint},
    {"int", "-7", pb::Value::kInt},
    {"smallint", "-32768", pb::Value::kSmallint},
    {"tinyint", "127", pb::Value::kTinyint},
    {"varint", "-123456789012345678901234567890", pb::Value::kVarint},
    {"decimal", "-12.50", pb::Value::kDecimal},
    {"float", "1.5", pb::Value::kFloat},
    {"double", "-Infinity", pb::Value::kDouble},
    {"boolean", "true", pb::Value::kBoolean},
    {"blob", "0xcafe", pb::Value::kBlob},
    {"uuid", "123e4567-e89b-42d3-a456-426614174000", pb::Value::kUuid},
    {"timeuuid", "123e4567-e89b-12d3-a456-426614174000", pb::Value::kUuid},
    {"timestamp", "2026-01-31 10:00:00.123+0000", pb::Value::kTimestamp},
    {"date", "1969-12-31", pb::Value::kDate},
    {"date", "-5877641-06-23", pb::Value::kDate},
    {"time", "10:00:00.123456789", pb::Value::kTime},
    {"duration", "-1y2mo3d4h", pb::Value::kDuration},
    {"inet", "10.0.0.1", pb::Value::kInet},
    {"inet", "2001:db8::1", pb::Value::kInet},
    {"list<int>", "[3, 1, 2]", pb::Value::kList},
    {"set<text>", "{'a', 'b'}", pb::Value::kList},
    {"map<text, frozen<list<int>>>", "{'a': [1], 'b': []}", pb::Value::kMap},
    {"tuple<int, text, double>", "(1, null, 2.5)", pb::Value::kTuple},
    {"address", "{a: 1, b: 'x'}", pb::Value::kTuple},
    {"vector<float, 3>", "[1.5, -2, 0]", pb::Value::kFloatVector},
    {"vector<text, 2>", "['a', 'bc']", pb::Value::kCql},
};
INSTANTIATE_TEST_SUITE_P(Types, Values, ::testing::ValuesIn(kCases));

TEST(BoundValues, ThatAreNoneAreRefused) {
  pb::Value nested;
  pb::Value* inner = &nested;
  for (int i = 0; i < 100; ++i) inner = inner->mutable_list()->add_values();
  inner->set_int_(1);
  pb::Value short_uuid;
  short_uuid.set_uuid("short");
  pb::Value wide;
  wide.set_tinyint(128);
  pb::Value hole;
  hole.mutable_list()->add_values();
  pb::Value unset;
  unset.mutable_tuple()->add_values()->set_unset(true);
  pb::Value no_number;
  no_number.mutable_decimal()->set_scale(1);
  for (const pb::Value& value : {nested, short_uuid, wide, hole, unset, no_number})
    EXPECT_FALSE(ToBytes(value).ok()) << value.DebugString();
}

TEST(BoundValues, KindsFitTheirTypes) {
  for (const Case& each : kCases) {
    pb::Value value;
    const data::DataType type = Type(each.type);
    ToTypedValue(type, *type.FromText(each.literal), &value);
    for (const Case& other : kCases) {
      const absl::Status fits = cql::CheckKind(ToKind(value), Type(other.type));
      if (std::string_view(each.type) == other.type) {
        EXPECT_TRUE(fits.ok()) << each.type << ": " << fits;
      } else if (each.kind != other.kind && each.kind != pb::Value::kCql) {
        EXPECT_FALSE(fits.ok()) << each.type << " as " << other.type;
      }
    }
  }
  pb::Value list;
  list.mutable_list()->add_values()->set_int_(1);
  list.mutable_list()->add_values()->set_int_(2);
  EXPECT_EQ(ToKind(list).parts->size(), 1u);
  EXPECT_TRUE(cql::CheckKind(ToKind(list), Type("set<int>")).ok());
  list.mutable_list()->add_values()->set_double_(2);
  EXPECT_EQ(cql::CheckKind(ToKind(list), Type("list<int>")).message(),
            "a value of kind double is not of type int");
  EXPECT_FALSE(cql::CheckKind(ToKind(list), Type("text")).ok());
  pb::Value map;
  map.mutable_map()->add_entries()->mutable_key()->set_text("a");
  map.mutable_map()->mutable_entries(0)->mutable_value()->set_bigint(1);
  EXPECT_TRUE(cql::CheckKind(ToKind(map), Type("map<ascii, bigint>")).ok());
  EXPECT_EQ(cql::CheckKind(ToKind(map), Type("map<text, timestamp>")).message(),
            "a value of kind bigint is not of type timestamp");
  pb::Value tuple;
  tuple.mutable_tuple()->add_values();
  tuple.mutable_tuple()->add_values()->set_text("x");
  tuple.mutable_tuple()->add_values()->set_text("one too many");
  EXPECT_TRUE(cql::CheckKind(ToKind(tuple), Type("address")).ok());
}

TEST(BoundValues, NoKindIsNull) {
  const auto bytes = ToBytes(pb::Value());
  ASSERT_TRUE(bytes.ok());
  EXPECT_FALSE(bytes->has_value());
}

TEST(Types, CarryTheirFields) {
  pb::Type type;
  ToType(Type("map<text, frozen<address>>"), &type);
  EXPECT_EQ(type.id(), 0x21u);
  ASSERT_EQ(type.arguments_size(), 2);
  EXPECT_EQ(type.arguments(1).name(), "address");
  EXPECT_EQ(type.arguments(1).field_names(1), "b");
  EXPECT_EQ(type.arguments(1).arguments(0).id(), 0x09u);
}

}  // namespace
}  // namespace tholos::node
