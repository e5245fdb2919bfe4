#include "cli/copy.h"

#include "cli/help.h"
#include "cli/line_editor.h"
#include "cli/value_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cli {
namespace {

using ::testing::HasSubstr;

CopyCommand Command(const std::string& text) {
  const auto command = ParseCopy(*SplitShellWords(text));
  EXPECT_TRUE(command.ok()) << command.status();
  return command.value_or(CopyCommand());
}

std::string ErrorOf(const std::string& text) {
  const CopyCommand command = Command(text);
  const absl::Status status =
      command.from ? LoadOptionsOf(command).status() : ExportOptionsOf(command).status();
  return std::string(status.message());
}

TEST(CopyOptions, OfBothDirections) {
  const auto from = LoadOptionsOf(
      Command("COPY ks.t (a) FROM 'f' WITH HEADER=TRUE AND DELIMITER='\\t' AND QUOTE='|' AND "
              "ESCAPE='|' AND NULL='nil' AND SKIPROWS=2 AND MAXROWS=5 AND MAXERRORS=-1 AND TTL=9"));
  ASSERT_TRUE(from.ok()) << from.status();
  EXPECT_TRUE(from->header);
  EXPECT_EQ(from->format.delimiter, '\t');
  EXPECT_EQ(from->format.quote, '|');
  EXPECT_EQ(from->format.null, "nil");
  EXPECT_EQ(from->skip_rows, 2u);
  EXPECT_EQ(from->max_rows, 5u);
  EXPECT_EQ(from->max_errors, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(from->ttl_seconds, 9);
  EXPECT_EQ(from->bad_file, "f.bad");
  const auto to = ExportOptionsOf(Command("COPY ks.t TO 'f' WITH PAGESIZE=7 AND BEGINTOKEN=-5"));
  ASSERT_TRUE(to.ok()) << to.status();
  EXPECT_EQ(to->page_rows, 7u);
  EXPECT_EQ(to->begin_token, -5);
  EXPECT_EQ(to->format.escape, '\\');
}

TEST(CopyOptions, ErrorsNameTheOption) {
  const struct {
    const char* options;
    const char* error;
  } kCases[] = {
      {"DELIMITER='ab'", "DELIMITER: expected one character of one byte, found 'ab'"},
      {"HEADER=maybe", "HEADER: expected TRUE or FALSE, found 'maybe'"},
      {"MAXROWS=many", "MAXROWS: expected a number of rows, or -1, found 'many'"},
      {"TTL=-1", "TTL: expected a number from 0 to 630720000, found '-1'"},
      {"INFLIGHT=0", "INFLIGHT: expected a number from 1 to 100000, found '0'"},
      {"PAGESIZE=7", "COPY FROM has no option PAGESIZE; it has HEADER"},
      {"DELIMITER='\"'", "DELIMITER is the same character as QUOTE or ESCAPE"},
      {"NULL='a,b'", "NULL has a delimiter, a quote or a line break in it"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(ErrorOf(std::string("COPY ks.t FROM 'f' WITH ") + c.options), HasSubstr(c.error));
  }
  EXPECT_THAT(ErrorOf("COPY ks.t TO 'f' WITH TTL=1"), HasSubstr("COPY TO has no option TTL"));
}

TEST(CopyOptions, AllAreKnownByName) {
  for (const std::string& name : CopyOptionNames()) {
    const std::string option = " WITH " + name + "='?'";
    const bool both = ErrorOf("COPY ks.t TO 'f'" + option).find("no option") == std::string::npos ||
                      ErrorOf("COPY ks.t FROM 'f'" + option).find("no option") == std::string::npos;
    EXPECT_TRUE(both) << name;
    EXPECT_THAT(HelpOn("copy").value_or(""), HasSubstr(name));
  }
}

TEST(CutTokens, CoversARangeOnce) {
  const struct {
    int64_t first, last;
    int count;
  } kCases[] = {{INT64_MIN, INT64_MAX, 256},
                {-5, 5, 3},
                {0, 1, 10},
                {0, 7, 7},
                {INT64_MAX - 3, INT64_MAX, 256}};
  for (const auto& c : kCases) {
    const auto ranges = CutTokens(c.first, c.last, c.count);
    ASSERT_FALSE(ranges.empty());
    EXPECT_LE(ranges.size(), static_cast<size_t>(c.count));
    EXPECT_EQ(ranges.front().first, c.first);
    EXPECT_EQ(ranges.back().second, c.last);
    for (size_t i = 0; i < ranges.size(); ++i) {
      EXPECT_LT(ranges[i].first, ranges[i].second);
      if (i > 0) EXPECT_EQ(ranges[i].first, ranges[i - 1].second);
    }
  }
  EXPECT_TRUE(CutTokens(3, 3, 4).empty());
}

TEST(ValueText, TimestampsByFormat) {
  const data::DataType type(data::TypeId::kTimestamp);
  const std::string format = "%d.%m.%Y %H:%M:%E3S";
  const std::string bytes = data::EncodeBigint(1'700'000'000'123);
  EXPECT_EQ(ValueToText(type, bytes, format), "14.11.2023 22:13:20.123");
  EXPECT_EQ(*ValueFromText(type, "14.11.2023 22:13:20.123", format), bytes);
  EXPECT_THAT(std::string(ValueFromText(type, "2023-11-14", format).status().message()),
              HasSubstr("expected a timestamp as '%d.%m.%Y %H:%M:%E3S', found '2023-11-14'"));
  EXPECT_EQ(ValueToText(data::DataType(data::TypeId::kText), "x", format), "x");
}

TEST(Help, FindsTopics) {
  EXPECT_THAT(*HelpOn(""), HasSubstr("COPY"));
  EXPECT_THAT(*HelpOn("select"), HasSubstr("SELECT [JSON]"));
  EXPECT_THAT(*HelpOn("create table"), HasSubstr("PRIMARY KEY"));
  EXPECT_THAT(std::string(HelpOn("create").status().message()), HasSubstr("CREATE KEYSPACE"));
  EXPECT_FALSE(HelpOn("nonsense").ok());
}

TEST(CommonPrefix, IgnoresCase) {
  EXPECT_EQ(CommonPrefix({"orders", "ORDER"}), "order");
  EXPECT_EQ(CommonPrefix({"a"}), "a");
  EXPECT_EQ(CommonPrefix({}), "");
}

}  // namespace
}  // namespace tholos::cli
