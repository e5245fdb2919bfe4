#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "cql/statement_parser.h"

namespace tholos::cql {

// ---- names ----

bool StatementParser::TableName(QualifiedName* out) {
  Identifier name;
  if (!Name("a table name", &name)) return false;
  out->position = name.position;
  if (At(TokenKind::kDot)) {
    Take();
    out->keyspace = std::move(name.name);
    if (!Name("a table name", &name)) return false;
  }
  out->name = std::move(name.name);
  return true;
}

bool StatementParser::ColumnNames(std::vector<Identifier>* out) {
  do {
    if (!ColumnName(&out->emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return true;
}

bool StatementParser::IfExists(bool* out) {
  *out = Accept(Keyword::kIf);
  return !*out || Expect(Keyword::kExists);
}

bool StatementParser::IfNotExists(bool* out) {
  *out = Accept(Keyword::kIf);
  return !*out || (Expect(Keyword::kNot) && Expect(Keyword::kExists));
}

// ---- types ----

bool StatementParser::Type(TypeName* out) {
  const Level level(this);
  if (!level.ok()) return false;
  out->position = position();
  if (At(TokenKind::kString)) return Unsupported(position(), "a custom type");
  if (At(Keyword::kVector) && At(TokenKind::kLess, 1)) {
    return Unsupported(position(), "the vector type");
  }
  // SET is reserved, but names a type.
  const auto at_type_name = [this] { return AtName() || At(Keyword::kSet); };
  const auto take_name = [this, out] {
    out->quoted = At(TokenKind::kQuotedName);
    out->name = NameOf(Take());
  };
  if (!at_type_name()) return Unexpected("a type");
  take_name();
  if (At(TokenKind::kDot)) {
    Take();
    out->keyspace = std::move(out->name);
    if (!AtName()) return Unexpected("a type");
    take_name();
  }
  return TypeParams(out);
}

bool StatementParser::TypeParams(TypeName* out) {
  if (!At(TokenKind::kLess)) return true;
  Take();
  do {
    if (!Type(&out->params.emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kGreater);
}

// ---- literals and markers ----

bool StatementParser::AtLiteral() const {
  switch (Peek().kind) {
    case TokenKind::kString:
    case TokenKind::kDollarString:
    case TokenKind::kInteger:
    case TokenKind::kFloat:
    case TokenKind::kUuid:
    case TokenKind::kBlob:
      return true;
    default:
      return At(Keyword::kTrue) || At(Keyword::kFalse) || At(Keyword::kNan) ||
             At(Keyword::kInfinity);
  }
}

namespace {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  absl::AsciiStrToLower(&lower);
  return lower;
}

// Digits stay as they were written; the special values get one spelling.
std::string FloatText(std::string_view text) {
  const bool negative = text.front() == '-';
  switch (absl::ascii_tolower(text[negative])) {
    case 'n':
      return "NaN";
    case 'i':
      return negative ? "-Infinity" : "Infinity";
    default:
      return std::string(text);
  }
}

}  // namespace

Literal StatementParser::TakeLiteral() {
  Literal literal;
  literal.position = position();
  const Token token = Take();
  switch (token.kind) {
    case TokenKind::kInteger:
      literal.kind = Literal::Kind::kInteger;
      literal.text = std::string(token.text);
      break;
    case TokenKind::kFloat:
      literal.kind = Literal::Kind::kFloat;
      literal.text = FloatText(token.text);
      break;
    case TokenKind::kUuid:
      literal.kind = Literal::Kind::kUuid;
      literal.text = LowerCase(token.text);
      break;
    case TokenKind::kBlob:
      literal.kind = Literal::Kind::kBlob;
      literal.text = LowerCase(token.text.substr(2));
      break;
    case TokenKind::kWord: {
      const bool boolean = token.keyword == Keyword::kTrue || token.keyword == Keyword::kFalse;
      literal.kind = boolean ? Literal::Kind::kBoolean : Literal::Kind::kFloat;
      literal.text = boolean ? LowerCase(token.text) : FloatText(token.text);
      break;
    }
    default:
      literal.kind = Literal::Kind::kString;
      literal.text = StringOf(token);
  }
  return literal;
}

bool StatementParser::Marker(BindMarker* out) {
  out->position = position();
  if (static_cast<int>(markers_.size()) >= options_.bind_markers_max) {
    return Fail(position(),
                absl::StrFormat("more than %d bind markers", options_.bind_markers_max));
  }
  if (Take().kind == TokenKind::kColon) {
    Identifier name;
    if (!Name("a bind marker's name", &name)) return false;
    out->name = std::move(name.name);
  }
  out->index = static_cast<int>(markers_.size());
  markers_.push_back(*out);
  return true;
}

bool StatementParser::IntegerOrMarker(Term* out) {
  if (AtMarker()) return Marker(&out->value.emplace<BindMarker>());
  if (!At(TokenKind::kInteger)) return Unexpected("an integer or a bind marker");
  out->value = TakeLiteral();
  return true;
}

// ---- terms ----

bool StatementParser::AnyTerm(Term* out) {
  const Level level(this);
  return level.ok() && AnyTermNested(out);
}

bool StatementParser::AnyTermNested(Term* out) {
  if (AtLiteral()) {
    out->value = TakeLiteral();
    return true;
  }
  if (AtMarker()) return Marker(&out->value.emplace<BindMarker>());
  const Position start = position();
  switch (Peek().kind) {
    case TokenKind::kLeftBracket: {
      Take();
      auto& list = out->value.emplace<ListLiteral>();
      list.position = start;
      return TermsUntil(TokenKind::kRightBracket, &list.elements);
    }
    case TokenKind::kLeftBrace:
      return BracedTerm(out);
    case TokenKind::kLeftParen:
      return ParenthesizedTerm(out);
    default:
      return WordTerm(out);
  }
}

bool StatementParser::TermsUntil(TokenKind close, std::vector<Term>* out) {
  if (At(close)) {
    Take();
    return true;
  }
  do {
    if (!AnyTerm(&out->emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(close);
}

// {}, {1, 2} or {'a': 1, 'b': 2}.
bool StatementParser::BracedTerm(Term* out) {
  const Position start = Take().position;
  if (AtName() && At(TokenKind::kColon, 1)) {
    return Unsupported(start, "a user-defined type literal");
  }
  SetLiteral set;
  set.position = start;
  if (At(TokenKind::kRightBrace)) {
    Take();
    out->value = std::move(set);
    return true;
  }
  Term first;
  if (!AnyTerm(&first)) return false;
  if (Accept(TokenKind::kColon)) {
    auto& map = out->value.emplace<MapLiteral>();
    map.position = start;
    return MapTail(std::move(first), &map);
  }
  set.elements.push_back(std::move(first));
  while (Accept(TokenKind::kComma)) {
    if (!AnyTerm(&set.elements.emplace_back())) return false;
  }
  out->value = std::move(set);
  return Expect(TokenKind::kRightBrace);
}

// Behind the first key and its colon.
bool StatementParser::MapTail(Term first_key, MapLiteral* out) {
  out->entries.emplace_back().key = std::move(first_key);
  if (!AnyTerm(&out->entries.back().value)) return false;
  while (Accept(TokenKind::kComma)) {
    MapEntry& entry = out->entries.emplace_back();
    if (!AnyTerm(&entry.key) || !Expect(TokenKind::kColon) || !AnyTerm(&entry.value)) return false;
  }
  return Expect(TokenKind::kRightBrace);
}

bool StatementParser::ParenthesizedTerm(Term* out) {
  auto& tuple = out->value.emplace<TupleLiteral>();
  tuple.position = Take().position;
  do {
    if (!AnyTerm(&tuple.elements.emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kRightParen);
}

// null, a function call, or nothing that makes a term.
bool StatementParser::WordTerm(Term* out) {
  const Position start = position();
  if (At(Keyword::kNull)) {
    Take();
    out->value.emplace<NullLiteral>().position = start;
    return true;
  }
  if (!AtFunctionCall()) return Unexpected("a value");
  if (At(Keyword::kCast) && At(TokenKind::kLeftParen, 1)) return Unsupported(start, "CAST");
  auto& call = out->value.emplace<FunctionCall>();
  call.position = start;
  return FunctionNameAndParen(&call.function) &&
         TermsUntil(TokenKind::kRightParen, &call.arguments);
}

bool StatementParser::AtFunctionCall() const {
  if (At(Keyword::kToken)) return At(TokenKind::kLeftParen, 1);
  return AtName() && (At(TokenKind::kLeftParen, 1) || At(TokenKind::kDot, 1));
}

// At AtFunctionCall().
bool StatementParser::FunctionNameAndParen(QualifiedName* out) {
  out->position = position();
  out->name = NameOf(Take());
  if (At(TokenKind::kDot)) {
    Take();
    out->keyspace = std::move(out->name);
    if (!AtName()) return Unexpected("a function name");
    out->name = NameOf(Take());
  }
  return Expect(TokenKind::kLeftParen);
}

// ---- selectors ----

bool StatementParser::AnySelector(Selector* out) {
  const Level level(this);
  return level.ok() && AnySelectorNested(out);
}

bool StatementParser::AnySelectorNested(Selector* out) {
  if (AtLiteral()) {
    out->value = TakeLiteral();
    return true;
  }
  if (AtMarker()) return Marker(&out->value.emplace<BindMarker>());
  if (At(Keyword::kNull)) {
    out->value.emplace<NullLiteral>().position = Take().position;
    return true;
  }
  if (AtFunctionCall()) return SelectorFunction(out);
  return Name("a selector", &out->value.emplace<Identifier>());
}

bool StatementParser::SelectorFunction(Selector* out) {
  const Position start = position();
  if (At(Keyword::kCast) && At(TokenKind::kLeftParen, 1)) return Unsupported(start, "CAST");
  if (At(Keyword::kCount) && At(TokenKind::kLeftParen, 1) && At(TokenKind::kStar, 2)) {
    for (int i = 0; i < 3; ++i) Take();
    out->value.emplace<CountRows>().position = start;
    return Expect(TokenKind::kRightParen);
  }
  auto& call = out->value.emplace<SelectorCall>();
  call.position = start;
  if (!FunctionNameAndParen(&call.function)) return false;
  if (At(TokenKind::kRightParen)) {
    Take();
    return true;
  }
  do {
    if (!AnySelector(&call.arguments.emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kRightParen);
}

}  // namespace tholos::cql
