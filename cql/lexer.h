// Splits a CQL text into tokens.
//
//   SELECT "Name" FROM t WHERE k = 'it''s' AND v > -1.5e3; -- done
//   |word  |quoted|word |     ... |string      |float    |;
//
// Words are ASCII letters, digits and '_', starting with a letter. Comments run from `--` or `//`
// to the end of the line, or between `/*` and `*/` (they do not nest). A number carries its sign:
// `-1` is one token. The whole text has to be UTF-8, comments included; characters beyond ASCII
// stand only in strings, double-quoted names and comments.
//
// Cost: one pass, no allocation but for an error's message. Tokens refer to the text, which has to
// outlive them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cql/keywords.h"
#include "cql/position.h"

namespace tholos::cql {

enum class TokenKind : uint8_t {
  kEnd,      // the end of the text; repeated for ever
  kInvalid,  // see Lexer::error()
  kWord,     // a name or a keyword
  kQuotedName,
  kString,        // 'it''s'
  kDollarString,  // $$it's$$
  kInteger,       // -12
  kFloat,         // 1.5, 1., -2e-7, -NaN, -Infinity (NaN and Infinity without a sign are keywords)
  kUuid,
  kBlob,      // 0xCAFE, an even number of digits
  kDuration,  // 1y2mo, -3d12h, 15us, P1Y2MT3H, P2W, P0001-02-03T04:05:06
  kQuestionMark,
  kLeftParen,
  kRightParen,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kComma,
  kSemicolon,
  kColon,
  kDot,
  kRange,  // ..
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kPlus,
  kMinus,
  kPlusEqual,
  kMinusEqual,
  kStar,
  kSlash,
  kPercent,
};

// The quoted spelling of a symbol for messages ("','"), alive for ever; "" for kinds without a
// fixed spelling.
std::string_view SymbolName(TokenKind kind);

struct Token {
  TokenKind kind = TokenKind::kEnd;
  Keyword keyword = Keyword::kNone;  // of a kWord
  Position position;
  std::string_view text;  // as written, quotes included
};

// Whether the token can be a name: a quoted name, or a word that is not reserved.
bool IsName(const Token& token);

// The name a kWord (folded to lower case) or kQuotedName (unescaped) stands for.
std::string NameOf(const Token& token);

// The contents of a kString or kDollarString.
std::string StringOf(const Token& token);

// What is still open at the end of the text.
enum class Unterminated : uint8_t { kNothing, kString, kDollarString, kQuotedName, kComment };

struct LexicalError {
  Position position;
  std::string message;  // without the position
  Unterminated unterminated = Unterminated::kNothing;
};

// Not thread-safe; cheap to make.
class Lexer {
 public:
  // `start` is the position of the first character, for a text cut from a longer one.
  explicit Lexer(std::string_view text, Position start = {}) : text_(text), at_(start) {}

  // The next token. After a kInvalid the scan goes on behind the offending characters, or behind
  // the string, name or comment that holds them, so that a script can be split around a bad
  // statement. An invalid token's text is what the scan stepped over; error().position can be
  // inside it.
  Token Next();

  // Of the last kInvalid.
  const LexicalError& error() const { return error_; }

  // Bytes read so far: the end of the last token.
  size_t offset() const { return offset_; }

 private:
  void SkipBlanks();
  bool SkipComment(TokenKind* kind);
  TokenKind ScanToken(char first);
  TokenKind ScanWord();
  TokenKind ScanNumber();
  TokenKind ScanNumberTail(TokenKind kind, Position start, size_t start_offset);
  TokenKind ScanBlob();
  TokenKind ScanDuration(size_t length);
  size_t UnitDurationLength() const;  // 0: none starts here
  size_t IsoDurationLength() const;
  TokenKind ScanUuid();
  TokenKind ScanQuoted(char quote, TokenKind kind, Unterminated unterminated);
  TokenKind ScanDollarString();
  TokenKind ScanSymbol();
  bool ScanSignedSpecialFloat();
  bool AtUuid() const;
  TokenKind UnexpectedCharacter();
  TokenKind Invalid(Position position, std::string message,
                    Unterminated unterminated = Unterminated::kNothing);

  // Steps over one character and keeps the position. Bytes that are no UTF-8 are stepped over one
  // at a time; the first of a token is recorded as its error.
  void StepCharacter();
  void StepAscii(size_t count);  // no newline among them
  char CharAt(size_t ahead) const {
    return offset_ + ahead < text_.size() ? text_[offset_ + ahead] : '\0';
  }
  bool AtEnd() const { return offset_ == text_.size(); }
  bool StartsWith(std::string_view prefix) const {
    return text_.substr(offset_).starts_with(prefix);
  }

  std::string_view text_;
  size_t offset_ = 0;
  Position at_;
  bool bad_utf8_ = false;  // in the token being scanned
  LexicalError error_;
};

}  // namespace tholos::cql
