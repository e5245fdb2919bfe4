// Types with parameters: their names, rules, encodings and values.
#include "data/testing/random_data.h"
#include "data/types/elements.h"
#include "data/types/type_parser.h"
#include "data/types/type_rules.h"
#include "data/types/vint.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using namespace std::string_literals;

std::optional<UserType> Resolve(std::string_view keyspace, std::string_view name) {
  if (!keyspace.empty() && keyspace != "ks") return std::nullopt;
  if (name != "address" && name != "Odd") return std::nullopt;
  return UserType{.keyspace = "ks",
                  .name = std::string(name),
                  .field_names = {"street", "No"},
                  .field_types = {DataType(TypeId::kText), DataType(TypeId::kInt)}};
}

DataType T(std::string_view text) { return ParseType(text, Resolve).value(); }

TEST(TypeText, NamesAreCql) {
  for (const std::string_view name :
       {"int", "list<int>", "map<text, frozen<list<int>>>", "frozen<list<frozen<list<int>>>>",
        "set<frozen<tuple<int, frozen<set<text>>>>>", "frozen<tuple<int, text>>",
        "vector<float, 3>", "vector<frozen<list<int>>, 2>", "address", "frozen<address>",
        "list<frozen<\"Odd\">>", "map<frozen<address>, vector<vector<bigint, 2>, 7>>"}) {
    const auto type = ParseType(name, Resolve);
    ASSERT_TRUE(type.ok()) << name << ": " << type.status();
    EXPECT_EQ(type->name(), name);
    EXPECT_TRUE(CheckType(*type).ok()) << CheckType(*type);
  }
  // What is inside frozen<> and tuple<> is frozen.
  EXPECT_EQ(T("frozen<list<list<int>>>").name(), "frozen<list<frozen<list<int>>>>");
  EXPECT_EQ(T("tuple<list<int>, address>").name(),
            "frozen<tuple<frozen<list<int>>, frozen<address>>>");
  EXPECT_EQ(T(" MAP < Int , frozen<ks.address> > ").name(), "map<int, frozen<address>>");
}

TEST(TypeText, WhatIsRefused) {
  const struct {
    std::string text;
    std::string message;
  } cases[] = {
      {"list<list<int>>",
       "Non-frozen collections are not allowed inside collections: list<list<int>>"},
      {"map<int, address>",
       "Non-frozen UDTs are not allowed inside collections: map<int, address>"},
      {"list<counter>", "Counters are not allowed inside collections: list<counter>"},
      {"map<duration, int>", "Durations are not allowed as map keys: map<duration, int>"},
      {"set<duration>", "Durations are not allowed inside sets: set<duration>"},
      {"set<frozen<list<duration>>>",
       "Durations are not allowed inside sets: set<frozen<list<duration>>>"},
      {"frozen<int>",
       "frozen<> is only allowed on collections, tuples, and user-defined types (got int)"},
      {"vector<int, 0>", "vectors may only have positive dimensions; given 0"},
      {"vector<int, -1>", "vectors may only have positive dimensions; given -1"},
      {"tuple<counter>", "Counters are not allowed inside tuples: frozen<tuple<counter>>"},
      {"foo", "unknown type \"foo\""},
      {"\"int\"", "unknown type \"int\""},
      {"other.address", "unknown type \"address\""},
      {"foo<int>", "unknown type \"foo\""},
      {"list<int, int>", "list<> takes 1 types, not 2"},
      {"map<int>", "map<> takes 2 types, not 1"},
      {"list<int", "expected '>' at character 9 of \"list<int\""},
      {"list<int>>", "expected nothing more at character 10 of \"list<int>>\""},
      {"", "expected a type at character 1 of \"\""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ParseType(c.text, Resolve).status().message(), c.message) << c.text;
  }
  std::string deep = "int";
  for (int i = 0; i < 40; ++i) deep = "frozen<list<" + deep + ">>";
  EXPECT_EQ(ParseType(deep).status().message(), "a type nests more than 32 deep");
  EXPECT_FALSE(ParseType(std::string(100000, '<')).ok());
}

TEST(ColumnTypes, Keys) {
  const auto message = [](std::string_view type, ColumnUse use) {
    return std::string(CheckColumnType(T(type), use, "a").message());
  };
  EXPECT_EQ(message("list<int>", ColumnUse::kPrimaryKey),
            "Invalid non-frozen collection type list<int> for PRIMARY KEY column \"a\"");
  EXPECT_EQ(message("address", ColumnUse::kPrimaryKey),
            "Invalid non-frozen user-defined type address for PRIMARY KEY column \"a\"");
  EXPECT_EQ(message("frozen<list<duration>>", ColumnUse::kPrimaryKey),
            "duration type is not supported for PRIMARY KEY column \"a\"");
  EXPECT_EQ(message("frozen<list<int>>", ColumnUse::kPrimaryKey), "");
  EXPECT_EQ(message("list<int>", ColumnUse::kOther), "");
}

TEST(TypeCodec, RoundTripsAndBounds) {
  const uint64_t seed = 31;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 3000; ++i) {
    const DataType type = RandomType(random, 5, false);
    std::string bytes;
    type.AppendTo(&bytes);
    base::Reader in(bytes);
    ASSERT_EQ(DataType::TakeFrom(&in), type) << type.name();
    ASSERT_TRUE(in.AtEnd());
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      base::Reader shorter(std::string_view(bytes).substr(0, cut));
      (void)DataType::TakeFrom(&shorter);
      ASSERT_FALSE(shorter.ok());
    }
  }
  // list<list<list<...>>>
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "\x20\x01"s;
  base::Reader in(deep);
  (void)DataType::TakeFrom(&in);
  EXPECT_FALSE(in.ok());
}

TEST(Vint, KnownBytes) {
  const struct {
    uint64_t value;
    std::string bytes;
  } cases[] = {{0, "\0"s},
               {127, "\x7F"},
               {128, "\x80\x80"},
               {16383, "\xBF\xFF"},
               {16384, "\xC0\x40\0"s},
               {(uint64_t{1} << 56) - 1, "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
               {uint64_t{1} << 56, "\xFF\x01\0\0\0\0\0\0\0"s},
               {~uint64_t{0}, std::string(9, '\xFF')}};
  for (const auto& c : cases) {
    std::string bytes;
    PutUnsignedVint(&bytes, c.value);
    EXPECT_EQ(bytes, c.bytes) << c.value;
    std::string_view in = bytes;
    EXPECT_EQ(TakeUnsignedVint(&in), c.value);
    EXPECT_EQ(in, "");
    in = std::string_view(bytes).substr(0, bytes.size() - 1);
    EXPECT_EQ(TakeUnsignedVint(&in), std::nullopt);
  }
  for (const int64_t v :
       {int64_t{0}, int64_t{-1}, int64_t{1}, int64_t{63}, int64_t{-64}, INT64_MAX, INT64_MIN}) {
    std::string bytes;
    PutVint(&bytes, v);
    std::string_view in = bytes;
    EXPECT_EQ(TakeVint(&in), v);
  }
}

TEST(Values, KnownBytes) {
  const struct {
    std::string type;
    std::string text;
    std::string bytes;
  } cases[] = {
      {"list<int>", "[1, 2]", "\0\0\0\2\0\0\0\4\0\0\0\1\0\0\0\4\0\0\0\2"s},
      {"list<int>", "[]", "\0\0\0\0"s},
      {"set<text>", "{'b', 'a', 'b'}", "\0\0\0\2\0\0\0\1a\0\0\0\1b"s},
      {"map<text, int>", "{'a': 1, 'a': 2}", "\0\0\0\1\0\0\0\1a\0\0\0\4\0\0\0\2"s},
      {"tuple<int, text>", "(1, null)", "\0\0\0\4\0\0\0\1\xFF\xFF\xFF\xFF"s},
      {"frozen<address>", "{\"No\": 7}", "\xFF\xFF\xFF\xFF\0\0\0\4\0\0\0\7"s},
      {"vector<int, 2>", "[1, 2]", "\0\0\0\1\0\0\0\2"s},
      {"vector<text, 2>", "['a', 'bc']", "\1a\2bc"},
      {"vector<smallint, 2>", "[1, 2]", "\2\0\1\2\0\2"s},
      {"vector<vector<boolean, 2>, 2>", "[[true, false], [false, true]]", "\1\0\0\1"s},
  };
  for (const auto& c : cases) {
    const auto bytes = T(c.type).FromText(c.text);
    ASSERT_TRUE(bytes.ok()) << c.type << ": " << bytes.status();
    EXPECT_EQ(*bytes, c.bytes) << c.type << " " << c.text;
  }
  EXPECT_EQ(T("frozen<address>").ToCqlLiteral("\xFF\xFF\xFF\xFF\0\0\0\4\0\0\0\7"s),
            "{street: null, \"No\": 7}");
  EXPECT_EQ(T("map<text, int>").ToCqlLiteral("\0\0\0\1\0\0\0\1'\0\0\0\4\0\0\0\2"s), "{'''': 2}");
}

TEST(Values, WhatIsNone) {
  const struct {
    std::string type;
    std::string bytes;
  } cases[] = {
      {"list<int>", ""},
      {"list<int>", "\0\0\0\1"s},
      {"list<int>", "\xFF\xFF\xFF\xFF"},
      {"list<int>", "\x7F\xFF\xFF\xFF"},
      {"list<int>", "\0\0\0\1\xFF\xFF\xFF\xFF"s},    // null
      {"list<int>", "\0\0\0\1\0\0\0\3abc"s},         // no int
      {"list<int>", "\0\0\0\0x"s},                   // more than it says
      {"set<text>", "\0\0\0\2\0\0\0\1b\0\0\0\1a"s},  // out of order
      {"set<text>", "\0\0\0\2\0\0\0\1a\0\0\0\1a"s},  // twice
      {"map<text, int>", "\0\0\0\1\0\0\0\1a"s},      // no value
      {"tuple<int, int>", "\0\0\0\4\0\0\0\1\0\0\0\4\0\0\0\2\0\0\0\4\0\0\0\2"s},
      {"tuple<int, int>", "\0\0\0\4\0\0"s},
      {"vector<int, 2>", "\0\0\0\1"s},
      {"vector<int, 2>", "\0\0\0\1\0\0\0\1\0\0\0\1"s},
      {"vector<text, 2>", "\1a\2b"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(T(c.type).Validate(c.bytes).code(), absl::StatusCode::kInvalidArgument) << c.type;
  }
  EXPECT_TRUE(T("tuple<int, int>").Validate("").ok());
  EXPECT_TRUE(T("tuple<int, int>").Validate("\0\0\0\4\0\0\0\1"s).ok());
}

TEST(Values, NormalizeSortsAtEveryDepth) {
  const DataType type = T("frozen<map<text, set<int>>>");
  const std::string one = EncodeInt(1);
  const std::string two = EncodeInt(2);
  const std::string unsorted = EncodeList({two, one, two});
  const std::string given = EncodeSorted(type, {"b", unsorted, "a", unsorted});
  EXPECT_FALSE(type.Validate(given).ok());
  const std::string normal = type.Normalize(given).value();
  EXPECT_TRUE(type.Validate(normal).ok());
  EXPECT_EQ(type.ToCqlLiteral(normal), "{'a': {1, 2}, 'b': {1, 2}}");
  EXPECT_EQ(type.Normalize(normal).value(), normal);
  EXPECT_FALSE(type.Normalize("\0\0\0\1"s).ok());
}

TEST(Order, NullFieldsAndShorterTuplesComeFirst) {
  const DataType type = T("tuple<int, text>");
  std::vector<std::string> ascending;
  for (const std::string_view text :
       {"(null)", "(null, 'a')", "(1)", "(1, '')", "(1, 'a')", "(2, null)", "(2, 'a')"}) {
    ascending.push_back(type.FromText(text).value());
  }
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      std::string a;
      std::string b;
      type.AppendComparable(ascending[i], false, &a);
      type.AppendComparable(ascending[j], false, &b);
      EXPECT_EQ(type.Compare(ascending[i], ascending[j]) < 0, i < j) << i << " " << j;
      EXPECT_EQ(a < b, i < j) << i << " " << j;
    }
  }
  // A missing field is a null one.
  EXPECT_EQ(type.Compare(type.FromText("(1)").value(), type.FromText("(1, null)").value()), 0);
}

TEST(Order, MalformedComponentsAreDataLoss) {
  const struct {
    std::string type;
    std::string bytes;
  } cases[] = {
      {"vector<varint, 2>", "\0"s},  // ends before its dimension
      {"vector<varint, 2>", "\x40\x81\x01\0"s},
      {"vector<int, 2>", "\x80\0\0\1"s},
      {"frozen<list<int>>", "\x40\x80\0\0\1"s},  // has no end
      {"frozen<list<int>>", "\x3E\0"s},          // a null
      {"frozen<set<int>>", "\x40\x80\0\0\2\x40\x80\0\0\1\0"s},
      {"frozen<map<int, int>>", "\x40\x80\0\0\2\0"s},
      {"tuple<int, int>", "\x40\x80\0\0\2\x3E\0"s},  // a null that would be left out
      {"tuple<int>", "\x40\x80\0\0\2\x40\x80\0\0\2\0"s},
      {"frozen<list<text>>", "\x3F\0"s},  // its empty value is no special one
  };
  for (const auto& c : cases) {
    std::string_view in = c.bytes;
    EXPECT_EQ(T(c.type).TakeComparable(&in, false).status().code(), absl::StatusCode::kDataLoss)
        << c.type;
  }
}

TEST(Order, TimeuuidsBySignedBytes) {
  const DataType type(TypeId::kTimeuuid);
  std::vector<std::string> ascending;
  for (const std::string_view text :
       {"ffffffff-0000-1000-8000-000000000000", "00000000-0001-1000-8000-000000000000",
        "00000000-0001-1000-8000-00000000007f", "00000000-0001-1000-0000-000000000080",
        "00000000-0001-1000-0000-000000000000"}) {
    ascending.push_back(type.FromText(text).value());
  }
  for (size_t i = 0; i + 1 < ascending.size(); ++i) {
    EXPECT_LT(type.Compare(ascending[i], ascending[i + 1]), 0) << i;
  }
}

}  // namespace
}  // namespace tholos::data
