// The parts of a statement that name and value things: names, types and terms. See ast.h.
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

// int, map<text, frozen<list<int>>>, vector<float, 3>, ks.my_type, 'org.example.CustomType'. Any
// name and any parameters parse; whether the type exists is for the analysis to say.
struct TypeName : Node {
  std::string keyspace;  // empty: not given
  std::string name;
  bool quoted = false;  // "int" in double quotes is a user-defined type, not the native one
  bool custom = false;  // a class in single quotes, in `name`; nothing else is set
  std::vector<TypeName> params;
  uint32_t dimension = 0;  // of vector<type, dimension>; 0: none

  friend bool operator==(const TypeName&, const TypeName&) = default;
};

// ---- terms ----

struct FieldEntry;
struct MapEntry;
struct PathStep;
struct Term;

//   kind      text
//   kString   the contents, unescaped (of '...' and $$...$$ alike)
//   kInteger  as written: -?[0-9]+, of any length
//   kFloat    as written, or "NaN", "Infinity", "-Infinity"
//   kBoolean  "true" or "false"
//   kUuid     lower case
//   kBlob     the hexadecimal digits in lower case, without 0x; an even number of them
//   kDuration as written: 1y2mo3d, -12h30m, P1Y2M3DT4H, P2W, P0001-02-03T04:05:06
struct Literal : Node {
  enum class Kind : uint8_t { kString, kInteger, kFloat, kBoolean, kUuid, kBlob, kDuration };
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

// (1, 'a'); never empty. With one element it can also be just a term in parentheses: where the
// receiver is no tuple, (x) is x.
struct TupleLiteral : Node {
  std::vector<Term> elements;

  friend bool operator==(const TupleLiteral&, const TupleLiteral&);
};

struct UdtLiteral : Node {  // {street: 'x', "No": 1}; never empty
  std::vector<FieldEntry> fields;

  friend bool operator==(const UdtLiteral&, const UdtLiteral&);
};

struct TypeHint : Node {  // (int) 3
  TypeName type;
  std::vector<Term> operand;  // one

  friend bool operator==(const TypeHint&, const TypeHint&);
};

struct Cast : Node {          // CAST(v AS text)
  std::vector<Term> operand;  // one
  TypeName type;

  friend bool operator==(const Cast&, const Cast&);
};

enum class ArithmeticOperator : uint8_t { kAdd, kSubtract, kMultiply, kDivide, kModulo };

std::string_view ToString(ArithmeticOperator op);

// A chain of one level of precedence, evaluated from the left: either + and -, or *, / and %. As
// it is flat, a long one is not deep.
struct Arithmetic : Node {                    // a + b * c - d: {a, b * c, d}, {+, -}
  std::vector<Term> operands;                 // at least two
  std::vector<ArithmeticOperator> operators;  // one less

  friend bool operator==(const Arithmetic&, const Arithmetic&);
};

struct Negation : Node {      // -f(x); -1 is a literal
  std::vector<Term> operand;  // one

  friend bool operator==(const Negation&, const Negation&);
};

struct CountRows : Node {  // count(*); count(1) is a FunctionCall like any other
  friend bool operator==(const CountRows&, const CountRows&) = default;
};

struct Path : Node {            // m['k'], m['a'..'c'], u.f, f(x).y[1]
  std::vector<Term> base;       // one
  std::vector<PathStep> steps;  // at least one

  friend bool operator==(const Path&, const Path&);
};

// A value as a statement writes it. Where SELECT and GROUP BY take one it is called a selector, and
// only there are an Identifier (a column), CountRows and Path among its parts. writetime, ttl and
// token are functions like any other.
struct Term {
  std::variant<NullLiteral, Literal, BindMarker, FunctionCall, ListLiteral, SetLiteral, MapLiteral,
               TupleLiteral, UdtLiteral, TypeHint, Cast, Arithmetic, Negation, Identifier,
               CountRows, Path>
      value;

  Position position() const;

  friend bool operator==(const Term&, const Term&) = default;
};

using Selector = Term;
using SelectorCall = FunctionCall;

struct MapEntry {
  Term key;
  Term value;

  friend bool operator==(const MapEntry&, const MapEntry&) = default;
};

struct FieldEntry {
  Identifier field;
  Term value;

  friend bool operator==(const FieldEntry&, const FieldEntry&) = default;
};

//   .field       kField
//   [from]       kElement   a key of a map, an element of a set, an index of a list or vector
//   [from..to]   kSlice     either end may be missing, not both
struct PathStep : Node {
  enum class Kind : uint8_t { kField, kElement, kSlice };
  Kind kind = Kind::kField;
  Identifier field;
  std::optional<Term> from;  // no columns in them
  std::optional<Term> to;

  friend bool operator==(const PathStep&, const PathStep&) = default;
};

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
inline bool operator==(const UdtLiteral& a, const UdtLiteral& b) { return a.fields == b.fields; }
inline bool operator==(const TypeHint& a, const TypeHint& b) {
  return a.type == b.type && a.operand == b.operand;
}
inline bool operator==(const Cast& a, const Cast& b) {
  return a.operand == b.operand && a.type == b.type;
}
inline bool operator==(const Arithmetic& a, const Arithmetic& b) {
  return a.operands == b.operands && a.operators == b.operators;
}
inline bool operator==(const Negation& a, const Negation& b) { return a.operand == b.operand; }
inline bool operator==(const Path& a, const Path& b) {
  return a.base == b.base && a.steps == b.steps;
}
inline Position Term::position() const {
  return std::visit([](const Node& node) { return node.position; }, value);
}

}  // namespace tholos::cql
