#include "client/result.h"

#include "base/coding.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::client {
namespace {

using testing::HasSubstr;

std::string Raw(std::initializer_list<std::optional<std::string>> values) {
  std::string out;
  for (const auto& value : values) {
    base::PutBigEndian32(&out, value ? static_cast<uint32_t>(value->size()) : 0xFFFFFFFFu);
    if (value) out += *value;
  }
  return out;
}

Columns TwoColumns() {
  return std::make_shared<const std::vector<Column>>(
      std::vector<Column>{{"ks", "t", "k", data::DataType(data::TypeId::kInt)},
                          {"ks", "t", "name", data::DataType(data::TypeId::kText)}});
}

TEST(Results, AreReadRowByRow) {
  const std::string rows = Raw({data::EncodeInt(1), "one", data::EncodeInt(2), std::nullopt});
  ASSERT_TRUE(CheckRows(rows, 2, 2).ok());
  Result result(TwoColumns(), rows, 2);
  // A row stays good while a copy of its result lives.
  const Result copy = result;
  const Row first = *result.begin();
  result = Result();
  EXPECT_EQ(first.At<int>("k"), 1);
  EXPECT_EQ(first.At<std::string>(1), "one");
  std::vector<std::string> seen;
  for (const Row& row : copy) seen.push_back(row.ToCql(0) + " " + row.ToCql(1));
  EXPECT_EQ(seen, (std::vector<std::string>{"1 'one'", "2 null"}));
  EXPECT_EQ(result.begin(), result.end());
  EXPECT_FALSE(result.One().ok());
}

TEST(Results, TellNullsAndMistakes) {
  const Result result(TwoColumns(), Raw({data::EncodeInt(2), std::nullopt}), 1);
  const Row row = *result.One();
  EXPECT_EQ(*row.Get<std::optional<std::string>>("name"), std::nullopt);
  EXPECT_EQ(*row.Get<std::optional<int>>("k"), 2);
  EXPECT_THAT(std::string(row.Get<std::string>("name").status().message()),
              HasSubstr("column name: the value is null"));
  EXPECT_THAT(std::string(row.Get<bool>("k").status().message()), HasSubstr("column k: "));
  EXPECT_THAT(std::string(row.Get<int>("nope").status().message()),
              HasSubstr("there are: k, name"));
  EXPECT_FALSE(row.Get<int>(2).ok());
}

TEST(Rows, ThatAreMalformedAreNotRead) {
  const std::string good = Raw({"a", std::nullopt});
  EXPECT_TRUE(CheckRows(good, 2, 1).ok());
  EXPECT_TRUE(CheckRows("", 2, 0).ok());
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(CheckRows(std::string_view(good).substr(0, length), 2, 1).ok()) << length;
  EXPECT_FALSE(CheckRows(good, 2, 2).ok());
  EXPECT_FALSE(CheckRows(good + "x", 2, 1).ok());
  EXPECT_FALSE(CheckRows("\x7F\xFF\xFF\xFF", 1, 1).ok());
  EXPECT_FALSE(CheckRows(good, 2, UINT32_MAX).ok());
}

}  // namespace
}  // namespace tholos::client
