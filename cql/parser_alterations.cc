#include <utility>

#include "cql/statement_parser.h"

namespace tholos::cql {

// ---- user-defined types ----

bool StatementParser::TypeNameOf(QualifiedName* out) {
  Identifier name;
  if (!Name("a type name", &name)) return false;
  out->position = name.position;
  if (At(TokenKind::kDot)) {
    Take();
    out->keyspace = std::move(name.name);
    if (!Name("a type name", &name)) return false;
  }
  out->name = std::move(name.name);
  return true;
}

bool StatementParser::CreateType(CreateTypeStatement* out) {
  if (!IfNotExists(&out->if_not_exists) || !TypeNameOf(&out->type) ||
      !Expect(TokenKind::kLeftParen)) {
    return false;
  }
  do {
    FieldDefinition& field = out->fields.emplace_back();
    field.position = position();
    if (!Name("a field name", &field.name) || !Type(&field.type)) return false;
  } while (Accept(TokenKind::kComma) && !At(TokenKind::kRightParen));
  return Expect(TokenKind::kRightParen);
}

bool StatementParser::AlterType(AlterTypeStatement* out) {
  using Kind = AlterTypeStatement::Kind;
  if (!IfExists(&out->if_exists) || !TypeNameOf(&out->type)) return false;
  FieldDefinition& field = out->field;
  if (Accept(Keyword::kAdd)) {
    out->kind = Kind::kAdd;
    if (!IfNotExists(&out->if_field)) return false;
    field.position = position();
    return Name("a field name", &field.name) && Type(&field.type);
  }
  if (Accept(Keyword::kRename)) {
    out->kind = Kind::kRename;
    return IfExists(&out->if_field) && Renames(&out->renames);
  }
  out->kind = Kind::kAlter;
  if (!Expect(Keyword::kAlter) || !IfExists(&out->if_field)) return false;
  field.position = position();
  return Name("a field name", &field.name) && Expect(Keyword::kType) && Type(&field.type);
}

bool StatementParser::DropType(DropTypeStatement* out) {
  return IfExists(&out->if_exists) && TypeNameOf(&out->type);
}

// a TO b [AND c TO d]...
bool StatementParser::Renames(std::vector<Rename>* out) {
  do {
    Rename& rename = out->emplace_back();
    rename.position = position();
    if (!ColumnName(&rename.from) || !Expect(Keyword::kTo) || !ColumnName(&rename.to)) return false;
  } while (Accept(Keyword::kAnd));
  return true;
}

// ---- ALTER TABLE ----

bool StatementParser::AlterTable(AlterTableStatement* out) {
  using Kind = AlterTableStatement::Kind;
  if (!IfExists(&out->if_exists) || !TableName(&out->table)) return false;
  if (Accept(Keyword::kAdd)) {
    out->kind = Kind::kAdd;
    return AddColumns(out);
  }
  if (Accept(Keyword::kDrop)) {
    out->kind = Kind::kDrop;
    return DropColumns(out);
  }
  if (Accept(Keyword::kRename)) {
    out->kind = Kind::kRename;
    return IfExists(&out->if_column) && Renames(&out->renames);
  }
  if (Accept(Keyword::kAlter)) {
    out->kind = Kind::kAlter;
    return AlterColumn(out);
  }
  out->kind = Kind::kOptions;
  return KeyspaceOptions(&out->options);
}

// a int [STATIC] or (a int [STATIC], ...)
bool StatementParser::AddColumns(AlterTableStatement* out) {
  if (!IfNotExists(&out->if_column)) return false;
  if (!Accept(TokenKind::kLeftParen)) return NameTypeStatic(&out->columns.emplace_back());
  do {
    if (!NameTypeStatic(&out->columns.emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kRightParen);
}

// a or (a, b), [USING TIMESTAMP n]
bool StatementParser::DropColumns(AlterTableStatement* out) {
  if (At(Keyword::kCompact) && At(Keyword::kStorage, 1)) {
    return Fail(position(), "DROP COMPACT STORAGE is not supported");
  }
  if (!IfExists(&out->if_column)) return false;
  if (Accept(TokenKind::kLeftParen)) {
    if (!ColumnNames(&out->names) || !Expect(TokenKind::kRightParen)) return false;
  } else if (!ColumnName(&out->names.emplace_back())) {
    return false;
  }
  if (!Accept(Keyword::kUsing)) return true;
  if (!Expect(Keyword::kTimestamp)) return false;
  if (!At(TokenKind::kInteger)) return Unexpected("an integer");
  out->timestamp.emplace().value = TakeLiteral();
  return true;
}

bool StatementParser::AlterColumn(AlterTableStatement* out) {
  if (!IfExists(&out->if_column)) return false;
  ColumnDefinition& column = out->columns.emplace_back();
  column.position = position();
  if (!ColumnName(&column.name)) return false;
  if (At(Keyword::kMasked)) return Unsupported(position(), "MASKED WITH");
  if (At(Keyword::kDrop)) return Unsupported(position(), "DROP MASKED");
  return Expect(Keyword::kType) && Type(&column.type);
}

}  // namespace tholos::cql
