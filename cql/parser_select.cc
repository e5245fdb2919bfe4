#include "cql/statement_parser.h"

namespace tholos::cql {

bool StatementParser::Select(SelectStatement* out) {
  out->position = Take().position;
  return SelectModifiers(out) && SelectItems(&out->items) && Expect(Keyword::kFrom) &&
         TableName(&out->table) && SelectTail(out);
}

bool StatementParser::SelectModifiers(SelectStatement* out) {
  if (IsModifier(Keyword::kJson)) {
    Take();
    out->json = true;
  }
  if (IsModifier(Keyword::kDistinct)) {
    Take();
    out->distinct = true;
  }
  return true;
}

// DISTINCT and JSON can also be columns. They are modifiers where a selector follows:
//
//   SELECT DISTINCT k FROM t     modifier      SELECT distinct FROM t         column
//   SELECT DISTINCT as FROM t    modifier      SELECT distinct AS d FROM t    column
//   SELECT JSON * FROM t         modifier      SELECT json * 2 FROM t         column
//   SELECT DISTINCT -k FROM t    modifier      SELECT distinct + 1 FROM t     column
bool StatementParser::IsModifier(Keyword keyword) const {
  if (!At(keyword)) return false;
  if (At(Keyword::kAs, 1) && AtName(2)) return false;
  switch (Peek(1).kind) {
    case TokenKind::kWord:
      return !At(Keyword::kFrom, 1);
    case TokenKind::kStar:
      return At(Keyword::kFrom, 2);
    case TokenKind::kEnd:
    case TokenKind::kComma:
    case TokenKind::kDot:
    case TokenKind::kPlus:
    case TokenKind::kSlash:
    case TokenKind::kPercent:
      return false;
    default:
      return true;
  }
}

bool StatementParser::SelectItems(std::vector<SelectItem>* out) {
  if (Accept(TokenKind::kStar)) return true;
  do {
    SelectItem& item = out->emplace_back();
    item.position = position();
    if (!AnySelector(&item.selector)) return false;
    if (Accept(Keyword::kAs) && !Name("an alias", &item.alias.emplace())) return false;
  } while (Accept(TokenKind::kComma));
  return true;
}

// What follows the table, in the one order the language has.
bool StatementParser::SelectTail(SelectStatement* out) {
  if (Accept(Keyword::kWhere) && !Relations(&out->where)) return false;
  if (Accept(Keyword::kGroup) && !GroupBy(&out->group_by)) return false;
  if (Accept(Keyword::kOrder) && !OrderBy(&out->order_by)) return false;
  if (Accept(Keyword::kPer)) {
    if (!Expect(Keyword::kPartition) || !Expect(Keyword::kLimit) ||
        !IntegerOrMarker(&out->per_partition_limit.emplace())) {
      return false;
    }
  }
  if (Accept(Keyword::kLimit) && !IntegerOrMarker(&out->limit.emplace())) return false;
  out->allow_filtering = Accept(Keyword::kAllow);
  return !out->allow_filtering || Expect(Keyword::kFiltering);
}

bool StatementParser::GroupBy(std::vector<Selector>* out) {
  if (!Expect(Keyword::kBy)) return false;
  do {
    if (!AnySelector(&out->emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return true;
}

bool StatementParser::OrderBy(std::vector<Ordering>* out) {
  if (!Expect(Keyword::kBy)) return false;
  do {
    if (!OneOrdering(&out->emplace_back())) return false;
    if (At(Keyword::kAnn)) return Unsupported(position(), "ANN OF");
  } while (Accept(TokenKind::kComma));
  return true;
}

bool StatementParser::OneOrdering(Ordering* out) {
  out->position = position();
  if (!ColumnName(&out->column)) return false;
  out->descending = !Accept(Keyword::kAsc) && Accept(Keyword::kDesc);
  return true;
}

}  // namespace tholos::cql
