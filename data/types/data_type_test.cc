#include "data/types/data_type.h"

#include "gmock/gmock.h"

namespace tholos::data {
namespace {

using namespace std::string_literals;

TEST(DataType, NamesAndIds) {
  for (const TypeId id : kSimpleTypes) {
    const DataType type(id);
    EXPECT_EQ(DataType::FromName(type.name()).value(), type);
    EXPECT_EQ(DataType::FromId(static_cast<uint16_t>(id)).value(), type);
  }
  EXPECT_EQ(DataType::FromName("varchar").value(), DataType(TypeId::kText));
  EXPECT_EQ(DataType::FromName("BigInt").value(), DataType(TypeId::kBigint));
  EXPECT_EQ(DataType::FromName("integer").status().message(), "unknown type \"integer\"");
  EXPECT_EQ(DataType::FromId(0x000A).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DataType::FromId(0x0020).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(DataType, Validate) {
  const struct {
    TypeId type;
    std::string bytes;
    std::string message;  // empty: valid
  } cases[] = {
      {TypeId::kText, "", ""},
      {TypeId::kText, "\xC3\xA9", ""},
      {TypeId::kText, "\xC3", "text is not valid UTF-8"},
      {TypeId::kBlob, "", ""},
      {TypeId::kBlob, "\xFF\0"s, ""},
      {TypeId::kInt, "1234", ""},
      {TypeId::kInt, "", ""},
      {TypeId::kInt, "12345", "int takes 4 bytes, not 5"},
      {TypeId::kBigint, "12345678", ""},
      {TypeId::kBigint, "1234", "bigint takes 8 bytes, not 4"},
      {TypeId::kTimestamp, "1234", "timestamp takes 8 bytes, not 4"},
      {TypeId::kDouble, "1234", "double takes 8 bytes, not 4"},
      {TypeId::kUuid, "1234", "uuid takes 16 bytes, not 4"},
      {TypeId::kBoolean, "\x01", ""},
      {TypeId::kBoolean, "", ""},
      {TypeId::kBoolean, "\x02", "boolean takes the byte 0 or 1, not 2"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(DataType(c.type).Validate(c.bytes).message(), c.message) << c.bytes;
  }
}

TEST(DataType, NativeValues) {
  EXPECT_EQ(EncodeInt(-2), "\xFF\xFF\xFF\xFE");
  EXPECT_EQ(DecodeInt(EncodeInt(-2)), -2);
  EXPECT_EQ(EncodeBigint(258), "\0\0\0\0\0\0\x01\x02"s);
  EXPECT_EQ(DecodeBigint(EncodeBigint(-258)), -258);
  EXPECT_EQ(EncodeDouble(1.0), "\x3F\xF0\0\0\0\0\0\0"s);
  EXPECT_EQ(DecodeDouble(EncodeDouble(-0.25)), -0.25);
  EXPECT_EQ(EncodeBoolean(true), "\x01");
  EXPECT_TRUE(DecodeBoolean("\x01"));
  EXPECT_FALSE(DecodeBoolean("\0"s));
}

TEST(Utf8, ValidAndNot) {
  for (const std::string& valid :
       {""s, "ascii \x7F"s, "\0"s, "\xC2\x80"s, "\xDF\xBF"s, "\xE0\xA0\x80"s, "\xED\x9F\xBF"s,
        "\xEE\x80\x80"s, "\xEF\xBF\xBF"s, "\xF0\x90\x80\x80"s, "\xF4\x8F\xBF\xBF"s,
        "a\xC3\xA9z"s}) {
    EXPECT_TRUE(IsValidUtf8(valid)) << testing::PrintToString(valid);
  }
  for (const std::string& invalid :
       {"\x80"s, "\xBF"s, "\xC0\x80"s, "\xC1\xBF"s, "\xC2"s, "\xC2\x41"s, "\xE0\x9F\xBF"s,
        "\xED\xA0\x80"s, "\xED\xBF\xBF"s, "\xE2\x82"s, "\xE2\x82\x41"s, "\xF0\x8F\xBF\xBF"s,
        "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xFF"s, "ok\xFEok"s, "\xF0\x9F\x8F"s}) {
    EXPECT_FALSE(IsValidUtf8(invalid)) << testing::PrintToString(invalid);
  }
}

}  // namespace
}  // namespace tholos::data
