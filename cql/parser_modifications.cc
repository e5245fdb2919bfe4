#include "cql/statement_parser.h"

namespace tholos::cql {

bool StatementParser::Insert(InsertStatement* out) {
  out->position = Take().position;
  if (!Expect(Keyword::kInto) || !TableName(&out->table)) return false;
  if (At(Keyword::kJson)) return Unsupported(out->position, "INSERT JSON");
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
  out->position = position();
  if (!ColumnName(&out->column)) return false;
  switch (Peek().kind) {
    case TokenKind::kPlusEqual:
    case TokenKind::kMinusEqual:
      return Unsupported(position(), "changing a column relative to its value");
    case TokenKind::kLeftBracket:
    case TokenKind::kDot:
      return Unsupported(position(), "changing a part of a column");
    default:
      break;
  }
  if (!Expect(TokenKind::kEqual)) return false;
  if (AtName() && !AtFunctionCall()) {
    return Unsupported(position(), "a value computed from a column");
  }
  if (!AnyTerm(&out->value)) return false;
  if (At(TokenKind::kPlus) || At(TokenKind::kMinus)) return Unsupported(position(), "arithmetic");
  return true;
}

bool StatementParser::Delete(DeleteStatement* out) {
  out->position = Take().position;
  if (!At(Keyword::kFrom)) {
    if (!ColumnNames(&out->columns)) return false;
    if (At(TokenKind::kLeftBracket) || At(TokenKind::kDot)) {
      return Unsupported(position(), "deleting a part of a column");
    }
  }
  if (!Expect(Keyword::kFrom) || !TableName(&out->table)) return false;
  if (Accept(Keyword::kUsing)) {
    auto& timestamp = out->parameters.timestamp.emplace();
    if (!Expect(Keyword::kTimestamp) || !IntegerOrMarker(&timestamp)) return false;
  }
  return Expect(Keyword::kWhere) && Relations(&out->where) &&
         Conditions(&out->if_exists, &out->conditions);
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
    if (!ColumnRelation(&out->emplace_back())) return false;
  } while (Accept(Keyword::kAnd));
  return true;
}

bool StatementParser::Batch(BatchStatement* out) {
  out->position = Take().position;
  if (At(Keyword::kCounter)) return Unsupported(out->position, "BEGIN COUNTER BATCH");
  out->unlogged = Accept(Keyword::kUnlogged);
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
