#include <utility>

#include "cql/statement_parser.h"
#include "cql/text.h"

namespace tholos::cql {

bool StatementParser::CreateKeyspace(CreateKeyspaceStatement* out) {
  return IfNotExists(&out->if_not_exists) && KeyspaceName(&out->keyspace) &&
         KeyspaceOptions(&out->options);
}

bool StatementParser::AlterKeyspace(AlterKeyspaceStatement* out) {
  return IfExists(&out->if_exists) && KeyspaceName(&out->keyspace) &&
         KeyspaceOptions(&out->options);
}

bool StatementParser::KeyspaceOptions(std::vector<Option>* out) {
  if (!Expect(Keyword::kWith)) return false;
  do {
    if (!OneOption(out)) return false;
  } while (Accept(Keyword::kAnd));
  return true;
}

bool StatementParser::DropKeyspace(DropKeyspaceStatement* out) {
  return IfExists(&out->if_exists) && KeyspaceName(&out->keyspace);
}

// ---- CREATE TABLE ----

bool StatementParser::CreateTable(CreateTableStatement* out) {
  if (!IfNotExists(&out->if_not_exists) || !TableName(&out->table)) return false;
  if (At(Keyword::kLike)) return Unsupported(out->position, "CREATE TABLE LIKE");
  return ColumnsAndKey(out) && TableOptions(out);
}

// A comma may stand before the closing parenthesis.
bool StatementParser::ColumnsAndKey(CreateTableStatement* out) {
  if (!Expect(TokenKind::kLeftParen)) return false;
  do {
    const bool ok = At(Keyword::kPrimary) ? PrimaryKeyClause(out) : OneColumn(out);
    if (!ok) return false;
  } while (Accept(TokenKind::kComma) && !At(TokenKind::kRightParen));
  if (At(TokenKind::kRightParen) && out->primary_key.partition.empty()) {
    return Fail(position(), "expected a PRIMARY KEY, found ')'");
  }
  return Expect(TokenKind::kRightParen);
}

bool StatementParser::OneColumn(CreateTableStatement* out) {
  ColumnDefinition& column = out->columns.emplace_back();
  if (!NameTypeStatic(&column)) return false;
  PrimaryKey key;
  key.position = position();
  if (!Accept(Keyword::kPrimary)) return true;
  key.partition.push_back(column.name);
  return Expect(Keyword::kKey) && SetPrimaryKey(std::move(key), out);
}

bool StatementParser::NameTypeStatic(ColumnDefinition* out) {
  out->position = position();
  if (!ColumnName(&out->name) || !Type(&out->type)) return false;
  out->is_static = Accept(Keyword::kStatic);
  if (At(Keyword::kMasked)) return Unsupported(position(), "MASKED WITH");
  return true;
}

// PRIMARY KEY (a, b, c) or PRIMARY KEY ((a, b), c)
bool StatementParser::PrimaryKeyClause(CreateTableStatement* out) {
  PrimaryKey key;
  key.position = Take().position;
  if (!Expect(Keyword::kKey) || !Expect(TokenKind::kLeftParen)) return false;
  if (Accept(TokenKind::kLeftParen)) {
    if (!ColumnNames(&key.partition) || !Expect(TokenKind::kRightParen)) return false;
  } else {
    if (!ColumnName(&key.partition.emplace_back())) return false;
  }
  if (Accept(TokenKind::kComma) && !ColumnNames(&key.clustering)) return false;
  return Expect(TokenKind::kRightParen) && SetPrimaryKey(std::move(key), out);
}

bool StatementParser::SetPrimaryKey(PrimaryKey key, CreateTableStatement* out) {
  if (!out->primary_key.partition.empty()) {
    return Fail(key.position, "PRIMARY KEY is given twice");
  }
  out->primary_key = std::move(key);
  return true;
}

bool StatementParser::TableOptions(CreateTableStatement* out) {
  if (!Accept(Keyword::kWith)) return true;
  do {
    if (At(Keyword::kCompact) && At(Keyword::kStorage, 1)) {
      return Fail(position(), "COMPACT STORAGE is not supported");
    }
    const bool ok = At(Keyword::kClustering) && At(Keyword::kOrder, 1)
                        ? ClusteringOrder(&out->clustering_order)
                        : OneOption(&out->options);
    if (!ok) return false;
  } while (Accept(Keyword::kAnd));
  return true;
}

bool StatementParser::ClusteringOrder(std::vector<Ordering>* out) {
  if (!out->empty()) return Fail(position(), "CLUSTERING ORDER BY is given twice");
  Take();
  Take();
  if (!Expect(Keyword::kBy) || !Expect(TokenKind::kLeftParen)) return false;
  do {
    if (!OneOrdering(&out->emplace_back())) return false;
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kRightParen);
}

// ---- options ----

bool StatementParser::OneOption(std::vector<Option>* out) {
  Identifier name;
  if (!Name("an option name", &name)) return false;
  if (!option_names_.insert(name.name).second) {
    return Fail(name.position,
                Concat({"option ", Abbreviate(QuoteName(name.name)), " is given twice"}));
  }
  Option& option = out->emplace_back();
  option.position = name.position;
  option.name = std::move(name.name);
  return Expect(TokenKind::kEqual) && OptionValue(&option.value);
}

bool StatementParser::OptionValue(Term* out) {
  if (!At(TokenKind::kLeftBrace)) return OptionLiteral("a literal or a map of literals", out);
  auto& map = out->value.emplace<MapLiteral>();
  map.position = Take().position;
  if (At(TokenKind::kRightBrace)) {
    Take();
    return true;
  }
  do {
    MapEntry& entry = map.entries.emplace_back();
    if (!OptionLiteral("a literal", &entry.key) || !Expect(TokenKind::kColon) ||
        !OptionLiteral("a literal", &entry.value)) {
      return false;
    }
  } while (Accept(TokenKind::kComma));
  return Expect(TokenKind::kRightBrace);
}

bool StatementParser::OptionLiteral(std::string_view what, Term* out) {
  if (!AtLiteral()) return Unexpected(what);
  out->value = TakeLiteral();
  return true;
}

// ---- the rest ----

bool StatementParser::DropTable(DropTableStatement* out) {
  return IfExists(&out->if_exists) && TableName(&out->table);
}

bool StatementParser::Truncate(TruncateStatement* out) {
  out->position = Take().position;
  if (!Accept(Keyword::kTable)) Accept(Keyword::kColumnFamily);
  return TableName(&out->table);
}

bool StatementParser::Use(UseStatement* out) {
  out->position = Take().position;
  return KeyspaceName(&out->keyspace);
}

}  // namespace tholos::cql
