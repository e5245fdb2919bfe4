#include "cli/shell_words.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

absl::StatusOr<CopyCommand> Parse(const std::string& text) {
  const auto words = SplitShellWords(text);
  if (!words.ok()) return words.status();
  return ParseCopy(*words);
}

std::string ErrorOf(const std::string& text) {
  const auto command = Parse(text);
  return command.ok() ? "parsed" : std::string(command.status().message());
}

TEST(ShellWords, AreCutAtBlanksSymbolsAndQuotes) {
  const auto words = SplitShellWords("COPY a.b(\"C d\",e)TO 'it''s; here' WITH x=-1 ;; ");
  ASSERT_TRUE(words.ok());
  std::vector<std::string> texts;
  for (const ShellWord& word : *words) texts.push_back(word.text);
  EXPECT_THAT(texts, ElementsAre("COPY", "a", ".", "b", "(", "C d", ",", "e", ")", "TO",
                                 "it's; here", "WITH", "x", "=", "-1"));
  EXPECT_FALSE(SplitShellWords("SOURCE 'open").ok());
}

TEST(ShellWords, ShellCommandsAreToldFromStatements) {
  for (const char* text : {"help", " Copy t TO 'x'", "exit;", "SHOW host"}) {
    EXPECT_TRUE(IsShellCommand(text)) << text;
  }
  for (const char* text : {"", "SELECT 1", "helpless", "describe tables", "copy_it", "'help'"}) {
    EXPECT_FALSE(IsShellCommand(text)) << text;
  }
}

TEST(CopyCommand, Parses) {
  const auto to =
      Parse("copy Shop.\"Orders\" (a, \"B\") to 'x.csv' with header = true and null=''");
  ASSERT_TRUE(to.ok()) << to.status();
  EXPECT_FALSE(to->from);
  EXPECT_EQ(to->table.keyspace, "shop");
  EXPECT_EQ(to->table.table, "Orders");
  EXPECT_THAT(to->columns, ElementsAre("a", "B"));
  EXPECT_EQ(to->file, "x.csv");
  EXPECT_THAT(to->options, ElementsAre(Pair("HEADER", "true"), Pair("NULL", "")));
  const auto from = Parse("COPY t FROM STDIN;");
  ASSERT_TRUE(from.ok());
  EXPECT_TRUE(from->from);
  EXPECT_EQ(from->file, std::nullopt);
  EXPECT_THAT(from->columns, IsEmpty());
}

TEST(CopyCommand, ErrorsSayWhatWasExpected) {
  const struct {
    const char* text;
    const char* error;
  } kCases[] = {
      {"COPY", "COPY: expected a table, found the end"},
      {"COPY 'x' TO 'f'", "COPY: expected a table, found 'x'"},
      {"COPY t", "COPY: expected TO or FROM, found the end"},
      {"COPY t (a b) TO 'f'", "COPY: expected ',' or ')', found 'b'"},
      {"COPY t TO f", "COPY: expected 'file' or STDOUT, found 'f'"},
      {"COPY t FROM STDOUT", "COPY: expected 'file' or STDIN, found 'STDOUT'"},
      {"COPY t TO 'f' HEADER=true", "COPY: expected WITH or the end, found 'HEADER'"},
      {"COPY t TO 'f' WITH HEADER", "COPY: expected '=', found the end"},
      {"COPY t TO 'f' WITH HEADER=", "COPY: expected a value, found the end"},
      {"COPY t TO 'f' WITH a=1 AND A=2", "COPY: A is given twice"},
      {"COPY t TO 'f' WITH a=1 b=2", "COPY: expected AND or the end, found 'b'"},
      {"COPY t TO 'f", "a ' that is never closed"},
  };
  for (const auto& c : kCases) EXPECT_EQ(ErrorOf(c.text), c.error) << c.text;
}

TEST(QuoteName, DoublesQuotes) { EXPECT_EQ(QuoteName("a\"B"), "\"a\"\"B\""); }

}  // namespace
}  // namespace tholos::cli
