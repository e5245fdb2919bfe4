#include <utility>

#include "cql/statement_parser.h"

namespace tholos::cql {

bool StatementParser::Describe(DescribeStatement* out) {
  out->position = Take().position;
  if (!DescribeTarget(out)) return false;
  out->with_internals = Accept(Keyword::kWith);
  return !out->with_internals || Expect(Keyword::kInternals);
}

bool StatementParser::DescribeTarget(DescribeStatement* out) {
  // A name that is qualified is no keyword.
  if (!At(TokenKind::kDot, 1) && (DescribeAll(out) || DescribeOne(out))) return status().ok();
  if (!status().ok()) return false;
  out->kind = DescribeStatement::Kind::kAny;
  if (!AtName()) return Unexpected("a name");
  return TableName(&out->target);
}

// The forms without a name.
bool StatementParser::DescribeAll(DescribeStatement* out) {
  using Kind = DescribeStatement::Kind;
  if (Accept(Keyword::kFull)) {
    out->full = true;
    out->kind = Kind::kSchema;
    return Expect(Keyword::kSchema);
  }
  const std::pair<Keyword, Kind> kForms[] = {
      {Keyword::kCluster, Kind::kCluster},      {Keyword::kSchema, Kind::kSchema},
      {Keyword::kKeyspaces, Kind::kKeyspaces},  {Keyword::kTables, Kind::kTables},
      {Keyword::kTypes, Kind::kTypes},          {Keyword::kFunctions, Kind::kFunctions},
      {Keyword::kAggregates, Kind::kAggregates}};
  for (const auto& [keyword, kind] : kForms) {
    out->kind = kind;
    if (Accept(keyword)) return true;
  }
  return false;
}

// A kind of thing and its name. False with a good status: it is none of these.
bool StatementParser::DescribeOne(DescribeStatement* out) {
  using Kind = DescribeStatement::Kind;
  if (Accept(Keyword::kOnly)) {
    out->only = true;
    out->kind = Kind::kKeyspace;
    if (!Expect(Keyword::kKeyspace)) return false;
  } else if (Accept(Keyword::kKeyspace)) {
    out->kind = Kind::kKeyspace;
  } else if (Accept(Keyword::kMaterialized)) {
    out->kind = Kind::kView;
    return Expect(Keyword::kView) && TableName(&out->target);
  } else {
    const std::pair<Keyword, Kind> kForms[] = {
        {Keyword::kTable, Kind::kTable},         {Keyword::kColumnFamily, Kind::kTable},
        {Keyword::kType, Kind::kType},           {Keyword::kFunction, Kind::kFunction},
        {Keyword::kAggregate, Kind::kAggregate}, {Keyword::kIndex, Kind::kIndex}};
    for (const auto& [keyword, kind] : kForms) {
      out->kind = kind;
      if (Accept(keyword)) return TableName(&out->target);
    }
    return false;
  }
  if (!AtName()) return true;  // the keyspace of the session
  Identifier keyspace;
  if (!KeyspaceName(&keyspace)) return false;
  out->target.position = keyspace.position;
  out->target.name = std::move(keyspace.name);
  return true;
}

}  // namespace tholos::cql
