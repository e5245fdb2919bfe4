// What a CQL statement says, before anything is known of the schema: names are not resolved, types
// not checked, values not decoded. Made by Parse() (parser.h), read by the analysis of statements,
// printed by ToCql().
//
// Every node is a regular value: it copies deeply and compares by what it says. The position in the
// text is carried along for error messages and does not take part in comparisons.
//
// A tree is at most as deep as the parser's nesting limit (64), so recursion over one is safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cql/position.h"

namespace tholos::cql {

// The base of all nodes: where its first token stands.
struct Node {
  Position position;

  // Two nodes do not differ by where they stand.
  friend bool operator==(const Node&, const Node&) { return true; }
};

// ---- names and types ----

// A name, folded to lower case unless it was double quoted. Never empty.
struct Identifier : Node {
  std::string name;

  friend bool operator==(const Identifier&, const Identifier&) = default;
};

// A table or function: [keyspace.]name.
struct QualifiedName : Node {
  std::string keyspace;  // empty: not given
  std::string name;

  friend bool operator==(const QualifiedName&, const QualifiedName&) = default;
};

// int, map<text, frozen<list<int>>>, ks.my_type. Any name and any parameters parse; whether the
// type exists is for the analysis to say.
struct TypeName : Node {
  std::string keyspace;  // empty: not given
  std::string name;
  bool quoted = false;  // "int" in double quotes is a user-defined type, not the native one
  std::vector<TypeName> params;

  friend bool operator==(const TypeName&, const TypeName&) = default;
};

// ---- terms ----

struct Term;
struct MapEntry;

//   kind      text
//   kString   the contents, unescaped (of '...' and $$...$$ alike)
//   kInteger  as written: -?[0-9]+, of any length
//   kFloat    as written, or "NaN", "Infinity", "-Infinity"
//   kBoolean  "true" or "false"
//   kUuid     lower case
//   kBlob     the hexadecimal digits in lower case, without 0x; an even number of them
struct Literal : Node {
  enum class Kind : uint8_t { kString, kInteger, kFloat, kBoolean, kUuid, kBlob };
  Kind kind = Kind::kString;
  std::string text;

  friend bool operator==(const Literal&, const Literal&) = default;
};

struct NullLiteral : Node {
  friend bool operator==(const NullLiteral&, const NullLiteral&) = default;
};

// `?`, or `:name`. A name used twice makes two markers.
struct BindMarker : Node {
  int index = 0;     // from 0, in the order of the text
  std::string name;  // empty for `?`

  friend bool operator==(const BindMarker&, const BindMarker&) = default;
};

struct FunctionCall : Node {
  QualifiedName function;
  std::vector<Term> arguments;

  friend bool operator==(const FunctionCall&, const FunctionCall&);
};

struct ListLiteral : Node {  // [1, 2]
  std::vector<Term> elements;

  friend bool operator==(const ListLiteral&, const ListLiteral&);
};

struct SetLiteral : Node {  // {1, 2}; {} is an empty set or map, as the column says
  std::vector<Term> elements;

  friend bool operator==(const SetLiteral&, const SetLiteral&);
};

struct MapLiteral : Node {  // {'a': 1}; empty only as the value of an Option
  std::vector<MapEntry> entries;

  friend bool operator==(const MapLiteral&, const MapLiteral&);
};

struct TupleLiteral : Node {  // (1, 'a'); never empty
  std::vector<Term> elements;

  friend bool operator==(const TupleLiteral&, const TupleLiteral&);
};

// A value as a statement writes it.
struct Term {
  std::variant<NullLiteral, Literal, BindMarker, FunctionCall, ListLiteral, SetLiteral, MapLiteral,
               TupleLiteral>
      value;

  Position position() const;

  friend bool operator==(const Term&, const Term&) = default;
};

struct MapEntry {
  Term key;
  Term value;

  friend bool operator==(const MapEntry&, const MapEntry&) = default;
};

// ---- selectors ----

struct Selector;

struct CountRows : Node {  // count(*); count(1) is a SelectorCall like any other
  friend bool operator==(const CountRows&, const CountRows&) = default;
};

// min(v), writetime(v), ttl(v), token(a, b), ks.f(v, 1): writetime and ttl are functions like any
// other here.
struct SelectorCall : Node {
  QualifiedName function;
  std::vector<Selector> arguments;

  friend bool operator==(const SelectorCall&, const SelectorCall&);
};

// What SELECT computes; an Identifier is a column.
struct Selector {
  std::variant<Identifier, CountRows, SelectorCall, NullLiteral, Literal, BindMarker> value;

  Position position() const;

  friend bool operator==(const Selector&, const Selector&) = default;
};

struct SelectItem : Node {
  Selector selector;
  std::optional<Identifier> alias;

  friend bool operator==(const SelectItem&, const SelectItem&) = default;
};

// ---- clauses ----

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
struct Relation : Node {
  enum class Left : uint8_t { kColumn, kTuple, kToken };
  Left left = Left::kColumn;
  std::vector<Identifier> columns;  // one for kColumn, else at least one
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

struct TruncateStatement : Node {
  QualifiedName table;

  friend bool operator==(const TruncateStatement&, const TruncateStatement&) = default;
};

struct UseStatement : Node {
  Identifier keyspace;

  friend bool operator==(const UseStatement&, const UseStatement&) = default;
};

struct InsertStatement : Node {
  QualifiedName table;
  std::vector<Identifier> columns;  // at least one
  std::vector<Term> values;  // at least one; their number is not checked against the columns'
  bool if_not_exists = false;
  UpdateParameters parameters;

  friend bool operator==(const InsertStatement&, const InsertStatement&) = default;
};

struct Assignment : Node {
  Identifier column;
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

struct DeleteStatement : Node {
  std::vector<Identifier> columns;  // empty: whole rows
  QualifiedName table;
  UpdateParameters parameters;  // no ttl
  std::vector<Relation> where;  // at least one
  bool if_exists = false;
  std::vector<Relation> conditions;  // as in UpdateStatement

  friend bool operator==(const DeleteStatement&, const DeleteStatement&) = default;
};

struct SelectStatement : Node {
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

  bool unlogged = false;
  UpdateParameters parameters;
  std::vector<Modification> modifications;  // may be empty

  friend bool operator==(const BatchStatement&, const BatchStatement&) = default;
};

struct DescribeStatement : Node {
  enum class Kind : uint8_t { kKeyspaces, kTables, kSchema, kCluster, kKeyspace, kTable };
  Kind kind = Kind::kKeyspaces;
  QualifiedName target;  // kTable; kKeyspace (in `name`)

  friend bool operator==(const DescribeStatement&, const DescribeStatement&) = default;
};

using Statement =
    std::variant<SelectStatement, InsertStatement, UpdateStatement, DeleteStatement, BatchStatement,
                 UseStatement, CreateKeyspaceStatement, DropKeyspaceStatement, CreateTableStatement,
                 DropTableStatement, TruncateStatement, DescribeStatement>;

// ---- printing ----

// Canonical CQL: keywords in upper case, single blanks, no comments and no closing semicolon, names
// quoted only where they have to be. What the parser made prints as a text that parses to an equal
// tree with equal bind markers.
std::string ToCql(const Statement& statement);
std::string ToCql(const Term& term);
std::string ToCql(const Selector& selector);
std::string ToCql(const TypeName& type);
std::string ToCql(const Relation& relation);
std::string ToCql(const QualifiedName& name);

// `name` as CQL writes it: in double quotes unless it is lower case and not reserved. `as`,
// `distinct` and `json` are quoted too: they are names, but misleading ones in SELECT.
std::string QuoteName(std::string_view name);

// `text` as a CQL string: in single quotes, those inside doubled.
std::string QuoteString(std::string_view text);

// ---- inline ----

inline bool operator==(const FunctionCall& a, const FunctionCall& b) {
  return a.function == b.function && a.arguments == b.arguments;
}
inline bool operator==(const ListLiteral& a, const ListLiteral& b) {
  return a.elements == b.elements;
}
inline bool operator==(const SetLiteral& a, const SetLiteral& b) {
  return a.elements == b.elements;
}
inline bool operator==(const MapLiteral& a, const MapLiteral& b) { return a.entries == b.entries; }
inline bool operator==(const TupleLiteral& a, const TupleLiteral& b) {
  return a.elements == b.elements;
}
inline bool operator==(const SelectorCall& a, const SelectorCall& b) {
  return a.function == b.function && a.arguments == b.arguments;
}
inline Position Term::position() const {
  return std::visit([](const Node& node) { return node.position; }, value);
}
inline Position Selector::position() const {
  return std::visit([](const Node& node) { return node.position; }, value);
}

}  // namespace tholos::cql
