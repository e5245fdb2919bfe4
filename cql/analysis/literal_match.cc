#include "cql/analysis/literal_match.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

namespace tholos::cql {
namespace {

using data::DataType;
using data::TypeId;

bool OneOf(TypeId id, std::initializer_list<TypeId> ids) {
  return std::ranges::find(ids, id) != ids.end();
}

// Without a look at the value.
bool CanBe(Literal::Kind kind, TypeId type) {
  switch (kind) {
    case Literal::Kind::kString:
      return OneOf(type, {TypeId::kAscii, TypeId::kText, TypeId::kInet, TypeId::kTimestamp,
                          TypeId::kDate, TypeId::kTime});
    case Literal::Kind::kInteger:
      return OneOf(type, {TypeId::kBigint, TypeId::kCounter, TypeId::kDate, TypeId::kDecimal,
                          TypeId::kDouble, TypeId::kFloat, TypeId::kInt, TypeId::kSmallint,
                          TypeId::kTime, TypeId::kTimestamp, TypeId::kTinyint, TypeId::kVarint});
    case Literal::Kind::kFloat:
      return OneOf(type, {TypeId::kDecimal, TypeId::kDouble, TypeId::kFloat});
    case Literal::Kind::kBoolean:
      return type == TypeId::kBoolean;
    case Literal::Kind::kUuid:
      return type == TypeId::kUuid || type == TypeId::kTimeuuid;
    case Literal::Kind::kBlob:
      return type == TypeId::kBlob;
    case Literal::Kind::kDuration:
      return type == TypeId::kDuration;
  }
  return false;
}

DataType PreferredOf(const Literal& literal) {
  switch (literal.kind) {
    case Literal::Kind::kString:
      return DataType(TypeId::kText);
    case Literal::Kind::kInteger: {
      const char* end = literal.text.data() + literal.text.size();
      int64_t value = 0;
      if (std::from_chars(literal.text.data(), end, value).ec != std::errc()) {
        return DataType(TypeId::kVarint);
      }
      const bool fits = value >= std::numeric_limits<int32_t>::min() &&
                        value <= std::numeric_limits<int32_t>::max();
      return DataType(fits ? TypeId::kInt : TypeId::kBigint);
    }
    case Literal::Kind::kFloat: {
      const bool special = literal.text == "NaN" || literal.text.ends_with("Infinity");
      const bool doubled = special || literal.text.size() <= 16;
      return DataType(doubled ? TypeId::kDouble : TypeId::kDecimal);
    }
    case Literal::Kind::kBoolean:
      return DataType(TypeId::kBoolean);
    case Literal::Kind::kUuid:
      return DataType(literal.text.size() > 14 && literal.text[14] == '1' ? TypeId::kTimeuuid
                                                                          : TypeId::kUuid);
    case Literal::Kind::kBlob:
      return DataType(TypeId::kBlob);
    case Literal::Kind::kDuration:
      return DataType(TypeId::kDuration);
  }
  return {};
}

Match MatchAll(const std::vector<Term>& terms, const DataType& type) {
  Match match = Match::kWeak;
  for (const Term& term : terms) match = std::min(match, MatchTerm(term, type));
  return match;
}

// What a collection literal of this term could be.
struct MatchVisitor {
  const DataType& type;

  Match operator()(const NullLiteral&) const { return Match::kWeak; }
  Match operator()(const BindMarker&) const { return Match::kWeak; }
  Match operator()(const Literal& literal) const {
    if (PreferredOf(literal) == type) return Match::kExact;
    return type.is_simple() && CanBe(literal.kind, type.id()) ? Match::kWeak : Match::kNone;
  }
  Match operator()(const ListLiteral& list) const {
    const bool vector = type.id() == TypeId::kVector && type.dimension() == list.elements.size();
    if (type.id() != TypeId::kList && !vector) return Match::kNone;
    return MatchAll(list.elements, type.arguments()[0]);
  }
  Match operator()(const SetLiteral& set) const {
    if (type.id() == TypeId::kMap && set.elements.empty()) return Match::kWeak;
    return type.id() == TypeId::kSet ? MatchAll(set.elements, type.arguments()[0]) : Match::kNone;
  }
  Match operator()(const MapLiteral& map) const {
    if (type.id() != TypeId::kMap) return Match::kNone;
    Match match = Match::kWeak;
    for (const MapEntry& entry : map.entries) {
      match = std::min({match, MatchTerm(entry.key, type.arguments()[0]),
                        MatchTerm(entry.value, type.arguments()[1])});
    }
    return match;
  }
  Match operator()(const TupleLiteral& tuple) const {
    if (type.id() != TypeId::kTuple) {
      return tuple.elements.size() == 1 ? MatchTerm(tuple.elements[0], type) : Match::kNone;
    }
    if (tuple.elements.size() > type.arguments().size()) return Match::kNone;
    Match match = Match::kWeak;
    for (size_t i = 0; i < tuple.elements.size(); ++i) {
      match = std::min(match, MatchTerm(tuple.elements[i], type.arguments()[i]));
    }
    return match;
  }
  Match operator()(const UdtLiteral& literal) const {
    if (type.id() != TypeId::kUdt) return Match::kNone;
    Match match = Match::kWeak;
    for (const FieldEntry& entry : literal.fields) {
      const std::optional<size_t> field = type.user_type().FindField(entry.field.name);
      if (!field) return Match::kNone;
      match = std::min(match, MatchTerm(entry.value, type.arguments()[*field]));
    }
    return match;
  }
  Match operator()(const Node&) const { return Match::kNone; }
};

std::optional<DataType> FirstPreferred(const std::vector<Term>& terms) {
  for (const Term& term : terms) {
    if (std::optional<DataType> type = PreferredType(term)) return type;
  }
  return std::nullopt;
}

struct PreferredVisitor {
  using Type = std::optional<DataType>;
  Type operator()(const Literal& literal) const { return PreferredOf(literal); }
  Type operator()(const ListLiteral& list) const {
    const Type element = FirstPreferred(list.elements);
    return element ? Type(DataType::List(*element, true)) : Type();
  }
  Type operator()(const SetLiteral& set) const {
    const Type element = FirstPreferred(set.elements);
    return element ? Type(DataType::Set(*element, true)) : Type();
  }
  Type operator()(const MapLiteral& map) const {
    if (map.entries.empty()) return std::nullopt;
    const Type key = PreferredType(map.entries[0].key);
    const Type value = PreferredType(map.entries[0].value);
    return key && value ? Type(DataType::Map(*key, *value, true)) : Type();
  }
  Type operator()(const TupleLiteral& tuple) const {
    if (tuple.elements.size() == 1) return PreferredType(tuple.elements[0]);
    std::vector<DataType> fields;
    for (const Term& element : tuple.elements) {
      const Type field = PreferredType(element);
      if (!field) return std::nullopt;
      fields.push_back(*field);
    }
    return DataType::Tuple(std::move(fields));
  }
  Type operator()(const Node&) const { return std::nullopt; }
};

}  // namespace

Match MatchTerm(const Term& term, const DataType& type) {
  return std::visit(MatchVisitor{type}, term.value);
}

std::optional<DataType> PreferredType(const Term& term) {
  return std::visit(PreferredVisitor(), term.value);
}

size_t ListElements(const Term& term) {
  const auto* list = std::get_if<ListLiteral>(&term.value);
  return list == nullptr ? 0 : list->elements.size();
}

}  // namespace tholos::cql
