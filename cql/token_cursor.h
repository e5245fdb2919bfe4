// The parser's place in the token stream: looks ahead, steps, and composes error messages.
//
// The functions that can fail return whether they succeeded; the first failure is kept in status()
// and is final. So a production reads as a chain,
//
//   return Expect(Keyword::kDrop) && Expect(Keyword::kTable) && Name("a table name", &table);
//
// and every optional word that was looked for in vain at the current token (`Accept`) is named when
// the next one fails: "expected WHERE, LIMIT or end of statement, found 'WHER'".
//
// Internal to the parser.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "cql/ast.h"
#include "cql/lexer.h"

namespace tholos::cql {

class TokenCursor {
 public:
  // `text` has to outlive the cursor.
  TokenCursor(std::string_view text, Position start);

  // The token `ahead` of the current one, ahead <= kLookaheadMax.
  static constexpr size_t kLookaheadMax = 5;
  const Token& Peek(size_t ahead = 0) const { return window_[ahead]; }

  bool At(TokenKind kind, size_t ahead = 0) const { return Peek(ahead).kind == kind; }
  bool At(Keyword keyword, size_t ahead = 0) const { return Peek(ahead).keyword == keyword; }
  bool AtName(size_t ahead = 0) const { return IsName(Peek(ahead)); }

  Position position() const { return Peek().position; }

  // The current token; steps over it.
  Token Take();

  // Whether the current token is a number or duration with a sign: behind an operand this is a
  // subtraction written without a blank.
  bool AtSignedNumber() const;
  // At one: steps over the sign alone.
  void TakeSign();

  // Steps over the current token if it is the one asked for, else remembers what was asked.
  bool Accept(Keyword keyword);
  bool Accept(TokenKind symbol);

  bool Expect(Keyword keyword) { return Accept(keyword) || Unexpected(); }
  bool Expect(TokenKind symbol) { return Accept(symbol) || Unexpected(); }

  // Reads a name, described as `what` ("a column name", a string that lives for ever) if there is
  // none.
  bool Name(std::string_view what, Identifier* name);

  // Fails: the current token is not `what`, nor anything that was looked for. `what` lives for
  // ever.
  bool Unexpected(std::string_view what = "");

  // Fails with a message of its own.
  bool Fail(Position position, std::string_view message);

  // Fails because a limit is exceeded.
  bool Exceeded(Position position, std::string_view message);

  // Fails with "<feature> is not supported yet".
  bool Unsupported(Position position, std::string_view feature);

  const absl::Status& status() const { return status_; }

 private:
  std::string ExpectedList() const;
  std::string Found() const;

  Lexer lexer_;
  // The lexer is ahead of the current token; what it says of an invalid one is copied with it. One
  // invalid token is enough: the parser never gets past it.
  LexicalError lexical_error_;
  std::array<Token, kLookaheadMax + 1> window_;
  absl::InlinedVector<std::string_view, 16> expected_;
  absl::Status status_;
};

}  // namespace tholos::cql
