// Calls and what they give: values as CQL writes them.
#include <map>

#include "absl/strings/str_join.h"
#include "base/random.h"
#include "base/sim/test_world.h"
#include "base/strings.h"
#include "cql/functions/registry.h"
#include "cql/json/json_codec.h"
#include "data/types/type_parser.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

using data::DataType;

DataType Type(std::string_view text) {
  const auto type = data::ParseType(text);
  EXPECT_TRUE(type.ok()) << text << ": " << type.status();
  return type.value_or(DataType());
}

struct Argument {
  std::string type;
  std::optional<std::string> value = std::nullopt;  // null without
};

class FunctionsTest : public testing::Test {
 protected:
  // "type value", or the error.
  std::string Call(std::string_view name, const std::vector<Argument>& arguments,
                   std::optional<std::string> receiver = std::nullopt) {
    CallSite site{.keyspace = "", .name = name};
    std::vector<data::Value> values;
    for (const Argument& argument : arguments) {
      const DataType type = Type(argument.type);
      site.arguments.push_back({.text = argument.value.value_or("null"), .type = type});
      if (!argument.value) {
        values.emplace_back();
        continue;
      }
      const absl::StatusOr<std::string> bytes = type.FromText(*argument.value);
      EXPECT_TRUE(bytes.ok()) << argument.type << " " << *argument.value << bytes.status();
      values.emplace_back(bytes.value_or(""));
    }
    if (receiver) site.receiver = Type(*receiver);
    const absl::StatusOr<FunctionPtr> function =
        name.starts_with("cast ") ? ResolveCast(site.arguments[0], Type(name.substr(5)))
                                  : ResolveFunction(site);
    if (!function.ok()) return std::string(function.status().message());
    return Run(**function, values);
  }

  std::string Run(const Function& function, const std::vector<data::Value>& values) {
    absl::StatusOr<data::Value> result;
    if (function.is_aggregate()) {
      auto accumulator = function.accumulate();
      for (const data::Value& value : values) EXPECT_TRUE(accumulator->Add({&value, 1}).ok());
      result = accumulator->Finish();
    } else {
      result = function.call(context_, values);
    }
    if (!result.ok()) return std::string(result.status().message());
    if (*result) EXPECT_TRUE(function.result.Validate(**result).ok()) << function.name;
    return base::StrCat(function.result.name(), " ",
                        *result ? function.result.ToCqlLiteral(**result) : "null");
  }

  // An aggregate over several values.
  std::string Aggregate(std::string_view name, const std::string& type,
                        const std::vector<std::string>& texts) {
    CallSite site{.keyspace = "", .name = name};
    site.arguments.push_back({.text = "v", .type = Type(type)});
    std::vector<data::Value> values = {data::Value()};
    for (const std::string& text : texts) values.emplace_back(Type(type).FromText(text).value());
    const absl::StatusOr<FunctionPtr> function = ResolveFunction(site);
    if (!function.ok()) return std::string(function.status().message());
    return Run(**function, values);
  }

  base::sim::TestWorld world_;
  base::RandomStream random_ = world_.random().Stream("functions");
  TimeUuidSource time_uuids_{random_};
  FunctionContext context_{1'769'853'600'123'456, random_, time_uuids_};
};

struct Case {
  std::string name;
  std::vector<Argument> arguments;
  std::string expected;
};

TEST_F(FunctionsTest, Operators) {
  const Case kCases[] = {
      {"_add", {{"int", "1"}, {"int", "2"}}, "int 3"},
      {"_add", {{"tinyint", "100"}, {"tinyint", "100"}}, "tinyint -56"},
      {"_add", {{"tinyint", "100"}, {"smallint", "100"}}, "smallint 200"},
      {"_subtract", {{"int", "1"}, {"bigint", "2"}}, "bigint -1"},
      {"_multiply", {{"int", "3"}, {"float", "0.5"}}, "float 1.5"},
      {"_multiply", {{"bigint", "3"}, {"float", "0.5"}}, "double 1.5"},
      {"_add", {{"varint", "3"}, {"float", "0.5"}}, "decimal 3.5"},
      {"_add", {{"varint", "99999999999999999999"}, {"int", "1"}}, "varint 100000000000000000000"},
      {"_divide", {{"int", "7"}, {"int", "-2"}}, "int -3"},
      {"_modulo", {{"int", "-7"}, {"int", "2"}}, "int -1"},
      {"_divide", {{"int", "1"}, {"int", "0"}}, "the operation 'int / int' failed: / by zero"},
      {"_divide", {{"decimal", "1"}, {"decimal", "8"}}, "decimal 0.125"},
      {"_add", {{"int", "1"}, {"int"}}, "int null"},
      {"_negate", {{"smallint", "-32768"}}, "smallint -32768"},
      {"_negate", {{"decimal", "1.50"}}, "decimal -1.50"},
      {"_add", {{"text", "a"}, {"int", "1"}}, "the '+' operation is not supported between a and 1"},
      {"_add",
       {{"timestamp", "2026-01-31 10:00:00.000+0000"}, {"duration", "1mo1h"}},
       "timestamp '2026-02-28 11:00:00.000+0000'"},
      {"_subtract", {{"date", "2024-03-31"}, {"duration", "1mo"}}, "date '2024-02-29'"},
      {"_add",
       {{"date", "2024-03-31"}, {"duration", "1h"}},
       "the operation 'date + duration' failed: The duration must have a day precision. Was: 1h"}};
  for (const Case& c : kCases) EXPECT_EQ(Call(c.name, c.arguments), c.expected) << c.name;
}

TEST_F(FunctionsTest, Time) {
  const Case kCases[] = {
      {"current_timestamp", {}, "timestamp '2026-01-31 10:00:00.123+0000'"},
      {"currenttimestamp", {}, "timestamp '2026-01-31 10:00:00.123+0000'"},
      {"current_date", {}, "date '2026-01-31'"},
      {"current_time", {}, "time '10:00:00.123456000'"},
      {"to_date", {{"timestamp", "2026-01-31 23:59:59.999+0000"}}, "date '2026-01-31'"},
      {"to_date", {{"timeuuid", "d2177dd0-eaa2-11de-a572-001b779c76e3"}}, "date '2009-12-17'"},
      {"totimestamp", {{"date", "2026-01-31"}}, "timestamp '2026-01-31 00:00:00.000+0000'"},
      {"to_unix_timestamp", {{"date", "1970-01-02"}}, "bigint 86400000"},
      {"to_unix_timestamp", {{"date"}}, "bigint null"},
      {"min_timeuuid",
       {{"timestamp", "1970-01-01 00:00:00+0000"}},
       "timeuuid 13814000-1dd2-11b2-8080-808080808080"},
      {"maxtimeuuid",
       {{"timestamp", "1970-01-01 00:00:00+0000"}},
       "timeuuid 1381670f-1dd2-11b2-7f7f-7f7f7f7f7f7f"},
      {"floor",
       {{"timestamp", "2026-01-31 10:07:00+0000"}, {"duration", "5m"}},
       "timestamp '2026-01-31 10:05:00.000+0000'"},
      {"floor", {{"date", "2026-05-31"}, {"duration", "3mo"}}, "date '2026-04-01'"},
      {"floor", {{"time", "10:07:30"}, {"duration", "1m"}}, "time '10:07:00.000000000'"},
      {"floor",
       {{"timestamp", "2026-01-31 10:07:00+0000"}, {"duration", "-5m"}},
       "Negative durations are not supported by the floor function"},
      {"to_date",
       {{"text", "x"}},
       "Invalid call to function to_date, none of its type signatures match (known type "
       "signatures: "
       "system.to_date : (timestamp) -> date, system.to_date : (timeuuid) -> date)"},
      {"uuid",
       {{"int", "1"}},
       "Invalid number of arguments in call to function system.uuid: 0 required but 1 provided"},
      {"nope", {}, "Unknown function 'nope'"}};
  for (const Case& c : kCases) EXPECT_EQ(Call(c.name, c.arguments), c.expected) << c.name;
  EXPECT_NE(Call("now", {}), Call("now", {}));
}

TEST_F(FunctionsTest, MathAndCasts) {
  const Case kCases[] = {
      {"abs", {{"int", "-3"}}, "int 3"},
      {"abs", {{"decimal", "-3.10"}}, "decimal 3.10"},
      {"exp", {{"int", "1"}}, "int 2"},
      {"exp", {{"double", "0"}}, "double 1"},
      {"log", {{"decimal", "1"}}, "decimal 0"},
      {"log10", {{"bigint", "1000"}}, "bigint 3"},
      {"log", {{"int", "0"}}, "int -2147483648"},
      {"round", {{"double", "2.5"}}, "double 3"},
      {"round", {{"double", "-2.5"}}, "double -2"},
      {"round", {{"decimal", "-2.5"}}, "decimal -3"},
      {"round", {{"varint", "7"}}, "varint 7"},
      {"cast text", {{"int", "42"}}, "text '42'"},
      {"cast text", {{"double", "1"}}, "text '1.0'"},
      {"cast ascii",
       {{"timestamp", "2026-01-31 10:00:00+0000"}},
       "ascii '2026-01-31T10:00:00.000Z'"},
      {"cast int", {{"double", "1e20"}}, "int 2147483647"},
      {"cast int", {{"bigint", "4294967297"}}, "int 1"},
      {"cast tinyint", {{"varint", "257"}}, "tinyint 1"},
      {"cast decimal", {{"float", "0.1"}}, "decimal 0.1"},
      {"cast decimal", {{"int", "3"}}, "decimal 3"},
      {"cast varint", {{"decimal", "3.99"}}, "varint 3"},
      {"cast double", {{"decimal", "0.25"}}, "double 0.25"},
      {"cast date", {{"timestamp", "2026-01-31 10:00:00+0000"}}, "date '2026-01-31'"},
      {"cast text", {{"int"}}, "text null"},
      {"cast boolean", {{"int", "1"}}, "1 cannot be cast to boolean"}};
  for (const Case& c : kCases) EXPECT_EQ(Call(c.name, c.arguments), c.expected) << c.name;
}

TEST_F(FunctionsTest, Blobs) {
  const Case kCases[] = {{"int_as_blob", {{"int", "1"}}, "blob 0x00000001"},
                         {"textasblob", {{"text", "ab"}}, "blob 0x6162"},
                         {"varchar_as_blob", {{"text", "ab"}}, "blob 0x6162"},
                         {"blob_as_int", {{"blob", "0x00000010"}}, "int 16"},
                         {"blobasint",
                          {{"blob", "0x10"}},
                          "In call to function system.blob_as_int, value 0x10 is not a valid "
                          "binary representation for "
                          "type int"},
                         {"blob_as_text", {{"blob"}}, "text null"}};
  for (const Case& c : kCases) EXPECT_EQ(Call(c.name, c.arguments), c.expected) << c.name;
}

TEST_F(FunctionsTest, CollectionsAndVectors) {
  const Case kCases[] = {
      {"map_keys", {{"map<text, int>", "{'b': 1, 'a': 2}"}}, "frozen<set<text>> {'a', 'b'}"},
      {"map_values", {{"map<text, int>", "{'b': 1, 'a': 2}"}}, "frozen<list<int>> [2, 1]"},
      {"collection_count", {{"map<text, int>", "{'b': 1, 'a': 2}"}}, "int 2"},
      {"collection_count", {{"list<int>", "[1, 2, 3]"}}, "int 3"},
      {"collection_min", {{"list<int>", "[2, 1, 3]"}}, "int 1"},
      {"collection_max", {{"set<text>", "{'a', 'c'}"}}, "text 'c'"},
      {"collection_sum", {{"list<int>", "[2, 1, 3]"}}, "int 6"},
      {"collection_avg", {{"list<double>", "[1, 2]"}}, "double 1.5"},
      {"collection_sum", {{"list<int>"}}, "int null"},
      {"collection_sum",
       {{"list<text>", "['a']"}},
       "Function system.collection_sum requires numeric set or list argument, but found argument "
       "['a'] of type list<text>"},
      {"map_keys",
       {{"int", "1"}},
       "Function system.map_keys requires map argument, but found argument 1 of type int"},
      {"map_keys", {}, "Invalid number of arguments for function system.map_keys(map)"},
      {"similarity_cosine",
       {{"vector<float, 2>", "[1, 0]"}, {"vector<float, 2>", "[0, 1]"}},
       "float 0.5"},
      {"similarity_euclidean",
       {{"vector<float, 2>", "[1, 0]"}, {"vector<float, 2>", "[1, 2]"}},
       "float 0.2"},
      {"similarity_dot_product",
       {{"vector<float, 2>", "[1, 2]"}, {"vector<float, 2>", "[3, 1]"}},
       "float 3"},
      {"similarity_cosine",
       {{"vector<float, 2>", "[0, 0]"}, {"vector<float, 2>", "[0, 1]"}},
       "Function system.similarity_cosine doesn't support all-zero vectors."},
      {"similarity_cosine",
       {{"vector<float, 2>", "[1, 0]"}, {"vector<float, 3>", "[0, 1, 0]"}},
       "All arguments must have the same vector dimensions, but found vector<float, 2> and "
       "vector<float, 3>"}};
  for (const Case& c : kCases) EXPECT_EQ(Call(c.name, c.arguments), c.expected) << c.name;
}

TEST_F(FunctionsTest, Masks) {
  const Case kCases[] = {
      {"mask_null", {{"int", "1"}}, "int null"},
      {"mask_default", {{"int", "1"}}, "int 0"},
      {"mask_default", {{"text", "x"}}, "text '****'"},
      {"mask_default", {{"uuid"}}, "uuid 00000000-0000-0000-0000-000000000000"},
      {"mask_default", {{"list<int>", "[1]"}}, "frozen<list<int>> []"},
      {"mask_default", {{"date", "2026-01-01"}}, "date '1970-01-01'"},
      {"mask_replace", {{"text", "x"}, {"text", "y"}}, "text 'y'"},
      {"mask_inner", {{"text", "Alice"}, {"int", "1"}, {"int"}}, "text 'A****'"},
      {"mask_inner",
       {{"text", "Alice"}, {"int", "1"}, {"int", "1"}, {"text", "#"}},
       "text 'A###e'"},
      {"mask_outer", {{"text", "Alice"}, {"int", "1"}, {"int", "1"}}, "text '*lic*'"},
      {"mask_inner", {{"text", "äöü"}, {"int", "1"}, {"int", "0"}}, "text 'ä**'"},
      {"mask_inner",
       {{"text", "x"}, {"int", "1"}, {"int", "1"}, {"text", "##"}},
       "The padding argument for function system.mask_inner should be single-character, but '##' "
       "has 2 characters."},
      {"mask_hash",
       {{"text", "abc"}},
       "blob 0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"mask_hash", {{"text", "abc"}, {"text", "MD5"}}, "blob 0x900150983cd24fb0d6963f7d28e17f72"},
      {"mask_hash",
       {{"text", "abc"}, {"text", "x"}},
       "Hash algorithm x was not found on this node"}};
  for (const Case& c : kCases) EXPECT_EQ(Call(c.name, c.arguments), c.expected) << c.name;
}

TEST_F(FunctionsTest, Aggregates) {
  EXPECT_EQ(Aggregate("count", "text", {"a", "b"}), "bigint 2");
  EXPECT_EQ(Aggregate("min", "int", {"2", "1", "3"}), "int 1");
  EXPECT_EQ(Aggregate("max", "text", {"a", "b"}), "text 'b'");
  EXPECT_EQ(Aggregate("max", "list<int>", {"[1, 2]", "[1, 3]"}), "frozen<list<int>> [1, 3]");
  EXPECT_EQ(Aggregate("min", "int", {}), "int null");
  EXPECT_EQ(Aggregate("sum", "int", {}), "int 0");
  EXPECT_EQ(Aggregate("sum", "tinyint", {"100", "100"}), "tinyint -56");
  EXPECT_EQ(Aggregate("avg", "tinyint", {"100", "100"}), "tinyint 100");
  EXPECT_EQ(Aggregate("avg", "int", {"1", "2"}), "int 1");
  EXPECT_EQ(Aggregate("sum", "double", {"0.1", "0.2", "0.3"}), "double 0.6");
  EXPECT_EQ(Aggregate("sum", "double", {"Infinity", "1"}), "double Infinity");
  EXPECT_EQ(Aggregate("avg", "float", {"1", "2"}), "float 1.5");
  EXPECT_EQ(Aggregate("sum", "varint", {"99999999999999999999", "1"}),
            "varint 100000000000000000000");
  EXPECT_EQ(Aggregate("avg", "varint", {"5", "2"}), "varint 3");
  EXPECT_EQ(Aggregate("sum", "decimal", {"1.5", "0.25"}), "decimal 1.75");
  EXPECT_EQ(Aggregate("avg", "decimal", {"1.0", "2.0", "2.0"}), "decimal 1.7");
  EXPECT_EQ(Aggregate("avg", "decimal", {}), "decimal 0");
  EXPECT_EQ(Aggregate("sum", "text", {"a"}).substr(0, 30), "Invalid call to function sum, ");
}

TEST_F(FunctionsTest, Json) {
  EXPECT_EQ(Call("to_json", {{"map<int, text>", "{1: 'a\"b'}"}}), R"(text '{"1": "a\"b"}')");
  EXPECT_EQ(Call("to_json", {{"int"}}), "text 'null'");
  EXPECT_EQ(Call("to_json", {{"double", "1"}}), "text '1.0'");
  EXPECT_EQ(Call("from_json", {{"text", R"({"1": "a"})"}}, "map<int, text>"),
            "map<int, text> {1: 'a'}");
  EXPECT_EQ(Call("from_json", {{"text", "[1, \"2\", 1]"}}, "set<int>"), "set<int> {1, 2}");
  EXPECT_EQ(Call("from_json", {{"text", "null"}}, "int"), "int null");
  EXPECT_EQ(Call("from_json", {{"text", "true"}}, "int"),
            "Expected an int value, but got a boolean: true");
  EXPECT_EQ(Call("from_json", {{"text", "{"}}, "int"),
            "Could not decode JSON string '{': JSON: expected a name in double quotes at byte 1");
  EXPECT_EQ(Call("from_json", {{"text", "1"}}),
            "from_json() cannot be used in the selection clause of a SELECT statement");
}

// Literals say only what they can be.
TEST(Overloads, OfLiterals) {
  const auto literal = [](std::string text, std::vector<std::string> weak, std::string preferred) {
    ArgumentProbe probe;
    probe.text = std::move(text);
    probe.matches = [weak](const DataType& type) {
      return std::ranges::find(weak, type.name()) == weak.end() ? Match::kNone : Match::kWeak;
    };
    if (!preferred.empty()) probe.preferred = DataType::FromName(preferred).value();
    return probe;
  };
  const auto resolve = [](CallSite site) {
    const auto function = ResolveFunction(site);
    return function.ok() ? Signature(**function) : std::string(function.status().message());
  };
  const ArgumentProbe one = literal("1", {"int", "bigint", "float", "double"}, "int");
  const ArgumentProbe marker = literal("?", {"int", "bigint", "float", "double"}, "");
  const ArgumentProbe column{.text = "c", .type = DataType(data::TypeId::kBigint)};
  EXPECT_EQ(resolve({.name = "_add", .arguments = {one, one}}), "system._add : (int, int) -> int");
  EXPECT_EQ(resolve({.name = "_add", .arguments = {column, one}}),
            "system._add : (bigint, int) -> bigint");
  EXPECT_EQ(resolve({.name = "_add", .arguments = {column, marker}}),
            "Ambiguous '+' operation with args c and ?: use type casts to disambiguate");
  EXPECT_EQ(
      resolve(
          {.name = "_add", .arguments = {marker, one}, .receiver = DataType(data::TypeId::kInt)}),
      "system._add : (int, int) -> int");
  EXPECT_EQ(resolve({.name = "abs", .arguments = {one}}), "system.abs : (int) -> int");
  EXPECT_EQ(
      resolve({.name = "min", .arguments = {marker}}),
      "Cannot infer type of argument ? in call to function system.min(any): use type casts to "
      "disambiguate");
}

}  // namespace
}  // namespace tholos::cql
