#include <utility>

#include "cql/statement_parser.h"

namespace tholos::cql {

bool StatementParser::Relations(std::vector<Relation>* out) {
  do {
    if (!AnyRelation(&out->emplace_back())) return false;
  } while (Accept(Keyword::kAnd));
  return true;
}

// A parenthesis opens a tuple of columns, or just encloses a relation:
//
//   (a, b) > (1, 2)     (a) = (1)     (a = 1)     ((a, b) > (1, 2))
bool StatementParser::AnyRelation(Relation* out) {
  const Level level(this);
  if (!level.ok()) return false;
  out->position = position();
  if (At(Keyword::kToken)) return TokenRelation(out);
  if (!At(TokenKind::kLeftParen)) return ColumnRelation(/*condition=*/false, out);
  if (AtName(1) && (At(TokenKind::kComma, 2) || At(TokenKind::kRightParen, 2))) {
    return TupleRelation(out);
  }
  Take();
  return AnyRelation(out) && Expect(TokenKind::kRightParen);
}

// `condition` is of IF, which compares elements and fields with any operator and IN.
bool StatementParser::ColumnRelation(bool condition, Relation* out) {
  out->left = Relation::Left::kColumn;
  out->position = position();
  if (Peek().keyword == Keyword::kNone && At(TokenKind::kLeftParen, 1) &&
      NameOf(Peek()) == "expr") {
    return Unsupported(position(), "a custom index expression");
  }
  if (!ColumnName(&out->columns.emplace_back())) return false;
  if (At(TokenKind::kLeftBracket) || (condition && At(TokenKind::kDot))) {
    return ElementRelation(condition, out);
  }
  if (!RelationOperator(&out->op)) return false;
  if (out->op == Operator::kIn) return InOperand(&StatementParser::AnyTerm, out);
  if (out->op != Operator::kIsNotNull) return AnyTerm(&out->right.emplace<Term>());
  out->right.emplace<Term>().value.emplace<NullLiteral>();
  return true;
}

// Behind the column of m['k'] = v or u.f = v.
bool StatementParser::ElementRelation(bool condition, Relation* out) {
  if (Take().kind == TokenKind::kDot) {
    out->left = Relation::Left::kField;
    if (!Name("a field name", &out->field)) return false;
  } else {
    out->left = Relation::Left::kElement;
    if (!AnyTerm(&out->key.emplace()) || !Expect(TokenKind::kRightBracket)) return false;
  }
  if (condition && At(Keyword::kIn)) {
    Take();
    out->op = Operator::kIn;
    return InOperand(&StatementParser::AnyTerm, out);
  }
  return Comparison(&out->op) && AnyTerm(&out->right.emplace<Term>());
}

bool StatementParser::TupleRelation(Relation* out) {
  out->left = Relation::Left::kTuple;
  if (!Expect(TokenKind::kLeftParen) || !ColumnNames(&out->columns) ||
      !Expect(TokenKind::kRightParen)) {
    return false;
  }
  if (At(Keyword::kIn)) {
    Take();
    out->op = Operator::kIn;
    return InOperand(&StatementParser::TupleOperand, out);
  }
  return Comparison(&out->op) && TupleOperand(&out->right.emplace<Term>());
}

bool StatementParser::TupleOperand(Term* out) {
  if (AtMarker()) return Marker(&out->value.emplace<BindMarker>());
  if (!At(TokenKind::kLeftParen)) return Unexpected("a tuple or a bind marker");
  const Level level(this);
  return level.ok() && Tuple(out);
}

bool StatementParser::TokenRelation(Relation* out) {
  out->left = Relation::Left::kToken;
  return Expect(Keyword::kToken) && Expect(TokenKind::kLeftParen) && ColumnNames(&out->columns) &&
         Expect(TokenKind::kRightParen) && Comparison(&out->op) &&
         AnyTerm(&out->right.emplace<Term>());
}

// Behind IN: a marker for the whole list, or the list.
bool StatementParser::InOperand(bool (StatementParser::*element)(Term*), Relation* out) {
  if (AtMarker()) return Marker(&out->right.emplace<Term>().value.emplace<BindMarker>());
  auto& list = out->right.emplace<TermList>();
  list.position = position();
  if (!Accept(TokenKind::kLeftParen)) return Unexpected("a bind marker");
  if (At(TokenKind::kRightParen)) {
    Take();
    return true;
  }
  do {
    if (!(this->*element)(&list.terms.emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kRightParen);
}

bool StatementParser::Comparison(Operator* out) {
  switch (Peek().kind) {
    case TokenKind::kEqual:
      *out = Operator::kEqual;
      break;
    case TokenKind::kNotEqual:
      *out = Operator::kNotEqual;
      break;
    case TokenKind::kLess:
      *out = Operator::kLess;
      break;
    case TokenKind::kLessOrEqual:
      *out = Operator::kLessOrEqual;
      break;
    case TokenKind::kGreater:
      *out = Operator::kGreater;
      break;
    case TokenKind::kGreaterOrEqual:
      *out = Operator::kGreaterOrEqual;
      break;
    default:
      return Unexpected("an operator");
  }
  Take();
  return true;
}

bool StatementParser::AtOperator(size_t ahead) const {
  switch (Peek(ahead).kind) {
    case TokenKind::kEqual:
    case TokenKind::kNotEqual:
    case TokenKind::kLess:
    case TokenKind::kLessOrEqual:
    case TokenKind::kGreater:
    case TokenKind::kGreaterOrEqual:
      return true;
    default:
      return At(Keyword::kIn, ahead) || At(Keyword::kContains, ahead) ||
             At(Keyword::kLike, ahead) || At(Keyword::kIs, ahead) ||
             At(TokenKind::kLeftBracket, ahead) || At(TokenKind::kDot, ahead);
  }
}

bool StatementParser::RelationOperator(Operator* out) {
  const Position start = position();
  switch (Peek().keyword) {
    case Keyword::kIn:
      Take();
      *out = Operator::kIn;
      return true;
    case Keyword::kContains:
      Take();
      // `key.f(1)` is a function of the keyspace key.
      *out = At(Keyword::kKey) && !At(TokenKind::kDot, 1) ? Operator::kContainsKey
                                                          : Operator::kContains;
      if (*out == Operator::kContainsKey) Take();
      return true;
    case Keyword::kLike:
      Take();
      *out = Operator::kLike;
      return true;
    case Keyword::kIs:
      Take();
      *out = Operator::kIsNotNull;
      return Expect(Keyword::kNot) && Expect(Keyword::kNull);
    case Keyword::kBetween:
      return Unsupported(start, "BETWEEN");
    case Keyword::kNot:
      return Unsupported(start, At(Keyword::kIn, 1) ? "NOT IN" : "NOT");
    default:
      return Comparison(out);
  }
}

}  // namespace tholos::cql
