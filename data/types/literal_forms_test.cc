// Every documented form of the literals of dates, times, durations, addresses and numbers.
#include "base/strings.h"
#include "data/types/data_type.h"
#include "data/types/date.h"
#include "data/types/decimal.h"
#include "data/types/duration.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;

TEST(DurationLiteral, EveryForm) {
  const struct {
    std::string text;
    Duration value;
  } cases[] = {
      {"1y2mo3w4d5h6m7s8ms9us10ns",
       {14, 25, ((5 * 60 + 6) * 60 + 7) * kSecond + 8'000'000 + 9'000 + 10}},
      {"-1y2mo3w4d5h6m7s8ms9us10ns",
       {-14, -25, -(((5 * 60 + 6) * 60 + 7) * kSecond + 8'000'000 + 9'000 + 10)}},
      {"1Y2MO", {14, 0, 0}},
      {"12h30m", {0, 0, 45000 * kSecond}},
      {"100us", {0, 0, 100'000}},
      {"100\xC2\xB5s", {0, 0, 100'000}},
      {"0d", {0, 0, 0}},
      {"2147483647mo2147483647d9223372036854775807ns",
       {2147483647, 2147483647, 9223372036854775807}},
      {"-2147483648d", {0, -2147483647 - 1, 0}},
      {"P1Y2M3DT4H5M6S", {14, 3, (4 * 3600 + 5 * 60 + 6) * kSecond}},
      {"-P1Y2M3DT4H5M6S", {-14, -3, -(4 * 3600 + 5 * 60 + 6) * kSecond}},
      {"P1Y", {12, 0, 0}},
      {"P2M", {2, 0, 0}},
      {"PT2M", {0, 0, 120 * kSecond}},
      {"P4W", {0, 28, 0}},
      {"P0001-02-03T04:05:06", {14, 3, (4 * 3600 + 5 * 60 + 6) * kSecond}},
  };
  for (const auto& c : cases) {
    const auto value = ParseDuration(c.text);
    ASSERT_TRUE(value.ok()) << c.text << ": " << value.status();
    EXPECT_EQ(*value, c.value) << c.text;
    EXPECT_EQ(DecodeDuration(EncodeDuration(*value)).value(), c.value);
    EXPECT_EQ(ParseDuration(FormatDuration(c.value)).value(), c.value);
  }
  EXPECT_EQ(FormatDuration({14, 25, 3 * 3600 * kSecond + 5}), "1y2mo25d3h5ns");
  EXPECT_EQ(FormatDuration({0, 0, 0}), "0ns");
}

TEST(DurationLiteral, WhatIsRefused) {
  for (const std::string_view text : {"",
                                      "-",
                                      "1",
                                      "d",
                                      "1x",
                                      "1d2",
                                      "d1",
                                      "1 d",
                                      "P",
                                      "PT",
                                      "P1",
                                      "P1H",
                                      "PT1D",
                                      "P1W2D",
                                      "P1-02-03T04:05:06",
                                      "P0001-02-03",
                                      "P0001-02-03T04:05",
                                      "1.5h",
                                      "+1h",
                                      "1h-2m"}) {
    EXPECT_THAT(std::string(ParseDuration(text).status().message()),
                testing::StartsWith("expected a duration"))
        << text;
  }
  EXPECT_THAT(std::string(ParseDuration("1d1y").status().message()), HasSubstr("after a smaller"));
  EXPECT_THAT(std::string(ParseDuration("1d1d").status().message()), HasSubstr("given twice"));
  for (const std::string_view text : {"2147483648mo", "178956971y", "9223372036854775808ns",
                                      "99999999999999999999999h", "1s9223372036854775807ns"}) {
    EXPECT_THAT(std::string(ParseDuration(text).status().message()), HasSubstr("out of the range"))
        << text;
  }
  // 00, 01, 02: months 0, days -1, nanoseconds 1.
  EXPECT_THAT(std::string(DecodeDuration(std::string("\0\1\2", 3)).status().message()),
              HasSubstr("same sign"));
  EXPECT_FALSE(DecodeDuration(std::string("\0\0", 2)).ok());
  EXPECT_FALSE(DecodeDuration(std::string("\0\0\0\0", 4)).ok());
  EXPECT_FALSE(DecodeDuration(std::string("\xF1\0\0\0\0\0\0", 7)).ok());
}

TEST(DateLiteral, EveryForm) {
  const struct {
    std::string text;
    uint32_t day;
  } cases[] = {{"1970-01-01", kEpochDay},
               {"2147483648", kEpochDay},
               {"2026-01-31", kEpochDay + 20484},
               {"1969-12-31", kEpochDay - 1},
               {"0", 0},
               {"-5877641-06-23", 0},
               {"4294967295", 4294967295},
               {"+5881580-07-11", 4294967295}};
  for (const auto& c : cases) {
    ASSERT_TRUE(ParseDate(c.text).ok()) << c.text;
    EXPECT_EQ(*ParseDate(c.text), c.day) << c.text;
    EXPECT_EQ(ParseDate(FormatDate(c.day)).value(), c.day);
  }
  for (const std::string_view text :
       {"", "2026-1-31", "2026-02-30", "2026-13-01", "31-01-2026", "4294967296", "-1",
        "+5881580-07-12", "-5877641-06-22", "2026-01-31T00:00", "999999999999-01-01"}) {
    EXPECT_FALSE(ParseDate(text).ok()) << text;
  }
}

TEST(TimeLiteral, EveryForm) {
  const int64_t ten = 36000 * kSecond;
  const struct {
    std::string text;
    int64_t nanos;
  } cases[] = {{"10:00:00", ten},
               {"10:00", ten},
               {"10:00:00.1", ten + 100'000'000},
               {"10:00:00.123", ten + 123'000'000},
               {"10:00:00.123456", ten + 123'456'000},
               {"10:00:00.123456789", ten + 123'456'789},
               {"36000000000000", ten},
               {"0", 0},
               {"23:59:59.999999999", kNanosPerDay - 1},
               {"86399999999999", kNanosPerDay - 1}};
  for (const auto& c : cases) {
    ASSERT_TRUE(ParseTime(c.text).ok()) << c.text;
    EXPECT_EQ(*ParseTime(c.text), c.nanos) << c.text;
    EXPECT_EQ(ParseTime(FormatTime(c.nanos)).value(), c.nanos);
  }
  EXPECT_EQ(FormatTime(ten + 5), "10:00:00.000000005");
  for (const std::string_view text :
       {"", "24:00:00", "10:60:00", "10:00:60", "10", "1:00:00", "10:00:00.", "-1",
        "10:00:00.1234567890", "86400000000000", "10:00:00Z", "99999999999999999999"}) {
    if (text == "10") continue;  // ten nanoseconds
    EXPECT_FALSE(ParseTime(text).ok()) << text;
  }
}

TEST(InetLiteral, EveryForm) {
  const DataType inet(TypeId::kInet);
  const struct {
    std::string text;
    std::string shown;
    size_t bytes;
  } cases[] = {{"127.0.0.1", "127.0.0.1", 4},
               {"::", "::", 16},
               {"::1", "::1", 16},
               {"2001:DB8::1", "2001:db8::1", 16},
               {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", 16},
               {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", 16},
               {"1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8", 16},
               {"fe80::", "fe80::", 16},
               {"::ffff:1.2.3.4", "1.2.3.4", 4},
               {"64:ff9b::1.2.3.4", "64:ff9b::102:304", 16}};
  for (const auto& c : cases) {
    const auto bytes = inet.FromText(c.text);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_EQ(bytes->size(), c.bytes) << c.text;
    EXPECT_EQ(inet.ToDisplay(*bytes), c.shown);
    EXPECT_EQ(inet.FromText(c.shown).value(), *bytes);
  }
  for (const std::string_view text :
       {"", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.", "1..2.3", "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9", "1::2::3", ":::", "12345::", "g::", "1:2:3:4:5:6:7::8",
        "1.2.3.4::", "::1.2.3", "01234.1.1.1"}) {
    EXPECT_FALSE(inet.FromText(text).ok()) << text;
  }
}

TEST(NumberLiteral, DecimalsKeepTheirScale) {
  const DataType decimal(TypeId::kDecimal);
  const struct {
    std::string text;
    std::string shown;
  } cases[] = {{"0", "0"},
               {"1", "1"},
               {"-1.50", "-1.50"},
               {".5", "0.5"},
               {"5.", "5"},
               {"0.00", "0.00"},
               {"1e3", "1000"},
               {"1E-3", "0.001"},
               {"15e-1", "1.5"},
               {"-0.001", "-0.001"},
               {"1e+2", "100"},
               {"1e101", "1E+101"},
               {"12e-101", "1.2E-100"},
               {"123456789012345678901234567890.1", "123456789012345678901234567890.1"}};
  for (const auto& c : cases) {
    const auto bytes = decimal.FromText(c.text);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_EQ(decimal.ToDisplay(*bytes), c.shown);
  }
  for (const std::string_view text : {"", ".", "-", "e5", "1e", "1e+-5", "1,5", "NaN", "+1",
                                      "1.2.3", "1e99999999999", "1e2147483649", "0x10"}) {
    EXPECT_FALSE(decimal.FromText(text).ok()) << text;
  }
  EXPECT_EQ(decimal.Validate("1234").message(), "decimal takes 5 bytes or more, not 4");
}

TEST(NumberLiteral, SmallIntegersAndFloats) {
  EXPECT_EQ(DataType(TypeId::kTinyint).FromText("-128").value(), "\x80");
  EXPECT_FALSE(DataType(TypeId::kTinyint).FromText("128").ok());
  EXPECT_EQ(DataType(TypeId::kSmallint).FromText("-2").value(), "\xFF\xFE");
  EXPECT_FALSE(DataType(TypeId::kSmallint).FromText("32768").ok());
  EXPECT_EQ(DataType(TypeId::kVarint).FromText("256").value(), std::string("\x01\0", 2));
  EXPECT_EQ(DataType(TypeId::kFloat).ToDisplay(EncodeFloat(0.1f)), "0.1");
  EXPECT_EQ(DataType(TypeId::kFloat).FromText("1e39").status().message(),
            "\"1e39\" is out of the range of float");
  EXPECT_EQ(DataType(TypeId::kAscii).FromText("\xC3\xA9").status().message(),
            "ascii takes characters below 0x80");
  EXPECT_EQ(DataType(TypeId::kTimeuuid)
                .FromText("00000000-0000-4000-8000-000000000000")
                .status()
                .message(),
            "timeuuid takes version 1, not 4");
}

}  // namespace
}  // namespace tholos::data
