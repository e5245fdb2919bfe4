// Random trees print as text that parses to the same tree; damaged texts fail without harm, at a
// place in the text.
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/sim/simulation.h"
#include "cql/lexer.h"
#include "cql/parser.h"
#include "cql/testing/statement_generator.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

// THOLOS_SEED repeats a run.
uint64_t Seed() { return base::sim::SeedFromEnvironment(20261122); }

TEST(RoundTrip, RandomTreesReadBack) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("THOLOS_SEED=" + std::to_string(seed));
  testing::StatementGenerator generator(seed);
  for (int i = 0; i < 8000; ++i) {
    const Statement statement = generator.AnyStatement();
    const std::string text = ToCql(statement);
    const auto parsed = Parse(text);
    ASSERT_TRUE(parsed.ok()) << text << "\n" << parsed.status();
    ASSERT_EQ(ToCql(parsed->statement), text);
    ASSERT_TRUE(parsed->statement == statement) << text;
    for (size_t m = 0; m < parsed->markers.size(); ++m) {
      ASSERT_EQ(parsed->markers[m].index, static_cast<int>(m)) << text;
    }
  }
}

// Whether `position` is that of a character of `text`, or of its end.
bool IsIn(Position position, std::string_view text) {
  uint32_t lines = 1;
  uint32_t columns = 1;
  for (const char c : text) {
    if (lines == position.line && columns == position.column) return true;
    if (c == '\n') {
      ++lines;
      columns = 1;
    } else {
      ++columns;
    }
  }
  return lines == position.line && position.column <= columns;
}

TEST(RoundTrip, DamagedTextsFailAtAPlace) {
  static constexpr std::string_view kScraps[] = {
      "(",  ")",  "{",  "}",    "[",    "]", "'", "\"", "$$", ";",      ",",    ":",  "?",    "-",
      "--", "/*", "\n", "\xFF", "\xC3", "1", "x", ".",  "=",  " FROM ", " IN ", "0x", " AS ", "\0"};
  const uint64_t seed = Seed();
  SCOPED_TRACE("THOLOS_SEED=" + std::to_string(seed));
  testing::StatementGenerator generator(seed);
  int failures = 0;
  for (int i = 0; i < 8000; ++i) {
    std::string text = ToCql(generator.AnyStatement());
    for (int damage = 1 + generator.Upto(3); damage > 0; --damage) {
      const size_t at = generator.Upto(static_cast<int>(text.size()) + 1);
      switch (generator.Upto(3)) {
        case 0:
          text.insert(at, kScraps[generator.Upto(std::size(kScraps))]);
          break;
        case 1:
          text.erase(at, 1 + generator.Upto(5));
          break;
        default:
          text.resize(at);
      }
      if (text.empty()) text = "x";
    }
    const auto parsed = Parse(text);
    if (parsed.ok()) {
      const std::string printed = ToCql(parsed->statement);
      const auto again = Parse(printed);
      ASSERT_TRUE(again.ok()) << text << "\n" << printed;
      ASSERT_TRUE(again->statement == parsed->statement) << text << "\n" << printed;
      continue;
    }
    ++failures;
    const std::string message(parsed.status().message());
    Position position;
    ASSERT_EQ(std::sscanf(message.c_str(), "line %u:%u ", &position.line, &position.column), 2)
        << message;
    ASSERT_TRUE(IsIn(position, text)) << message << "\n" << text;
  }
  EXPECT_GT(failures, 1000);
}

}  // namespace
}  // namespace tholos::cql
