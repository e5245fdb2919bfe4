#include <limits>

#include "base/strings.h"
#include "data/testing/random_data.h"
#include "data/types/data_type.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using namespace std::string_literals;

TEST(Text, DisplayAndLiterals) {
  const struct {
    TypeId type;
    std::string bytes;
    std::string display;
    std::string literal;
  } cases[] = {
      {TypeId::kText, "it's", "it's", "'it''s'"},
      {TypeId::kText, "", "", "''"},
      {TypeId::kBlob, "\xCA\xFE\0"s, "0xcafe00", "0xcafe00"},
      {TypeId::kBlob, "", "0x", "0x"},
      {TypeId::kInt, EncodeInt(-42), "-42", "-42"},
      {TypeId::kBigint, EncodeBigint(std::numeric_limits<int64_t>::min()), "-9223372036854775808",
       "-9223372036854775808"},
      {TypeId::kBoolean, EncodeBoolean(true), "true", "true"},
      {TypeId::kBoolean, EncodeBoolean(false), "false", "false"},
      {TypeId::kDouble, EncodeDouble(0.1), "0.1", "0.1"},
      {TypeId::kDouble, EncodeDouble(1), "1", "1"},
      {TypeId::kDouble, EncodeDouble(-0.0), "-0", "-0"},
      {TypeId::kDouble, EncodeDouble(1e22), "1e+22", "1e+22"},
      {TypeId::kDouble, EncodeDouble(std::numeric_limits<double>::infinity()), "Infinity",
       "Infinity"},
      {TypeId::kDouble, EncodeDouble(std::numeric_limits<double>::quiet_NaN()), "NaN", "NaN"},
      {TypeId::kTimestamp, EncodeBigint(1769853600000), "2026-01-31 10:00:00.000+0000",
       "'2026-01-31 10:00:00.000+0000'"},
      {TypeId::kTimestamp, EncodeBigint(-1), "1969-12-31 23:59:59.999+0000",
       "'1969-12-31 23:59:59.999+0000'"},
      {TypeId::kTimestamp, EncodeBigint(253402300800000), "253402300800000", "'253402300800000'"},
      {TypeId::kUuid, std::string(16, '\xAB'), "abababab-abab-abab-abab-abababababab",
       "abababab-abab-abab-abab-abababababab"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(DataType(c.type).ToDisplay(c.bytes), c.display);
    EXPECT_EQ(DataType(c.type).ToCqlLiteral(c.bytes), c.literal);
  }
}

TEST(Text, RandomValuesRoundTrip) {
  const uint64_t seed = 21;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 20000; ++i) {
    const DataType type = RandomType(random, 4, false);
    const std::string value = RandomValue(random, type);
    if (value.empty() && type.has_empty_value()) continue;
    const std::string text = type.ToDisplay(value);
    const auto back = type.FromText(text);
    ASSERT_TRUE(back.ok()) << type.name() << ": " << text << ": " << back.status();
    // 1E+2 is written 100: the same number, of another scale.
    ASSERT_EQ(type.Compare(*back, value), 0) << type.name() << " " << text;
    if (type.References(TypeId::kDecimal)) continue;
    ASSERT_EQ(*back, value) << type.name() << " " << text;
  }
}

TEST(Text, OtherSpellings) {
  const struct {
    TypeId type;
    std::string text;
    std::string bytes;
  } cases[] = {
      {TypeId::kBoolean, "TRUE", EncodeBoolean(true)},
      {TypeId::kDouble, "1.50e1", EncodeDouble(15)},
      {TypeId::kDouble, "nan", EncodeDouble(std::numeric_limits<double>::quiet_NaN())},
      {TypeId::kDouble, "-infinity", EncodeDouble(-std::numeric_limits<double>::infinity())},
      {TypeId::kDouble, "9007199254740993", EncodeDouble(9007199254740992.0)},
      {TypeId::kBlob, "0XCAfe", "\xCA\xFE"},
      {TypeId::kUuid, "ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB", std::string(16, '\xAB')},
      {TypeId::kInt, "007", EncodeInt(7)},
  };
  for (const auto& c : cases)
    EXPECT_EQ(DataType(c.type).FromText(c.text).value(), c.bytes) << c.text;
}

TEST(Text, ErrorsSayWhatWasExpected) {
  const std::string number = "expected a number, NaN, Infinity or -Infinity, not ";
  const std::string integer = "expected an integer from -2147483648 to 2147483647, not ";
  const std::string hex = "expected 0x and an even number of hexadecimal digits, not ";
  const struct {
    TypeId type;
    std::string text;
    std::string message;
  } cases[] = {
      {TypeId::kInt, "", integer + "\"\""},
      {TypeId::kInt, "4x", integer + "\"4x\""},
      {TypeId::kInt, " 4", integer + "\" 4\""},
      {TypeId::kInt, "+4", integer + "\"+4\""},
      {TypeId::kInt, "4.0", integer + "\"4.0\""},
      {TypeId::kInt, "2147483648", integer + "\"2147483648\""},
      {TypeId::kBigint, "9223372036854775808",
       "expected an integer from -9223372036854775808 to 9223372036854775807, not "
       "\"9223372036854775808\""},
      {TypeId::kBoolean, "yes", "expected true or false, not \"yes\""},
      {TypeId::kDouble, "", number + "\"\""},
      {TypeId::kDouble, "1,5", number + "\"1,5\""},
      {TypeId::kDouble, "inf", number + "\"inf\""},
      {TypeId::kDouble, "-nan", number + "\"-nan\""},
      {TypeId::kDouble, "nan(1)", number + "\"nan(1)\""},
      {TypeId::kDouble, "0x10", number + "\"0x10\""},
      {TypeId::kDouble, "1e999", "\"1e999\" is out of the range of double"},
      {TypeId::kBlob, "cafe", hex + "\"cafe\""},
      {TypeId::kBlob, "0xabc", hex + "\"0xabc\""},
      {TypeId::kBlob, "0xzz", hex + "\"0xzz\""},
      {TypeId::kBlob, "0x-1", hex + "\"0x-1\""},
      {TypeId::kBlob, "", hex + "\"\""},
      {TypeId::kUuid, "1234", "expected a UUID as 8-4-4-4-12 hexadecimal digits, not \"1234\""},
      {TypeId::kText, "a\xFF", "expected valid UTF-8, not \"a\\xff\""},
      {TypeId::kInt, std::string(100, '9'), integer + "\"" + std::string(40, '9') + "...\""},
  };
  for (const auto& c : cases) {
    const absl::Status status = DataType(c.type).FromText(c.text).status();
    EXPECT_EQ(status.message(), c.message);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(Text, ErrorsAreUtf8WhateverIsWrong) {
  for (size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    for (int i = 0; i < 20; ++i) text += "\xF0\x9F\x8F\x9B";
    for (const std::string& bad : {text, text + "\xFF", "\xFF" + text, text.substr(0, 41)}) {
      EXPECT_TRUE(
          IsValidUtf8(base::ToStd(DataType(TypeId::kInt).FromText(bad).status().message())));
    }
  }
}

TEST(Timestamp, EveryForm) {
  const int64_t ten = 1769853600000;  // 2026-01-31 10:00 UTC
  const struct {
    std::string text;
    int64_t millis;
  } cases[] = {
      {"2026-01-31", 1769817600000},
      {"2026-01-31+0100", 1769817600000 - 3600000},
      {"2026-01-31Z", 1769817600000},
      {"2026-01-31 10:00", ten},
      {"2026-01-31 10:00:00", ten},
      {"2026-01-31 10:00:00.000", ten},
      {"2026-01-31 10:00:59.123", ten + 59123},
      {"2026-01-31 10:00:00.5", ten + 500},
      {"2026-01-31 10:00:00.05", ten + 50},
      {"2026-01-31 11:00+0100", ten},
      {"2026-01-31 11:00+01:00", ten},
      {"2026-01-31 11:00+01", ten},
      {"2026-01-31 04:30:00.000-0530", ten},
      {"2026-01-31T10:00:00Z", ten},
      {"2026-01-31 10:00 Z", ten},
      {"2026-01-31 10:00:00.000 UTC", ten},
      {"2026-01-31T10:00:00GMT", ten},
      {"2026-01-31 11:00 GMT+01:00", ten},
      {"2026-01-31 02:00 PST", ten},
      {"2026-01-31 11:00 CET", ten},
      {"2026-01-31 +0100", 1769817600000 - 3600000},
      {"2026-01-31T10:00:00.250+0000", ten + 250},
      {"2024-02-29", 1709164800000},
      {"1969-12-31 23:59:59.999", -1},
      {"0001-01-01", -62135596800000},
      {"9999-12-31 23:59:59.999", 253402300799999},
      {"0", 0},
      {"1769853600000", ten},
      {"-5", -5},
      {"2026", 2026},
  };
  for (const auto& c : cases) {
    const auto millis = ParseTimestampMillis(c.text);
    ASSERT_TRUE(millis.ok()) << millis.status();
    EXPECT_EQ(*millis, c.millis) << c.text;
  }
}

TEST(Timestamp, Malformed) {
  for (const std::string_view text : {"",
                                      "yesterday",
                                      "2026-1-31",
                                      "26-01-31",
                                      "2026-01",
                                      "2026-01-31 ",
                                      "2026-01-31 10",
                                      "2026-01-31 10:0",
                                      "2026-01-31 10:00:00.",
                                      "2026-01-31 10:00:00.0000",
                                      "2026-01-31 10:00  Z",
                                      "2026-01-31 10:00 XYZ",
                                      "2026-01-31 UTCX",
                                      "2026-01-31 10:00+1",
                                      "2026-01-31 10:00+01:",
                                      "2026-01-31 10:00+010",
                                      "2026-01-31 10:00+1900",
                                      "2026-01-31 10:00+0160",
                                      "2026-01-31 10:00Zx",
                                      "2026/01/31",
                                      " 2026-01-31",
                                      "12345678901234567890",
                                      "1.5",
                                      "+5"}) {
    const absl::Status status = ParseTimestampMillis(text).status();
    EXPECT_THAT(std::string(status.message()),
                testing::StartsWith("expected a timestamp as 2026-01-31, "))
        << text;
  }
  for (const std::string_view text :
       {"2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-31 24:00",
        "2026-01-31 10:60", "2026-01-31 10:00:60", "0000-01-01"}) {
    EXPECT_THAT(std::string(ParseTimestampMillis(text).status().message()),
                testing::StartsWith("there is no such date or time"))
        << text;
  }
}

}  // namespace
}  // namespace tholos::data
