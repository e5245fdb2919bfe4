#include "client/value.h"

#include "data/types/type_parser.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::client {
namespace {

using testing::HasSubstr;

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

// As CQL writes what the value becomes.
std::string Encoded(const Value& value, std::string_view type_text) {
  const data::DataType type = Type(type_text);
  const auto bytes = value.Encode(type);
  if (!bytes.ok()) return std::string(bytes.status().message());
  if (!bytes->has_value()) return "null";
  EXPECT_TRUE(type.Validate(**bytes).ok()) << type_text << " " << type.Validate(**bytes);
  return type.ToCqlLiteral(**bytes);
}

TEST(Values, BecomeWhatTheirMarkerIs) {
  const base::Uuid uuid = *base::Uuid::Parse("123e4567-e89b-12d3-a456-426614174000");
  const absl::Time time = absl::FromUnixMillis(-1);
  const struct {
    Value value;
    const char* type;
    const char* literal;
  } cases[] = {
      {true, "boolean", "true"},
      {-128, "tinyint", "-128"},
      {int16_t{7}, "smallint", "7"},
      {7u, "int", "7"},
      {INT64_MIN, "bigint", "-9223372036854775808"},
      {-5, "varint", "-5"},
      {-5, "decimal", "-5"},
      {3, "double", "3"},
      {3, "float", "3"},
      {1.5f, "float", "1.5"},
      {1.5, "double", "1.5"},
      {"it's", "text", "'it''s'"},
      {std::string("x"), "ascii", "'x'"},
      {"1.50", "decimal", "1.50"},
      {"-7", "int", "-7"},
      {"2026-01-31", "date", "'2026-01-31'"},
      {"10:00:00", "time", "'10:00:00.000000000'"},
      {"2h30m", "duration", "2h30m"},
      {"10.0.0.1", "inet", "'10.0.0.1'"},
      {"[1, 2]", "list<int>", "[1, 2]"},
      {Value::Blob("\xCA\xFE"), "blob", "0xcafe"},
      {uuid, "uuid", "123e4567-e89b-12d3-a456-426614174000"},
      {uuid, "timeuuid", "123e4567-e89b-12d3-a456-426614174000"},
      {time, "timestamp", "'1969-12-31 23:59:59.999+0000'"},
      {time, "date", "'1969-12-31'"},
      {1000, "timestamp", "'1970-01-01 00:00:01.000+0000'"},
      {std::vector<int>{3, 1}, "list<int>", "[3, 1]"},
      {std::vector<bool>{true, false}, "list<boolean>", "[true, false]"},
      {std::vector<float>{1, 2}, "vector<float, 2>", "[1, 2]"},
      {std::vector<std::string>{"a", "bc"}, "vector<text, 2>", "['a', 'bc']"},
      {std::map<std::string, int>{{"a", 1}, {"b", 2}}, "map<text, int>", "{'a': 1, 'b': 2}"},
      {Value::Tuple({1, Value(), "x"}), "tuple<int, int, text>", "(1, null, 'x')"},
      {Value::Tuple({1}), "address", "{a: 1, b: null}"},
      {Value::Map({{"b", "x"}}), "address", "{a: null, b: 'x'}"},
      {std::vector<std::vector<int>>{{1}, {}}, "list<frozen<list<int>>>", "[[1], []]"},
      {std::optional<int>(), "int", "null"},
      {std::optional<int>(4), "int", "4"},
      {Value(), "text", "null"},
      {Value::Raw(std::string(3, '\0') + "\x07"), "int", "7"},
  };
  for (const auto& each : cases)
    EXPECT_EQ(Encoded(each.value, each.type), each.literal) << each.type;
}

TEST(Values, ThatDoNotFitAreRefusedByName) {
  const struct {
    Value value;
    const char* type;
    const char* message;
  } cases[] = {
      {128, "tinyint", "128 does not fit"},
      {int64_t{1} << 31, "int", "out of range of int"},
      {1, "text", "an integer is no value of type text"},
      {1.5, "int", "a double is no value of type int"},
      {"x", "int", "'x' is no int"},
      {"x", "blob", "a text is no value of type blob"},
      {true, "int", "a bool is no value of type int"},
      {base::Uuid(), "text", "a uuid is no value of type text"},
      {absl::InfiniteFuture(), "date", "does not fit"},
      {std::vector<int>{1}, "vector<float, 2>", "a list of 1 is no value"},
      {std::vector<int>{1}, "int", "a list is no value of type int"},
      {Value::Tuple({1}), "list<int>", "a tuple is no value of type list<int>"},
      {Value::Tuple({1, 2, 3}), "tuple<int, int>", "a tuple of 3 is no value"},
      {Value::Map({{"c", 1}}), "address", "has no field 'c'"},
      {Value::Map({{1, 1}}), "address", "has no field"},
      {Value::List({Value()}), "list<int>", "null is not allowed inside"},
      {Value::List({Value::Unset()}), "list<int>", "unset is not allowed inside"},
      {std::vector<std::string>{"x"}, "list<int>", "'x' is no int"},
  };
  for (const auto& each : cases)
    EXPECT_THAT(Encoded(each.value, each.type), HasSubstr(each.message)) << each.type;
}

template <typename T>
absl::StatusOr<T> Decoded(std::string_view type_text, std::string_view literal) {
  const data::DataType type = Type(type_text);
  const auto bytes = type.FromText(literal);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  T out{};
  const absl::Status status = Decode(type, *bytes, &out);
  if (!status.ok()) return status;
  return out;
}

TEST(Decoding, GivesWhatWasAskedFor) {
  EXPECT_EQ(*Decoded<bool>("boolean", "true"), true);
  EXPECT_EQ(*Decoded<int8_t>("bigint", "-5"), -5);
  EXPECT_EQ(*Decoded<int64_t>("varint", "9223372036854775807"), INT64_MAX);
  EXPECT_EQ(*Decoded<uint32_t>("bigint", "4294967295"), UINT32_MAX);
  EXPECT_EQ(*Decoded<double>("float", "1.5"), 1.5);
  EXPECT_EQ(*Decoded<float>("double", "1.5"), 1.5f);
  EXPECT_EQ(*Decoded<std::string>("text", "it's"), "it's");
  EXPECT_EQ(*Decoded<std::string>("blob", "0xcafe"), "\xCA\xFE");
  EXPECT_EQ(*Decoded<std::string>("decimal", "1.50"), "1.50");
  EXPECT_EQ(*Decoded<absl::Time>("timestamp", "1970-01-01 00:00:01+0000"),
            absl::FromUnixSeconds(1));
  EXPECT_EQ(*Decoded<absl::Time>("date", "1969-12-31"), absl::FromUnixSeconds(-86400));
  EXPECT_EQ((*Decoded<base::Uuid>("uuid", "123e4567-e89b-12d3-a456-426614174000")).ToString(),
            "123e4567-e89b-12d3-a456-426614174000");
  EXPECT_EQ(*Decoded<std::vector<int>>("set<int>", "{2, 1}"), (std::vector<int>{1, 2}));
  EXPECT_EQ(*Decoded<std::vector<float>>("vector<float, 2>", "[1, 2]"), (std::vector<float>{1, 2}));
  EXPECT_EQ((*Decoded<std::map<std::string, std::vector<int>>>("map<text, frozen<list<int>>>",
                                                               "{'a': [1, 2]}")),
            (std::map<std::string, std::vector<int>>{{"a", {1, 2}}}));
}

TEST(Decoding, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(Decoded<int8_t>("int", "128").ok());
  EXPECT_FALSE(Decoded<uint64_t>("int", "-1").ok());
  EXPECT_FALSE(Decoded<int64_t>("varint", "9223372036854775808").ok());
  EXPECT_FALSE(Decoded<int>("text", "1").ok());
  EXPECT_FALSE(Decoded<bool>("int", "1").ok());
  EXPECT_FALSE(Decoded<double>("int", "1").ok());
  EXPECT_FALSE(Decoded<absl::Time>("time", "10:00:00").ok());
  EXPECT_FALSE(Decoded<base::Uuid>("blob", "0x00").ok());
  EXPECT_FALSE(Decoded<std::vector<int>>("map<int, int>", "{1: 2}").ok());
  EXPECT_FALSE((Decoded<std::map<int, int>>("list<int>", "[1]").ok()));
  int64_t out = 0;
  EXPECT_FALSE(Decode(Type("int"), "abc", &out).ok());
  std::vector<int> list;
  EXPECT_FALSE(Decode(Type("list<int>"), "\x7F\xFF\xFF\xFF", &list).ok());
}

}  // namespace
}  // namespace tholos::client
