#include "cql/token_cursor.h"

#include <algorithm>
#include <utility>

#include "cql/text.h"

namespace tholos::cql {

TokenCursor::TokenCursor(std::string_view text, Position start) : lexer_(text, start) {
  for (size_t i = 0; i < window_.size(); ++i) Take();
}

Token TokenCursor::Take() {
  Token taken = window_.front();
  std::move(window_.begin() + 1, window_.end(), window_.begin());
  Token& last = window_.back();
  if (last.kind != TokenKind::kInvalid) {
    last = lexer_.Next();
    if (last.kind == TokenKind::kInvalid) lexical_error_ = lexer_.error();
  }
  expected_.clear();
  return taken;
}

bool TokenCursor::AtSignedNumber() const {
  return (At(TokenKind::kInteger) || At(TokenKind::kFloat) || At(TokenKind::kDuration)) &&
         Peek().text.front() == '-';
}

void TokenCursor::TakeSign() {
  Token& token = window_.front();
  token.text.remove_prefix(1);
  ++token.position.column;
  expected_.clear();
}

bool TokenCursor::Accept(Keyword keyword) {
  if (!At(keyword)) {
    expected_.push_back(Spelling(keyword));
    return false;
  }
  Take();
  return true;
}

bool TokenCursor::Accept(TokenKind symbol) {
  if (!At(symbol)) {
    expected_.push_back(SymbolName(symbol));
    return false;
  }
  Take();
  return true;
}

bool TokenCursor::Name(std::string_view what, Identifier* name) {
  if (!AtName()) return Unexpected(what);
  name->position = position();
  name->name = NameOf(Take());
  return true;
}

bool TokenCursor::Unexpected(std::string_view what) {
  if (At(TokenKind::kInvalid)) return Fail(lexical_error_.position, lexical_error_.message);
  if (!what.empty()) expected_.push_back(what);
  return Fail(position(), Concat({"expected ", ExpectedList(), ", found ", Found()}));
}

bool TokenCursor::Fail(Position position, std::string_view message) {
  if (status_.ok()) {
    status_ = absl::InvalidArgumentError(Concat({ToString(position), " ", message}));
  }
  return false;
}

bool TokenCursor::Exceeded(Position position, std::string_view message) {
  if (status_.ok()) {
    status_ = absl::ResourceExhaustedError(Concat({ToString(position), " ", message}));
  }
  return false;
}

bool TokenCursor::Unsupported(Position position, std::string_view feature) {
  if (status_.ok()) {
    status_ = absl::UnimplementedError(
        Concat({ToString(position), " ", feature, " is not supported yet"}));
  }
  return false;
}

// "A", "A or B", "A, B or C", each once.
std::string TokenCursor::ExpectedList() const {
  absl::InlinedVector<std::string_view, 16> distinct;
  for (const std::string_view what : expected_) {
    if (std::ranges::find(distinct, what) == distinct.end()) distinct.push_back(what);
  }
  std::string list;
  for (size_t i = 0; i < distinct.size(); ++i) {
    if (i > 0) list.append(i + 1 == distinct.size() ? " or " : ", ");
    list.append(distinct[i]);
  }
  return list;
}

std::string TokenCursor::Found() const {
  const Token& token = Peek();
  switch (token.kind) {
    case TokenKind::kEnd:
      return "end of text";
    case TokenKind::kString:
    case TokenKind::kDollarString:
      return Concat({"string ", Abbreviate(token.text)});
    case TokenKind::kQuotedName:
      return Concat({"name ", Abbreviate(token.text)});
    default:
      return Concat({"'", Abbreviate(token.text), "'"});
  }
}

}  // namespace tholos::cql
