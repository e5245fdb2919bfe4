#include "cql/lexer.h"

#include <string>
#include <string_view>
#include <vector>

#include "cql/keywords.h"
#include "cql/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string_view KindName(TokenKind kind) {
  switch (kind) {
    case TokenKind::kEnd:
      return "end";
    case TokenKind::kInvalid:
      return "invalid";
    case TokenKind::kWord:
      return "word";
    case TokenKind::kQuotedName:
      return "name";
    case TokenKind::kString:
      return "string";
    case TokenKind::kDollarString:
      return "dollar";
    case TokenKind::kInteger:
      return "integer";
    case TokenKind::kFloat:
      return "float";
    case TokenKind::kUuid:
      return "uuid";
    case TokenKind::kBlob:
      return "blob";
    default:
      return SymbolName(kind);
  }
}

// "line:column kind text" of every token, without the end.
std::vector<std::string> Tokens(std::string_view text) {
  std::vector<std::string> tokens;
  Lexer lexer(text);
  for (Token token = lexer.Next(); token.kind != TokenKind::kEnd; token = lexer.Next()) {
    const std::string at = ToString(token.position).substr(5);
    const bool symbol = !SymbolName(token.kind).empty();
    tokens.push_back(symbol ? Concat({at, " ", KindName(token.kind)})
                            : Concat({at, " ", KindName(token.kind), " ", token.text}));
  }
  return tokens;
}

TEST(Lexer, ReadsAStatement) {
  EXPECT_THAT(Tokens("SELECT \"N\" FROM t\n WHERE k=?;"),
              ElementsAre("1:1 word SELECT", "1:8 name \"N\"", "1:12 word FROM", "1:17 word t",
                          "2:2 word WHERE", "2:8 word k", "2:9 '='", "2:10 '?'", "2:11 ';'"));
}

TEST(Lexer, ReadsSymbols) {
  EXPECT_THAT(
      Tokens("()[]{},;:.?=!=<<=>>=+-+=-=*/%"),
      ElementsAre("1:1 '('", "1:2 ')'", "1:3 '['", "1:4 ']'", "1:5 '{'", "1:6 '}'", "1:7 ','",
                  "1:8 ';'", "1:9 ':'", "1:10 '.'", "1:11 '?'", "1:12 '='", "1:13 '!='", "1:15 '<'",
                  "1:16 '<='", "1:18 '>'", "1:19 '>='", "1:21 '+'", "1:22 '-'", "1:23 '+='",
                  "1:25 '-='", "1:27 '*'", "1:28 '/'", "1:29 '%'"));
}

TEST(Lexer, SkipsBlanksAndComments) {
  EXPECT_THAT(Tokens(""), IsEmpty());
  EXPECT_THAT(Tokens(" \t\r\n"), IsEmpty());
  EXPECT_THAT(Tokens("-- all\n// of\n/* it\n ** / */"), IsEmpty());
  EXPECT_THAT(Tokens("-- no newline"), IsEmpty());
  EXPECT_THAT(Tokens("a -- b\nc"), ElementsAre("1:1 word a", "2:1 word c"));
  EXPECT_THAT(Tokens("a/*\n*/b"), ElementsAre("1:1 word a", "2:3 word b"));
  EXPECT_THAT(Tokens("a--1"), ElementsAre("1:1 word a"));
  EXPECT_THAT(Tokens("-- a\rb"), ElementsAre("1:6 word b"));
  EXPECT_THAT(Tokens("'--' \"//\" $$/*$$"),
              ElementsAre("1:1 string '--'", "1:6 name \"//\"", "1:11 dollar $$/*$$"));
}

// Every literal is one token of its kind.
TEST(Lexer, ReadsLiterals) {
  const struct {
    std::string_view text;
    TokenKind kind;
  } kCases[] = {
      {"0", TokenKind::kInteger},
      {"-12", TokenKind::kInteger},
      {"99999999999999999999999999", TokenKind::kInteger},
      {"1.5", TokenKind::kFloat},
      {"1.", TokenKind::kFloat},
      {"-1.5e10", TokenKind::kFloat},
      {"1e5", TokenKind::kFloat},
      {"1E+5", TokenKind::kFloat},
      {"1.e-5", TokenKind::kFloat},
      {"-NaN", TokenKind::kFloat},
      {"-infinity", TokenKind::kFloat},
      {"0x", TokenKind::kBlob},
      {"0xCAFEbabe", TokenKind::kBlob},
      {"12h30m", TokenKind::kDuration},
      {"-1Y2mO3us", TokenKind::kDuration},
      {"1\xC2\xB5s", TokenKind::kDuration},
      {"P1Y2M3DT4H5M6S", TokenKind::kDuration},
      {"-PT1S", TokenKind::kDuration},
      {"P0001-02-03T04:05:06", TokenKind::kDuration},
      {"P", TokenKind::kWord},
      {"PT", TokenKind::kWord},
      {"P1", TokenKind::kWord},
      {"P1Yx", TokenKind::kWord},
      {"p1y", TokenKind::kWord},
      {"..", TokenKind::kRange},
      {"0Xff", TokenKind::kBlob},
      {"123e4567-e89b-12d3-a456-426614174000", TokenKind::kUuid},
      {"AAAAAAAA-AAAA-AAAA-AAAA-AAAAAAAAAAAA", TokenKind::kUuid},
      {"''", TokenKind::kString},
      {"'it''s'", TokenKind::kString},
      {"'a\nb'", TokenKind::kString},
      {"'\xF0\x9F\x8F\x9B'", TokenKind::kString},
      {"$$$$", TokenKind::kDollarString},
      {"$$it's $1$$", TokenKind::kDollarString},
      {"abcdefab-1", TokenKind::kWord},
      {"nan", TokenKind::kWord},
      {"a_1", TokenKind::kWord},
      {"\"a\"\"b\"", TokenKind::kQuotedName},
      {"\"h\xC3\xA9\"", TokenKind::kQuotedName},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    Lexer lexer(c.text);
    const Token token = lexer.Next();
    EXPECT_EQ(KindName(token.kind), KindName(c.kind));
    if (c.text != "abcdefab-1") {
      EXPECT_EQ(token.text, c.text);
      EXPECT_EQ(lexer.Next().kind, TokenKind::kEnd);
    }
  }
}

TEST(Lexer, DecodesNamesAndStrings) {
  const auto first = [](std::string_view text) { return Lexer(text).Next(); };
  EXPECT_EQ(NameOf(first("MixedCase")), "mixedcase");
  EXPECT_EQ(NameOf(first("\"Mixed\"\"Case\"")), "Mixed\"Case");
  EXPECT_EQ(NameOf(first("\"\"\"\"\"\"")), "\"\"");
  EXPECT_EQ(StringOf(first("'it''s'")), "it's");
  EXPECT_EQ(StringOf(first("''''")), "'");
  EXPECT_EQ(StringOf(first("''")), "");
  EXPECT_EQ(StringOf(first("$$it''s$$")), "it''s");
  EXPECT_EQ(StringOf(first("$$$$")), "");
}

TEST(Lexer, ColumnsCountCharacters) {
  EXPECT_THAT(Tokens("'h\xC3\xA9\xE2\x82\xAC' x"),
              ElementsAre("1:1 string 'h\xC3\xA9\xE2\x82\xAC'", "1:7 word x"));
  EXPECT_THAT(Tokens("'a\n\xC3\xA9' x"), ElementsAre("1:1 string 'a\n\xC3\xA9'", "2:4 word x"));
}

TEST(Lexer, StartsWhereItIsTold) {
  Lexer lexer("a\nb", {7, 3});
  EXPECT_EQ(lexer.Next().position, (Position{7, 3}));
  EXPECT_EQ(lexer.Next().position, (Position{8, 1}));
}

TEST(Lexer, TellsErrors) {
  const struct {
    std::string_view text;
    std::string_view error;
    Unterminated unterminated = Unterminated::kNothing;
  } kCases[] = {
      {" 'abc", "line 1:2 unterminated string", Unterminated::kString},
      {"'it''", "line 1:1 unterminated string", Unterminated::kString},
      {"\n$$abc$", "line 2:1 unterminated string", Unterminated::kDollarString},
      {"\"abc\"\"", "line 1:1 unterminated name", Unterminated::kQuotedName},
      {"/* abc *", "line 1:1 unterminated comment", Unterminated::kComment},
      {"/*/", "line 1:1 unterminated comment", Unterminated::kComment},
      {"\"\"", "line 1:1 a quoted name cannot be empty"},
      {"@", "line 1:1 unexpected character '@'"},
      {"!", "line 1:1 unexpected character '!'"},
      {"$", "line 1:1 unexpected character '$'"},
      {"_", "line 1:1 unexpected character '_'"},
      {"\x01", "line 1:1 unexpected character 0x01"},
      {"\xC3\xA9", "line 1:1 unexpected character '\xC3\xA9'"},
      {"\x80", "line 1:1 invalid UTF-8 byte 0x80"},
      {"'ab\xFF'", "line 1:4 invalid UTF-8 byte 0xff"},
      {"'\n\xFE \xFF'", "line 2:1 invalid UTF-8 byte 0xfe"},
      {"$$\xC3$$", "line 1:3 invalid UTF-8 byte 0xc3"},
      {"\"\xED\xA0\x80\"", "line 1:2 invalid UTF-8 byte 0xed"},    // a surrogate
      {"'\xC0\x80'", "line 1:2 invalid UTF-8 byte 0xc0"},          // overlong
      {"'\xE0\x9F\xBF'", "line 1:2 invalid UTF-8 byte 0xe0"},      // overlong
      {"'\xF0\x8F\xBF\xBF'", "line 1:2 invalid UTF-8 byte 0xf0"},  // overlong
      {"'\xF4\x90\x80\x80'", "line 1:2 invalid UTF-8 byte 0xf4"},  // beyond U+10FFFF
      {"'\xE2\x82'", "line 1:2 invalid UTF-8 byte 0xe2"},          // cut short
      {"-- \xFF\n", "line 1:4 invalid UTF-8 byte 0xff"},
      {"/* \n\xFF */", "line 2:1 invalid UTF-8 byte 0xff"},
      {"12ab", "line 1:1 malformed number '12ab'"},
      {"1e", "line 1:1 malformed number '1e'"},
      {"1.5x", "line 1:1 malformed number '1.5x'"},
      {"12h30x", "line 1:1 malformed number '12h30x'"},
      {"0xABC", "line 1:1 a blob needs an even number of hexadecimal digits"},
      {"0xfg", "line 1:1 malformed blob '0xfg'"},
      {"123e4567-e89b-12d3-a456-4266141740001",
       "line 1:1 malformed UUID '123e4567-e89b-12d3-a456-4266141740001'"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    Lexer lexer(c.text);
    ASSERT_EQ(lexer.Next().kind, TokenKind::kInvalid);
    EXPECT_EQ(Concat({ToString(lexer.error().position), " ", lexer.error().message}), c.error);
    EXPECT_EQ(lexer.error().unterminated, c.unterminated);
    EXPECT_EQ(lexer.Next().kind, TokenKind::kEnd) << "the invalid token takes all of it";
  }
}

TEST(Lexer, GoesOnBehindAnInvalidToken) {
  EXPECT_THAT(Tokens("a '\xFF;' @ b"),
              ElementsAre("1:1 word a", "1:3 invalid '\xFF;'", "1:8 invalid @", "1:10 word b"));
  EXPECT_THAT(Tokens("-- \xFF ; x\nb"), ElementsAre("1:1 invalid -- \xFF ; x", "2:1 word b"));
}

TEST(Keywords, AreFoundInAnyCase) {
  EXPECT_EQ(FindKeyword("SELECT"), Keyword::kSelect);
  EXPECT_EQ(FindKeyword("sElEcT"), Keyword::kSelect);
  EXPECT_EQ(FindKeyword("add"), Keyword::kAdd);
  EXPECT_EQ(FindKeyword("with"), Keyword::kWith);
  EXPECT_EQ(FindKeyword("materialized"), Keyword::kMaterialized);
  EXPECT_EQ(FindKeyword("selec"), Keyword::kNone);
  EXPECT_EQ(FindKeyword("selects"), Keyword::kNone);
  EXPECT_EQ(FindKeyword(""), Keyword::kNone);
  EXPECT_EQ(FindKeyword("a_very_long_name_for_a_column"), Keyword::kNone);
  EXPECT_EQ(Spelling(Keyword::kColumnFamily), "COLUMNFAMILY");
  EXPECT_EQ(Spelling(Keyword::kNone), "");
}

TEST(Keywords, OnlyReservedOnesCannotBeNames) {
  for (const std::string_view word : {"select", "FROM", "where", "token", "set", "table", "desc",
                                      "entries", "infinity", "true", "schema", "unlogged"}) {
    EXPECT_FALSE(IsName(Lexer(word).Next())) << word;
  }
  for (const std::string_view word :
       {"key", "type", "name", "timestamp", "ttl", "count", "values", "text", "as", "json", "list",
        "distinct", "exists", "user", "role", "per", "partition", "static", "\"select\""}) {
    EXPECT_TRUE(IsName(Lexer(word).Next())) << word;
  }
}

TEST(Positions, AreFoundInMessages) {
  EXPECT_EQ(PositionIn(ToString({3, 14}) + " what is wrong"), (Position{3, 14}));
  for (const std::string_view none : {"", "line ", "line 3", "line 3:", "line 3:14", "line x:1 y",
                                      "line 3:-1 y", "a line 3:14 y", "line 99999999999:1 y"}) {
    EXPECT_EQ(PositionIn(none), std::nullopt) << none;
  }
}

TEST(Text, AbbreviatesBetweenCharacters) {
  EXPECT_EQ(Abbreviate("abc", 3), "abc");
  EXPECT_EQ(Abbreviate("abcd", 3), "abc...");
  EXPECT_EQ(Abbreviate("ab\xC3\xA9", 3), "ab...");
  EXPECT_EQ(Abbreviate("a\nb\x01"), "a\\nb\\x01");
}

}  // namespace
}  // namespace tholos::cql
