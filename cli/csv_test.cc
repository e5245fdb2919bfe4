#include "cli/csv.h"

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cli {
namespace {

using Records = std::vector<std::vector<std::string>>;

Records ReadAll(const std::string& text) {
  std::istringstream in(text);
  CsvReader reader(in);
  Records records;
  std::vector<CsvField> record;
  while (true) {
    auto more = reader.Next(&record);
    if (!more.ok()) {
      records.push_back({std::string(more.status().message())});
      continue;
    }
    if (!*more) return records;
    auto& fields = records.emplace_back();
    for (auto& field : record) fields.push_back(field.text);
  }
}

TEST(Csv, Records) {
  const struct {
    const char* text;
    Records records;
  } kCases[] = {
      {"", {}},
      {"a,b\n", {{"a", "b"}}},
      {"a,b", {{"a", "b"}}},
      {"a,b\r\nc,d\r\n", {{"a", "b"}, {"c", "d"}}},
      {",\n", {{"", ""}}},
      {"\"a,b\",\"say \"\"hi\"\"\"\n", {{"a,b", "say \"hi\""}}},
      {"\"two\nlines\",x\n", {{"two\nlines", "x"}}},
      {"a\n\n\nb\n", {{"a"}, {"b"}}},
      {"a\"b\nok\n", {{"line 1: a quote inside a field that does not start with one"}, {"ok"}}},
      {"\"a\"b\nok\n", {{"line 1: text after a closing quote"}, {"ok"}}},
      {"x\n\"open\n", {{"x"}, {"line 2: a quote that is never closed"}}},
  };
  for (const auto& c : kCases) EXPECT_EQ(ReadAll(c.text), c.records) << c.text;
}

TEST(Csv, TellsNullFromEmptyAndCountsLines) {
  std::istringstream in("\"\",\n\"a\nb\",c\nd,e\n");
  CsvReader reader(in);
  std::vector<CsvField> record;
  ASSERT_TRUE(*reader.Next(&record));
  EXPECT_TRUE(record[0].quoted);
  EXPECT_FALSE(record[1].quoted);
  ASSERT_TRUE(*reader.Next(&record));
  EXPECT_EQ(reader.line(), 2u);
  ASSERT_TRUE(*reader.Next(&record));
  EXPECT_EQ(reader.line(), 4u);
  EXPECT_EQ(reader.bytes(), 16u);
}

}  // namespace
}  // namespace tholos::cli
