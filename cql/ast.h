// What a CQL statement says, before anything is known of the schema: names are not resolved, types
// not checked, values not decoded. Made by Parse() (parser.h), read by the analysis of statements,
// printed by ToCql(). Names, types and terms are in ast_terms.h.
//
// Every node is a regular value: it copies deeply and compares by what it says. The position in the
// text is carried along for error messages and does not take part in comparisons.
//
// A tree is at most three times as deep as the parser's nesting limit (64), so recursion over one
// is safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cql/ast_terms.h"
#include "cql/batch_type.h"

namespace tholos::cql {

// ---- clauses ----

struct SelectItem : Node {
  Selector selector;
  std::optional<Identifier> alias;

  friend bool operator==(const SelectItem&, const SelectItem&) = default;
};

enum class Operator : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kIn,
  kContains,
  kContainsKey,
  kLike,
  kIsNotNull,
};

// The CQL spelling: "<=", "CONTAINS KEY".
std::string_view ToString(Operator op);

// What follows IN in parentheses; may be empty.
struct TermList : Node {
  std::vector<Term> terms;

  friend bool operator==(const TermList&, const TermList&) = default;
};

// One condition of WHERE or IF.
//
//   text                        left     columns   op          right
//   c >= 1                      kColumn  c         >=          Term
//   c IN (1, ?)                 kColumn  c         IN          TermList
//   c IN ?                      kColumn  c         IN          Term, a BindMarker
//   c CONTAINS KEY 'k'          kColumn  c         kContainsKey Term
//   (a, b) > (1, 2)             kTuple   a, b      >           Term: a TupleLiteral or a BindMarker
//   (a, b) IN ((1, 2), ?)       kTuple   a, b      IN          TermList of such terms
//   token(a, b) > token(1, 2)   kToken   a, b      >           Term
//   m['k'] = 1                  kElement m         =           Term; 'k' in `key`
//   u.f IN (1, 2)               kField   u         IN          TermList; f in `field`
//   c IS NOT NULL               kColumn  c         kIsNotNull  Term: null
//
// kField stands only in IF; LIKE, CONTAINS and IS NOT NULL only with kColumn; IN with kElement
// only in IF.
struct Relation : Node {
  enum class Left : uint8_t { kColumn, kTuple, kToken, kElement, kField };
  Left left = Left::kColumn;
  std::vector<Identifier> columns;  // at least one for kTuple and kToken, else one
  std::optional<Term> key;
  Identifier field;
  Operator op = Operator::kEqual;
  std::variant<Term, TermList> right;

  friend bool operator==(const Relation&, const Relation&) = default;
};

// USING TTL n AND TIMESTAMP n. Each term is an integer Literal or a BindMarker.
struct UpdateParameters {
  std::optional<Term> timestamp;  // microseconds since 1970
  std::optional<Term> ttl;        // seconds
  bool ttl_first = false;         // both are given, and TTL comes first in the text

  friend bool operator==(const UpdateParameters&, const UpdateParameters&) = default;
};

struct Ordering : Node {
  Identifier column;
  bool descending = false;

  friend bool operator==(const Ordering&, const Ordering&) = default;
};

// name = value after WITH. The value is a Literal, or a MapLiteral of Literals; names are distinct
// in a statement.
struct Option : Node {
  std::string name;  // folded like any name
  Term value;

  friend bool operator==(const Option&, const Option&) = default;
};

// ---- statements ----

struct CreateKeyspaceStatement : Node {
  bool if_not_exists = false;
  Identifier keyspace;
  std::vector<Option> options;  // at least one

  friend bool operator==(const CreateKeyspaceStatement&, const CreateKeyspaceStatement&) = default;
};

struct AlterKeyspaceStatement : Node {
  bool if_exists = false;
  Identifier keyspace;
  std::vector<Option> options;  // at least one

  friend bool operator==(const AlterKeyspaceStatement&, const AlterKeyspaceStatement&) = default;
};

struct DropKeyspaceStatement : Node {
  bool if_exists = false;
  Identifier keyspace;

  friend bool operator==(const DropKeyspaceStatement&, const DropKeyspaceStatement&) = default;
};

struct ColumnDefinition : Node {
  Identifier name;
  TypeName type;
  bool is_static = false;

  friend bool operator==(const ColumnDefinition&, const ColumnDefinition&) = default;
};

// `k int PRIMARY KEY` and `PRIMARY KEY (k)` come out alike.
struct PrimaryKey : Node {
  std::vector<Identifier> partition;  // at least one
  std::vector<Identifier> clustering;

  friend bool operator==(const PrimaryKey&, const PrimaryKey&) = default;
};

struct CreateTableStatement : Node {
  bool if_not_exists = false;
  QualifiedName table;
  std::vector<ColumnDefinition> columns;  // in the order of the text; names may repeat
  PrimaryKey primary_key;
  std::vector<Ordering> clustering_order;  // empty: not given
  std::vector<Option> options;

  friend bool operator==(const CreateTableStatement&, const CreateTableStatement&) = default;
};

struct DropTableStatement : Node {
  bool if_exists = false;
  QualifiedName table;

  friend bool operator==(const DropTableStatement&, const DropTableStatement&) = default;
};

struct Rename : Node {  // from TO to
  Identifier from;
  Identifier to;

  friend bool operator==(const Rename&, const Rename&) = default;
};

//   kAdd      ADD [IF NOT EXISTS] (a int, b text STATIC)      columns
//   kDrop     DROP [IF EXISTS] (a, b) [USING TIMESTAMP n]      names, timestamp
//   kRename   RENAME [IF EXISTS] a TO b AND c TO d             renames
//   kAlter    ALTER [IF EXISTS] a TYPE int                     columns (one)
//   kOptions  WITH gc_grace_seconds = 1 AND ...                options
struct AlterTableStatement : Node {
  enum class Kind : uint8_t { kAdd, kDrop, kRename, kAlter, kOptions };
  bool if_exists = false;
  QualifiedName table;
  Kind kind = Kind::kAdd;
  bool if_column = false;  // kAdd: IF NOT EXISTS; kDrop, kRename, kAlter: IF EXISTS
  std::vector<ColumnDefinition> columns;
  std::vector<Identifier> names;
  std::optional<Term> timestamp;  // an integer Literal
  std::vector<Rename> renames;
  std::vector<Option> options;

  friend bool operator==(const AlterTableStatement&, const AlterTableStatement&) = default;
};

struct FieldDefinition : Node {
  Identifier name;
  TypeName type;

  friend bool operator==(const FieldDefinition&, const FieldDefinition&) = default;
};

struct CreateTypeStatement : Node {
  bool if_not_exists = false;
  QualifiedName type;
  std::vector<FieldDefinition> fields;  // at least one; names may repeat

  friend bool operator==(const CreateTypeStatement&, const CreateTypeStatement&) = default;
};

//   kAdd      ADD [IF NOT EXISTS] a int        field
//   kAlter    ALTER [IF EXISTS] a TYPE int     field
//   kRename   RENAME [IF EXISTS] a TO b AND .. renames
struct AlterTypeStatement : Node {
  enum class Kind : uint8_t { kAdd, kAlter, kRename };
  bool if_exists = false;
  QualifiedName type;
  Kind kind = Kind::kAdd;
  bool if_field = false;
  FieldDefinition field;
  std::vector<Rename> renames;

  friend bool operator==(const AlterTypeStatement&, const AlterTypeStatement&) = default;
};

struct DropTypeStatement : Node {
  bool if_exists = false;
  QualifiedName type;

  friend bool operator==(const DropTypeStatement&, const DropTypeStatement&) = default;
};

struct TruncateStatement : Node {
  QualifiedName table;

  friend bool operator==(const TruncateStatement&, const TruncateStatement&) = default;
};

struct UseStatement : Node {
  Identifier keyspace;

  friend bool operator==(const UseStatement&, const UseStatement&) = default;
};

// INSERT INTO t (a, b) VALUES (1, 2), or INSERT INTO t JSON '{"a": 1}' DEFAULT UNSET.
struct InsertStatement : Node {
  QualifiedName table;
  std::vector<Identifier> columns;  // at least one, unless JSON
  std::vector<Term> values;  // at least one; their number is not checked against the columns'
  std::optional<Term> json;  // a string Literal or a BindMarker
  bool json_default_unset = false;  // columns that the JSON does not name stay as they are
  bool if_not_exists = false;
  UpdateParameters parameters;

  friend bool operator==(const InsertStatement&, const InsertStatement&) = default;
};

//   kSet      c = value
//   kAppend   c = c + value, c += value
//   kPrepend  c = value + c
//   kRemove   c = c - value, c -= value
//   kElement  c[key] = value
//   kField    c.field = value
struct Assignment : Node {
  enum class Kind : uint8_t { kSet, kAppend, kPrepend, kRemove, kElement, kField };
  Kind kind = Kind::kSet;
  Identifier column;
  std::optional<Term> key;
  Identifier field;
  Term value;

  friend bool operator==(const Assignment&, const Assignment&) = default;
};

struct UpdateStatement : Node {
  QualifiedName table;
  UpdateParameters parameters;
  std::vector<Assignment> assignments;  // at least one
  std::vector<Relation> where;          // at least one
  bool if_exists = false;
  std::vector<Relation> conditions;  // IF ...; all kColumn; empty with if_exists

  friend bool operator==(const UpdateStatement&, const UpdateStatement&) = default;
};

// c, c[key] or c.field.
struct DeleteTarget : Node {
  Identifier column;
  std::optional<Term> key;
  std::optional<Identifier> field;

  friend bool operator==(const DeleteTarget&, const DeleteTarget&) = default;
};

struct DeleteStatement : Node {
  std::vector<DeleteTarget> targets;  // empty: whole rows
  QualifiedName table;
  UpdateParameters parameters;  // no ttl
  std::vector<Relation> where;  // at least one
  bool if_exists = false;
  std::vector<Relation> conditions;  // as in UpdateStatement

  friend bool operator==(const DeleteStatement&, const DeleteStatement&) = default;
};

struct SelectStatement : Node {
  bool json = false;
  bool distinct = false;
  std::vector<SelectItem> items;  // empty: *
  QualifiedName table;
  std::vector<Relation> where;
  std::vector<Selector> group_by;
  std::vector<Ordering> order_by;
  std::optional<Term> per_partition_limit;  // an integer Literal or a BindMarker, as is limit
  std::optional<Term> limit;
  bool allow_filtering = false;

  friend bool operator==(const SelectStatement&, const SelectStatement&) = default;
};

struct BatchStatement : Node {
  using Modification = std::variant<InsertStatement, UpdateStatement, DeleteStatement>;

  BatchType type = BatchType::kLogged;
  UpdateParameters parameters;
  std::vector<Modification> modifications;  // may be empty

  friend bool operator==(const BatchStatement&, const BatchStatement&) = default;
};

//   kAny       a keyspace, table, index or view, whichever has the name
//   kKeyspace  without a name: that of the session
struct DescribeStatement : Node {
  enum class Kind : uint8_t {
    kCluster,
    kSchema,
    kKeyspaces,
    kTables,
    kTypes,
    kFunctions,
    kAggregates,
    kKeyspace,
    kTable,
    kType,
    kFunction,
    kAggregate,
    kIndex,
    kView,
    kAny,
  };
  Kind kind = Kind::kKeyspaces;
  bool full = false;     // FULL SCHEMA: system keyspaces too
  bool only = false;     // ONLY KEYSPACE: without what is in it
  QualifiedName target;  // from kKeyspace on; a keyspace in `name`
  bool with_internals = false;

  friend bool operator==(const DescribeStatement&, const DescribeStatement&) = default;
};

using Statement =
    std::variant<SelectStatement, InsertStatement, UpdateStatement, DeleteStatement, BatchStatement,
                 UseStatement, CreateKeyspaceStatement, AlterKeyspaceStatement,
                 DropKeyspaceStatement, CreateTableStatement, AlterTableStatement,
                 DropTableStatement, CreateTypeStatement, AlterTypeStatement, DropTypeStatement,
                 TruncateStatement, DescribeStatement>;

// ---- printing ----

// Canonical CQL: keywords in upper case, single blanks, no comments and no closing semicolon, names
// quoted only where they have to be. What the parser made prints as a text that parses to an equal
// tree with equal bind markers.
std::string ToCql(const Statement& statement);
std::string ToCql(const Term& term);
std::string ToCql(const TypeName& type);
std::string ToCql(const Relation& relation);
std::string ToCql(const QualifiedName& name);

// `name` as CQL writes it: in double quotes unless it is lower case and not reserved. `as`,
// `distinct` and `json` are quoted too: they are names, but misleading ones in SELECT.
std::string QuoteName(std::string_view name);

// `text` as a CQL string: in single quotes, those inside doubled.
std::string QuoteString(std::string_view text);

}  // namespace tholos::cql
