#include "cli/csv.h"

#include <optional>
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

TEST(Csv, EscapesTakeAwayTheMeaning) {
  const auto read = [](const std::string& text) {
    std::istringstream in(text);
    CsvReader reader(in, {.escape = '\\'});
    std::vector<CsvField> record;
    EXPECT_TRUE(reader.Next(&record).value_or(false)) << text;
    std::vector<std::string> fields;
    for (const CsvField& field : record) fields.push_back(field.text);
    return fields;
  };
  using Fields = std::vector<std::string>;
  EXPECT_EQ(read(R"("say \"hi\"",b)"), Fields({R"(say "hi")", "b"}));
  EXPECT_EQ(read(R"("a\\",b)"), Fields({R"(a\)", "b"}));
  EXPECT_EQ(read(R"(a\\b,\"c)"), Fields({R"(a\b)", "\"c"}));
  EXPECT_EQ(read(R"(a\nb)"), Fields({R"(a\nb)"}));
  EXPECT_EQ(read(R"("doubled "" too")"), Fields({R"(doubled " too)"}));
}

// What is written is read as it was, null told from empty, in every format.
TEST(Csv, RoundTrips) {
  const CsvFormat kFormats[] = {{},
                                {.escape = '\\'},
                                {.delimiter = '\t', .quote = '\''},
                                {.delimiter = ';', .escape = '\\', .null = "null"},
                                {.quote = '|', .escape = '|', .null = "-"}};
  const std::vector<std::string> kPieces = {"a",
                                            "",
                                            "\"",
                                            "\\",
                                            ",",
                                            ";",
                                            "\t",
                                            "\n",
                                            "\r",
                                            "\r\n",
                                            "'",
                                            "|",
                                            "null",
                                            "-",
                                            " ",
                                            "\xc3\xa9",
                                            "\\\"",
                                            "\"\"",
                                            std::string(1, '\0')};
  for (const CsvFormat& format : kFormats) {
    for (const std::string& a : kPieces) {
      for (const std::string& b : kPieces) {
        const std::vector<std::optional<std::string>> fields = {a + b, std::nullopt, b + a + b, a};
        std::string text;
        for (const auto& field : fields) {
          const bool first = &field == fields.data();
          if (field) {
            AppendCsvField(format, *field, false, first, &text);
          } else {
            AppendCsvNull(format, first, &text);
          }
        }
        std::istringstream in(text + "\n");
        CsvReader reader(in, format);
        std::vector<CsvField> record;
        ASSERT_TRUE(reader.Next(&record).value_or(false)) << text;
        ASSERT_EQ(record.size(), fields.size()) << text;
        for (size_t i = 0; i < fields.size(); ++i) {
          const bool null = !record[i].quoted && record[i].text == format.null;
          EXPECT_EQ(null, !fields[i].has_value()) << text;
          if (fields[i]) EXPECT_EQ(record[i].text, *fields[i]) << text;
        }
        EXPECT_FALSE(reader.Next(&record).value_or(true));
      }
    }
  }
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
