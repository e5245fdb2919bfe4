#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
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
  if (At(TokenKind::kString)) {
    out->custom = true;
    out->name = StringOf(Take());
    return true;
  }
  const auto take_name = [this, out] {
    out->quoted = At(TokenKind::kQuotedName);
    out->name = NameOf(Take());
  };
  if (!AtTypeName()) return Unexpected("a type");
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
  const bool vector = out->name == "vector" && !out->quoted && out->keyspace.empty();
  do {
    if (vector && out->params.size() == 1) return VectorDimension(&out->dimension);
    if (!Type(&out->params.emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kGreater);
}

bool StatementParser::VectorDimension(uint32_t* out) {
  if (!At(TokenKind::kInteger)) return Unexpected("the number of dimensions");
  if (!absl::SimpleAtoi(absl::string_view(Peek().text.data(), Peek().text.size()), out) ||
      *out == 0) {
    return Fail(position(), "vectors may only have positive dimensions");
  }
  Take();
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
    case TokenKind::kDuration:
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
    case TokenKind::kDuration:
      literal.kind = Literal::Kind::kDuration;
      literal.text = std::string(token.text);
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
    return Exceeded(position(),
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
//
//   term           = product (("+" | "-") product)*
//   product        = unary (("*" | "/" | "%") unary)*
//   unary          = "-" unary | postfix
//   postfix        = primary ("." field | "[" index "]")*          steps in selectors only, and
//                                                                  not behind literals of a token
//   primary        = literal | marker | null | call | cast | list | set | map | udt | tuple | hint
//                  | column | count(*)                             in selectors only
//   hint           = "(" type ")" postfix

bool StatementParser::AnyTerm(Term* out) { return TermWithColumns(false, out); }

bool StatementParser::AnySelector(Selector* out) { return TermWithColumns(true, out); }

bool StatementParser::TermWithColumns(bool columns, Term* out) {
  const bool before = std::exchange(columns_, columns);
  const bool ok = NestedTerm(out);
  columns_ = before;
  return ok;
}

bool StatementParser::NestedTerm(Term* out) {
  const Level level(this);
  return level.ok() && Chain(&StatementParser::AdditiveOperator, &StatementParser::Product, out);
}

bool StatementParser::Product(Term* out) {
  return Chain(&StatementParser::MultiplicativeOperator, &StatementParser::Unary, out);
}

// operand (operator operand)*, flat.
bool StatementParser::Chain(bool (StatementParser::*at_operator)(ArithmeticOperator*),
                            bool (StatementParser::*operand)(Term*), Term* out) {
  const Position start = position();
  if (!(this->*operand)(out)) return false;
  ArithmeticOperator op;
  if (!(this->*at_operator)(&op)) return true;
  Arithmetic chain;
  chain.position = start;
  chain.operands.push_back(std::move(*out));
  do {
    if (++operators_ > options_.operators_max) {
      return Exceeded(position(),
                      absl::StrFormat("more than %d arithmetic operators", options_.operators_max));
    }
    chain.operators.push_back(op);
    if (!(this->*operand)(&chain.operands.emplace_back())) return false;
  } while ((this->*at_operator)(&op));
  out->value = std::move(chain);
  return true;
}

// Steps over + or -, also over the sign of `a -1`. Leaves `+ column` of SET c = [1] + c alone.
bool StatementParser::AdditiveOperator(ArithmeticOperator* out) {
  if (At(TokenKind::kPlus)) {
    if (before_column_ && AtName(1) && !AtFunctionCall(1)) return false;
    Take();
    *out = ArithmeticOperator::kAdd;
    return true;
  }
  *out = ArithmeticOperator::kSubtract;
  if (At(TokenKind::kMinus)) {
    Take();
    return true;
  }
  if (!AtSignedNumber()) return false;
  TakeSign();
  return true;
}

bool StatementParser::MultiplicativeOperator(ArithmeticOperator* out) {
  switch (Peek().kind) {
    case TokenKind::kStar:
      *out = ArithmeticOperator::kMultiply;
      break;
    case TokenKind::kSlash:
      *out = ArithmeticOperator::kDivide;
      break;
    case TokenKind::kPercent:
      *out = ArithmeticOperator::kModulo;
      break;
    default:
      return false;
  }
  Take();
  return true;
}

bool StatementParser::Unary(Term* out) {
  if (!At(TokenKind::kMinus)) return Postfix(out);
  const Level level(this);
  if (!level.ok()) return false;
  auto& negation = out->value.emplace<Negation>();
  negation.position = Take().position;
  return Unary(&negation.operand.emplace_back());
}

bool StatementParser::Postfix(Term* out) {
  const Position start = position();
  if (!Primary(out)) return false;
  const auto at_step = [this] { return At(TokenKind::kDot) || At(TokenKind::kLeftBracket); };
  if (!columns_ || !at_step() || std::holds_alternative<Literal>(out->value)) return true;
  Path path;
  path.position = start;
  path.base.push_back(std::move(*out));
  while (at_step()) {
    if (!Step(&path.steps.emplace_back())) return false;
  }
  out->value = std::move(path);
  return true;
}

// .field, [key], [from..to], [from..] or [..to]
bool StatementParser::Step(PathStep* out) {
  out->position = position();
  if (Take().kind == TokenKind::kDot) return Name("a field name", &out->field);
  out->kind = PathStep::Kind::kElement;
  if (!At(TokenKind::kRange) && !AnyTerm(&out->from.emplace())) return false;
  if (Accept(TokenKind::kRange)) {
    out->kind = PathStep::Kind::kSlice;
    const bool open = out->from.has_value() && At(TokenKind::kRightBracket);
    if (!open && !AnyTerm(&out->to.emplace())) return false;
  }
  return Expect(TokenKind::kRightBracket);
}

bool StatementParser::Primary(Term* out) {
  if (AtLiteral()) {
    out->value = TakeLiteral();
    return true;
  }
  if (AtMarker()) return Marker(&out->value.emplace<BindMarker>());
  switch (Peek().kind) {
    case TokenKind::kLeftBracket: {
      auto& list = out->value.emplace<ListLiteral>();
      list.position = Take().position;
      return TermsUntil(TokenKind::kRightBracket, &list.elements);
    }
    case TokenKind::kLeftBrace:
      return BracedTerm(out);
    case TokenKind::kLeftParen:
      return AtTypeHint() ? Hinted(out) : Tuple(out);
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
    if (!NestedTerm(&out->emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(close);
}

// {}, {1, 2}, {'a': 1, 'b': 2} or {field: 1}.
bool StatementParser::BracedTerm(Term* out) {
  const Position start = Take().position;
  if (AtName() && At(TokenKind::kColon, 1)) {
    auto& udt = out->value.emplace<UdtLiteral>();
    udt.position = start;
    return Fields(&udt);
  }
  SetLiteral set;
  set.position = start;
  if (At(TokenKind::kRightBrace)) {
    Take();
    out->value = std::move(set);
    return true;
  }
  Term first;
  if (!NestedTerm(&first)) return false;
  if (Accept(TokenKind::kColon)) {
    auto& map = out->value.emplace<MapLiteral>();
    map.position = start;
    return MapTail(std::move(first), &map);
  }
  set.elements.push_back(std::move(first));
  while (Accept(TokenKind::kComma)) {
    if (!NestedTerm(&set.elements.emplace_back())) return false;
  }
  out->value = std::move(set);
  return Expect(TokenKind::kRightBrace);
}

bool StatementParser::Fields(UdtLiteral* out) {
  do {
    FieldEntry& entry = out->fields.emplace_back();
    if (!Name("a field name", &entry.field) || !Expect(TokenKind::kColon) ||
        !NestedTerm(&entry.value)) {
      return false;
    }
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kRightBrace);
}

// Behind the first key and its colon.
bool StatementParser::MapTail(Term first_key, MapLiteral* out) {
  out->entries.emplace_back().key = std::move(first_key);
  if (!NestedTerm(&out->entries.back().value)) return false;
  while (Accept(TokenKind::kComma)) {
    MapEntry& entry = out->entries.emplace_back();
    if (!NestedTerm(&entry.key) || !Expect(TokenKind::kColon) || !NestedTerm(&entry.value)) {
      return false;
    }
  }
  return Expect(TokenKind::kRightBrace);
}

bool StatementParser::Tuple(Term* out) {
  auto& tuple = out->value.emplace<TupleLiteral>();
  tuple.position = Take().position;
  do {
    if (!NestedTerm(&tuple.elements.emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kRightParen);
}

namespace {

// The types that need no parameters and no keyspace.
bool IsNativeTypeName(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "ascii",  "bigint",    "blob",     "boolean", "counter", "date",     "decimal",
      "double", "duration",  "float",    "inet",    "int",     "smallint", "text",
      "time",   "timestamp", "timeuuid", "tinyint", "uuid",    "varchar",  "varint"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

}  // namespace

// Whether the parenthesis at hand holds the type of what follows it. Without columns a name alone
// in parentheses can be nothing else. Among columns
//
//   (t) 'x', (t) f(x), (int) -1         are hints
//   (c) - 1, (c) -1, (c) AS x, (c)[1]   are columns in parentheses
//   (int) :m, {(c): m}                  a colon behind a type of the language starts a marker
bool StatementParser::AtTypeHint() const {
  if (!AtTypeName(1)) return false;
  if (At(TokenKind::kLess, 2)) return true;
  size_t close = 2;
  if (At(TokenKind::kDot, 2)) {
    if (!AtName(3)) return false;
    close = 4;
    if (At(TokenKind::kLess, 4)) return true;
  }
  if (!At(TokenKind::kRightParen, close)) return false;
  if (!columns_) return true;
  const Token& next = Peek(close + 1);
  const auto native = [&] {
    return close == 2 && Peek(1).kind == TokenKind::kWord && IsNativeTypeName(NameOf(Peek(1)));
  };
  switch (next.kind) {
    case TokenKind::kInteger:
    case TokenKind::kFloat:
    case TokenKind::kDuration:
      return next.text.front() != '-' || native();
    case TokenKind::kColon:
      return native();
    case TokenKind::kString:
    case TokenKind::kDollarString:
    case TokenKind::kUuid:
    case TokenKind::kBlob:
    case TokenKind::kQuestionMark:
    case TokenKind::kLeftBrace:
    case TokenKind::kLeftParen:
    case TokenKind::kQuotedName:
      return true;
    case TokenKind::kWord:
      switch (next.keyword) {
        case Keyword::kNull:
        case Keyword::kTrue:
        case Keyword::kFalse:
        case Keyword::kNan:
        case Keyword::kInfinity:
        case Keyword::kToken:
          return true;
        default:
          return IsName(next) && next.keyword != Keyword::kAs && next.keyword != Keyword::kPer;
      }
    default:
      return false;
  }
}

bool StatementParser::Hinted(Term* out) {
  const Level level(this);
  if (!level.ok()) return false;
  auto& hint = out->value.emplace<TypeHint>();
  hint.position = Take().position;
  return Type(&hint.type) && Expect(TokenKind::kRightParen) &&
         Postfix(&hint.operand.emplace_back());
}

// null, a function call, a column, or nothing that makes a term.
bool StatementParser::WordTerm(Term* out) {
  const Position start = position();
  if (At(Keyword::kNull)) {
    Take();
    out->value.emplace<NullLiteral>().position = start;
    return true;
  }
  if (At(Keyword::kCast) && At(TokenKind::kLeftParen, 1)) return CastTerm(out);
  if (columns_ && At(Keyword::kCount) && At(TokenKind::kLeftParen, 1) && At(TokenKind::kStar, 2)) {
    for (int i = 0; i < 3; ++i) Take();
    out->value.emplace<CountRows>().position = start;
    return Expect(TokenKind::kRightParen);
  }
  if (AtFunctionCall()) {
    auto& call = out->value.emplace<FunctionCall>();
    call.position = start;
    return FunctionNameAndParen(&call.function) &&
           TermsUntil(TokenKind::kRightParen, &call.arguments);
  }
  if (!columns_) return Unexpected("a value");
  return Name("a selector", &out->value.emplace<Identifier>());
}

bool StatementParser::CastTerm(Term* out) {
  auto& cast = out->value.emplace<Cast>();
  cast.position = Take().position;
  return Expect(TokenKind::kLeftParen) && NestedTerm(&cast.operand.emplace_back()) &&
         Expect(Keyword::kAs) && Type(&cast.type) && Expect(TokenKind::kRightParen);
}

// f( or ks.f(; without columns a name and a dot can only become one.
bool StatementParser::AtFunctionCall(size_t ahead) const {
  if (At(Keyword::kToken, ahead)) return At(TokenKind::kLeftParen, ahead + 1);
  if (!AtName(ahead)) return false;
  if (At(TokenKind::kLeftParen, ahead + 1)) return true;
  if (!At(TokenKind::kDot, ahead + 1)) return false;
  return !columns_ || At(TokenKind::kLeftParen, ahead + 3);
}

// At AtFunctionCall().
bool StatementParser::FunctionNameAndParen(QualifiedName* out) {
  out->position = position();
  out->name = NameOf(Take());
  if (At(TokenKind::kDot)) {
    Take();
    out->keyspace = std::move(out->name);
    if (!AtName() && !At(Keyword::kToken)) return Unexpected("a function name");
    out->name = NameOf(Take());
  }
  return Expect(TokenKind::kLeftParen);
}

}  // namespace tholos::cql
