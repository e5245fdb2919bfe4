#include "cql/parser.h"

#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "cql/statement_parser.h"
#include "cql/text.h"

namespace tholos::cql {

absl::StatusOr<ParsedStatement> Parse(std::string_view text, const ParseOptions& options) {
  if (text.size() > options.statement_bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s the statement has %d bytes, the limit is %d", ToString(options.start),
                        text.size(), options.statement_bytes_max));
  }
  StatementParser parser(text, options);
  ParsedStatement parsed;
  if (!parser.ParseAll(&parsed)) return parser.status();
  return parsed;
}

bool StatementParser::ParseAll(ParsedStatement* out) {
  if (!AnyStatement(&out->statement)) return false;
  while (At(TokenKind::kSemicolon)) Take();
  if (!At(TokenKind::kEnd)) return Unexpected("end of statement");
  out->markers = std::move(markers_);
  return true;
}

bool StatementParser::AnyStatement(Statement* out) {
  switch (Peek().keyword) {
    case Keyword::kSelect:
      return Select(&out->emplace<SelectStatement>());
    case Keyword::kInsert:
      return Insert(&out->emplace<InsertStatement>());
    case Keyword::kUpdate:
      return Update(&out->emplace<UpdateStatement>());
    case Keyword::kDelete:
      return Delete(&out->emplace<DeleteStatement>());
    case Keyword::kBegin:
      return Batch(&out->emplace<BatchStatement>());
    case Keyword::kUse:
      return Use(&out->emplace<UseStatement>());
    case Keyword::kCreate:
      return Create(out);
    case Keyword::kDrop:
      return Drop(out);
    case Keyword::kTruncate:
      return Truncate(&out->emplace<TruncateStatement>());
    case Keyword::kDescribe:
    case Keyword::kDesc:
      return Describe(&out->emplace<DescribeStatement>());
    case Keyword::kAlter:
      return Alter(out);
    case Keyword::kGrant:
    case Keyword::kRevoke:
    case Keyword::kList:
      return Unsupported(position(), Spelling(Peek().keyword));
    default:
      return Unexpected("a statement");
  }
}

namespace {

template <typename T>
T* Start(Position start, Statement* out) {
  T& statement = out->emplace<T>();
  statement.position = start;
  return &statement;
}

}  // namespace

bool StatementParser::Create(Statement* out) {
  const Position start = Take().position;
  if (Accept(Keyword::kKeyspace) || Accept(Keyword::kSchema)) {
    return CreateKeyspace(Start<CreateKeyspaceStatement>(start, out));
  }
  if (Accept(Keyword::kTable) || Accept(Keyword::kColumnFamily)) {
    return CreateTable(Start<CreateTableStatement>(start, out));
  }
  if (Accept(Keyword::kType)) return CreateType(Start<CreateTypeStatement>(start, out));
  return UnsupportedObject("CREATE ", start);
}

bool StatementParser::Alter(Statement* out) {
  const Position start = Take().position;
  if (Accept(Keyword::kKeyspace) || Accept(Keyword::kSchema)) {
    return AlterKeyspace(Start<AlterKeyspaceStatement>(start, out));
  }
  if (Accept(Keyword::kTable) || Accept(Keyword::kColumnFamily)) {
    return AlterTable(Start<AlterTableStatement>(start, out));
  }
  if (Accept(Keyword::kType)) return AlterType(Start<AlterTypeStatement>(start, out));
  return UnsupportedObject("ALTER ", start);
}

bool StatementParser::Drop(Statement* out) {
  const Position start = Take().position;
  if (Accept(Keyword::kKeyspace) || Accept(Keyword::kSchema)) {
    return DropKeyspace(Start<DropKeyspaceStatement>(start, out));
  }
  if (Accept(Keyword::kTable) || Accept(Keyword::kColumnFamily)) {
    return DropTable(Start<DropTableStatement>(start, out));
  }
  if (Accept(Keyword::kType)) return DropType(Start<DropTypeStatement>(start, out));
  return UnsupportedObject("DROP ", start);
}

bool StatementParser::UnsupportedObject(std::string_view verb, Position start) {
  if (At(Keyword::kOr) && At(Keyword::kReplace, 1)) {
    return Unsupported(start, Concat({verb, "OR REPLACE"}));
  }
  switch (Peek().keyword) {
    case Keyword::kMaterialized:
      return Unsupported(start, Concat({verb, "MATERIALIZED VIEW"}));
    case Keyword::kCustom:
      return Unsupported(start, Concat({verb, "CUSTOM INDEX"}));
    case Keyword::kAggregate:
    case Keyword::kFunction:
    case Keyword::kIdentity:
    case Keyword::kIndex:
    case Keyword::kRole:
    case Keyword::kTrigger:
    case Keyword::kUser:
      return Unsupported(start, Concat({verb, Spelling(Peek().keyword)}));
    default:
      return Unexpected();
  }
}

bool StatementParser::Level::ok() const {
  const int depth_max = parser_->options_.nesting_depth_max;
  if (parser_->depth_ <= depth_max) return true;
  return parser_->Exceeded(parser_->position(),
                           absl::StrFormat("nesting is deeper than %d levels", depth_max));
}

}  // namespace tholos::cql
