#include "cql/statement_parser.h"

namespace tholos::cql {

bool StatementParser::Insert(InsertStatement* out) {
  out->position = Take().position;
  if (!Expect(Keyword::kInto) || !TableName(&out->table)) return false;
  if (At(Keyword::kJson)) {
    Take();
    return JsonValue(out) && IfNotExists(&out->if_not_exists) && Parameters(&out->parameters);
  }
  if (!Expect(TokenKind::kLeftParen) || !ColumnNames(&out->columns) ||
      !Expect(TokenKind::kRightParen) || !Expect(Keyword::kValues) ||
      !Expect(TokenKind::kLeftParen)) {
    return false;
  }
  do {
    if (!AnyTerm(&out->values.emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kRightParen) && IfNotExists(&out->if_not_exists) &&
         Parameters(&out->parameters);
}

// 'json' or a marker, [DEFAULT NULL | DEFAULT UNSET]
bool StatementParser::JsonValue(InsertStatement* out) {
  Term& json = out->json.emplace();
  if (AtMarker()) {
    if (!Marker(&json.value.emplace<BindMarker>())) return false;
  } else if (At(TokenKind::kString) || At(TokenKind::kDollarString)) {
    json.value = TakeLiteral();
  } else {
    return Unexpected("a string or a bind marker");
  }
  if (!Accept(Keyword::kDefault)) return true;
  out->json_default_unset = Accept(Keyword::kUnset);
  return out->json_default_unset || Expect(Keyword::kNull);
}

bool StatementParser::Update(UpdateStatement* out) {
  out->position = Take().position;
  if (!TableName(&out->table) || !Parameters(&out->parameters) || !Expect(Keyword::kSet)) {
    return false;
  }
  do {
    if (!OneAssignment(&out->assignments.emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(Keyword::kWhere) && Relations(&out->where) &&
         Conditions(&out->if_exists, &out->conditions);
}

bool StatementParser::OneAssignment(Assignment* out) {
  using Kind = Assignment::Kind;
  out->position = position();
  if (!ColumnName(&out->column)) return false;
  switch (Peek().kind) {
    case TokenKind::kPlusEqual:
    case TokenKind::kMinusEqual:
      out->kind = Take().kind == TokenKind::kPlusEqual ? Kind::kAppend : Kind::kRemove;
      return AnyTerm(&out->value);
    case TokenKind::kLeftBracket:
      out->kind = Kind::kElement;
      return ElementKey(&out->key) && Expect(TokenKind::kEqual) && AnyTerm(&out->value);
    case TokenKind::kDot:
      Take();
      out->kind = Kind::kField;
      return Name("a field name", &out->field) && Expect(TokenKind::kEqual) && AnyTerm(&out->value);
    default:
      return Expect(TokenKind::kEqual) && AssignedValue(out);
  }
}

// [key]
bool StatementParser::ElementKey(std::optional<Term>* out) {
  return Expect(TokenKind::kLeftBracket) && AnyTerm(&out->emplace()) &&
         Expect(TokenKind::kRightBracket);
}

// Behind `column =`: value, column + value, column - value or value + column.
bool StatementParser::AssignedValue(Assignment* out) {
  using Kind = Assignment::Kind;
  if (AtName() && !AtFunctionCall()) {
    Identifier source;
    if (!ColumnName(&source)) return false;
    ArithmeticOperator op;
    if (!AdditiveOperator(&op)) return Accept(TokenKind::kPlus) || Expect(TokenKind::kMinus);
    if (source != out->column) {
      return Fail(source.position,
                  "Only expressions of the form X = X + <value> or X = X - <value> are supported.");
    }
    out->kind = op == ArithmeticOperator::kAdd ? Kind::kAppend : Kind::kRemove;
    return AnyTerm(&out->value);
  }
  before_column_ = true;
  const bool ok = AnyTerm(&out->value);
  before_column_ = false;
  if (!ok || !At(TokenKind::kPlus)) return ok;
  Take();
  Identifier source;
  if (!ColumnName(&source)) return false;
  if (source != out->column) {
    return Fail(source.position, "Only expressions of the form X = <value> + X are supported.");
  }
  out->kind = Kind::kPrepend;
  return true;
}

bool StatementParser::Delete(DeleteStatement* out) {
  out->position = Take().position;
  if (!At(Keyword::kFrom)) {
    do {
      if (!OneTarget(&out->targets.emplace_back())) return false;
    } while (Accept(TokenKind::kComma));
  }
  if (!Expect(Keyword::kFrom) || !TableName(&out->table)) return false;
  if (Accept(Keyword::kUsing)) {
    auto& timestamp = out->parameters.timestamp.emplace();
    if (!Expect(Keyword::kTimestamp) || !IntegerOrMarker(&timestamp)) return false;
  }
  return Expect(Keyword::kWhere) && Relations(&out->where) &&
         Conditions(&out->if_exists, &out->conditions);
}

// column, column[key] or column.field
bool StatementParser::OneTarget(DeleteTarget* out) {
  out->position = position();
  if (!ColumnName(&out->column)) return false;
  if (At(TokenKind::kLeftBracket)) return ElementKey(&out->key);
  if (!At(TokenKind::kDot)) return true;
  Take();
  return Name("a field name", &out->field.emplace());
}

// [USING parameter [AND parameter]]
bool StatementParser::Parameters(UpdateParameters* out) {
  if (!Accept(Keyword::kUsing)) return true;
  do {
    if (!OneParameter(out)) return false;
  } while (Accept(Keyword::kAnd));
  return true;
}

bool StatementParser::OneParameter(UpdateParameters* out) {
  const Position start = position();
  if (Accept(Keyword::kTtl)) {
    if (out->ttl) return Fail(start, "TTL is given twice");
    return IntegerOrMarker(&out->ttl.emplace());
  }
  if (Accept(Keyword::kTimestamp)) {
    if (out->timestamp) return Fail(start, "TIMESTAMP is given twice");
    out->ttl_first = out->ttl.has_value();
    return IntegerOrMarker(&out->timestamp.emplace());
  }
  return Unexpected();
}

// [IF EXISTS | IF condition [AND condition]...]. A column may be called exists.
bool StatementParser::Conditions(bool* if_exists, std::vector<Relation>* out) {
  if (!Accept(Keyword::kIf)) return true;
  const bool column_follows = !At(Keyword::kExists) || AtOperator(1);
  if (!column_follows) {
    Take();
    *if_exists = true;
    return true;
  }
  do {
    if (!ColumnRelation(/*condition=*/true, &out->emplace_back())) return false;
  } while (Accept(Keyword::kAnd));
  return true;
}

bool StatementParser::Batch(BatchStatement* out) {
  out->position = Take().position;
  if (Accept(Keyword::kUnlogged)) {
    out->type = BatchType::kUnlogged;
  } else if (Accept(Keyword::kCounter)) {
    out->type = BatchType::kCounter;
  }
  if (!Expect(Keyword::kBatch) || !Parameters(&out->parameters)) return false;
  while (!Accept(Keyword::kApply)) {
    if (!BatchedModification(&out->modifications.emplace_back())) return false;
    if (At(TokenKind::kSemicolon)) Take();
  }
  return Expect(Keyword::kBatch);
}

bool StatementParser::BatchedModification(BatchStatement::Modification* out) {
  switch (Peek().keyword) {
    case Keyword::kInsert:
      return Insert(&out->emplace<InsertStatement>());
    case Keyword::kUpdate:
      return Update(&out->emplace<UpdateStatement>());
    case Keyword::kDelete:
      return Delete(&out->emplace<DeleteStatement>());
    default:
      // None of them is there; the error names them all.
      return Accept(Keyword::kInsert) || Accept(Keyword::kUpdate) || Expect(Keyword::kDelete);
  }
}

}  // namespace tholos::cql
