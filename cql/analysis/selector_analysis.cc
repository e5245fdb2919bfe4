#include "cql/analysis/selector_analysis.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "cql/analysis/literal_match.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

using data::ColumnKind;
using data::DataType;
using data::TypeId;

// Collection literals of columns inside each other. Each level is analysed twice, for its type and
// for its value, so the cost doubles with each.
constexpr int kLiteralDepthMax = 8;

// The name that markers of a selection have, where they have none of their own.
constexpr std::string_view kMarkerName = "[selection]";

char SymbolOf(ArithmeticOperator op) {
  switch (op) {
    case ArithmeticOperator::kAdd:
      return '+';
    case ArithmeticOperator::kSubtract:
      return '-';
    case ArithmeticOperator::kMultiply:
      return '*';
    case ArithmeticOperator::kDivide:
      return '/';
    case ArithmeticOperator::kModulo:
      return '%';
  }
  return '+';
}

// Columns or calls inside: the term is no plain literal.
struct HasParts {
  static bool Any(const std::vector<Term>& terms) {
    return std::any_of(terms.begin(), terms.end(),
                       [](const Term& term) { return std::visit(HasParts(), term.value); });
  }
  bool operator()(const ListLiteral& v) const { return Any(v.elements); }
  bool operator()(const SetLiteral& v) const { return Any(v.elements); }
  bool operator()(const TupleLiteral& v) const { return Any(v.elements); }
  bool operator()(const MapLiteral& v) const {
    return std::any_of(v.entries.begin(), v.entries.end(), [](const MapEntry& entry) {
      return std::visit(HasParts(), entry.key.value) || std::visit(HasParts(), entry.value.value);
    });
  }
  bool operator()(const UdtLiteral& v) const {
    return std::any_of(v.fields.begin(), v.fields.end(), [](const FieldEntry& entry) {
      return std::visit(HasParts(), entry.value.value);
    });
  }
  bool operator()(const Literal&) const { return false; }
  bool operator()(const NullLiteral&) const { return false; }
  bool operator()(const BindMarker&) const { return false; }
  bool operator()(const Node&) const { return true; }
};

// {a: 1} is written like a UDT, but where nothing says that it is one, and a is a column, it is a
// map.
std::optional<Term> AsMap(const UdtLiteral& udt, const data::TableSchema& table) {
  Term term;
  auto& map = term.value.emplace<MapLiteral>();
  map.position = udt.position;
  for (const FieldEntry& entry : udt.fields) {
    if (table.Find(entry.field.name) == nullptr) return std::nullopt;
    map.entries.push_back({Term{entry.field}, entry.value});
  }
  return term;
}

// "(int)1", "a.b", ...: as Cassandra names it, which is nearly as it is written.
std::string NameOf(const Term& term) { return ToCql(term); }

}  // namespace

// ---- leaves ----

AnalyzedSelector SelectorAnalysis::Column(const data::ColumnSchema& column) {
  AnalyzedSelector analyzed;
  analyzed.column = ColumnRef::Of(table_, column);
  analyzed.expression = MakeColumn(*analyzed.column);
  analyzed.type = column.type;
  analyzed.name = column.name;
  columns_.push_back(*analyzed.column);
  return analyzed;
}

SelectorAnalysis::Drafted SelectorAnalysis::OfColumn(const Identifier& name) {
  THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column, ResolveColumn(table_, name));
  return Draft{nullptr, Column(*column)};
}

absl::StatusOr<RowExpressionPtr> SelectorAnalysis::OperandOf(const Term& term,
                                                             const DataType& type) {
  const Receiver receiver{type, std::string(kMarkerName), table_.keyspace, table_.name};
  THOLOS_ASSIGN_OR_RETURN(Operand operand, Operand::Analyze(term, receiver, context_));
  operands_.push_back(std::move(operand));
  return MakeOperand(operands_.size() - 1);
}

// ---- the way up ----

absl::StatusOr<AnalyzedSelector> SelectorAnalysis::Analyze(const Selector& selector) {
  THOLOS_ASSIGN_OR_RETURN(Draft draft, Drafting(selector));
  return Finish(std::move(draft), nullptr);
}

SelectorAnalysis::Drafted SelectorAnalysis::Drafting(const Term& term) {
  if (const auto* name = std::get_if<Identifier>(&term.value)) return OfColumn(*name);
  if (const auto* rows = std::get_if<CountRows>(&term.value)) {
    return Call(rows->position, "", kCountRows, {});
  }
  if (const auto* call = std::get_if<FunctionCall>(&term.value)) return OfCall(*call);
  if (const auto* cast = std::get_if<Cast>(&term.value)) return OfCast(*cast);
  if (const auto* hint = std::get_if<TypeHint>(&term.value)) return OfTypeHint(*hint);
  if (const auto* chain = std::get_if<Arithmetic>(&term.value)) return OfArithmetic(*chain);
  if (const auto* negation = std::get_if<Negation>(&term.value)) return OfNegation(*negation);
  if (const auto* path = std::get_if<Path>(&term.value)) return OfPath(*path);
  if (const auto* tuple = std::get_if<TupleLiteral>(&term.value)) return OfTuple(term, *tuple);
  if (std::visit(HasParts(), term.value)) return OfLiteral(term);
  Draft draft;
  draft.pending = &term;
  draft.analyzed.name = NameOf(term);
  return draft;
}

ArgumentProbe SelectorAnalysis::ProbeOf(const Draft& draft) const {
  ArgumentProbe probe;
  probe.text = draft.analyzed.name;
  if (draft.pending == nullptr) {
    probe.type = draft.analyzed.type;
    return probe;
  }
  probe.matches = [term = draft.pending](const DataType& type) { return MatchTerm(*term, type); };
  probe.preferred = PreferredType(*draft.pending);
  probe.list_elements = ListElements(*draft.pending);
  return probe;
}

absl::StatusOr<AnalyzedSelector> SelectorAnalysis::Finish(Draft draft, const DataType* expected) {
  if (draft.pending == nullptr) return std::move(draft.analyzed);
  if (expected == nullptr) {
    return ErrorAt(draft.pending->position(), "Cannot infer type for term ",
                   Abbreviate(NameOf(*draft.pending)),
                   " in selection clause (try using a cast to force a type)");
  }
  return Build(*draft.pending, *expected);
}

absl::StatusOr<AnalyzedSelector> SelectorAnalysis::Build(const Term& term, const DataType& type) {
  AnalyzedSelector analyzed;
  analyzed.name = NameOf(term);
  analyzed.type = type;
  const size_t aggregates = aggregates_.size();
  THOLOS_ASSIGN_OR_RETURN(analyzed.expression, std::visit(HasParts(), term.value)
                                                   ? BuildLiteral(term, type)
                                                   : OperandOf(term, type));
  analyzed.aggregate = aggregates_.size() > aggregates;
  return analyzed;
}

// ---- calls ----

SelectorAnalysis::Drafted SelectorAnalysis::OfCall(const FunctionCall& call) {
  const std::string& keyspace = call.function.keyspace;
  const std::string& name = call.function.name;
  if (keyspace.empty() || keyspace == "system") {
    if (name == "writetime") return OfCellProperty(call, CellProperty::kWriteTime);
    if (name == "maxwritetime") return OfCellProperty(call, CellProperty::kMaxWriteTime);
    if (name == "ttl") return OfCellProperty(call, CellProperty::kTtl);
    const bool counts_rows = name == "count" && call.arguments.size() == 1 &&
                             std::holds_alternative<Literal>(call.arguments[0].value);
    if (counts_rows) return Call(call.position, "", kCountRows, {});
  }
  std::vector<Draft> arguments;
  for (const Term& argument : call.arguments) {
    THOLOS_ASSIGN_OR_RETURN(Draft draft, Drafting(argument));
    arguments.push_back(std::move(draft));
  }
  return Call(call.position, keyspace, name, std::move(arguments));
}

SelectorAnalysis::Drafted SelectorAnalysis::Call(Position position, std::string_view keyspace,
                                                 std::string_view name,
                                                 std::vector<Draft> arguments) {
  CallSite site{.keyspace = keyspace, .name = name, .table = &table_};
  for (const Draft& argument : arguments) site.arguments.push_back(ProbeOf(argument));
  absl::StatusOr<FunctionPtr> function = ResolveFunction(site);
  if (!function.ok()) return ErrorAt(position, function.status().message());
  Draft draft;
  std::vector<RowExpressionPtr> expressions;
  std::vector<std::string> names;
  for (size_t i = 0; i < arguments.size(); ++i) {
    THOLOS_ASSIGN_OR_RETURN(AnalyzedSelector argument,
                            Finish(std::move(arguments[i]), &(*function)->arguments[i]));
    if (argument.aggregate && (*function)->is_aggregate()) {
      return ErrorAt(position,
                     "aggregate functions cannot be used as arguments of aggregate functions");
    }
    draft.analyzed.aggregate = draft.analyzed.aggregate || argument.aggregate;
    names.push_back(std::move(argument.name));
    expressions.push_back(std::move(argument.expression));
  }
  draft.analyzed.name = ResultName(**function, names);
  draft.analyzed.type = (*function)->result;
  if ((*function)->is_aggregate()) {
    aggregates_.push_back({*function, std::move(expressions)});
    draft.analyzed.aggregate = true;
    draft.analyzed.expression = MakeSlot(aggregates_.size() - 1);
  } else {
    draft.analyzed.expression = MakeCall(*function, std::move(expressions));
  }
  return draft;
}

SelectorAnalysis::Drafted SelectorAnalysis::OfArithmetic(const Arithmetic& arithmetic) {
  THOLOS_ASSIGN_OR_RETURN(Draft left, Drafting(arithmetic.operands[0]));
  for (size_t i = 0; i < arithmetic.operators.size(); ++i) {
    THOLOS_ASSIGN_OR_RETURN(Draft right, Drafting(arithmetic.operands[i + 1]));
    std::vector<Draft> operands;
    operands.push_back(std::move(left));
    operands.push_back(std::move(right));
    THOLOS_ASSIGN_OR_RETURN(
        left, Call(arithmetic.position, "", OperatorFunction(SymbolOf(arithmetic.operators[i])),
                   std::move(operands)));
  }
  return left;
}

SelectorAnalysis::Drafted SelectorAnalysis::OfNegation(const Negation& negation) {
  THOLOS_ASSIGN_OR_RETURN(Draft operand, Drafting(negation.operand[0]));
  std::vector<Draft> operands;
  operands.push_back(std::move(operand));
  return Call(negation.position, "", kNegate, std::move(operands));
}

SelectorAnalysis::Drafted SelectorAnalysis::OfCast(const Cast& cast) {
  THOLOS_ASSIGN_OR_RETURN(const DataType type, ResolveType(cast.type, table_.keyspace, *context_));
  THOLOS_ASSIGN_OR_RETURN(Draft operand, Drafting(cast.operand[0]));
  // A cast to the type that it has is nothing.
  if (operand.pending == nullptr && operand.analyzed.type == type) return operand;
  absl::StatusOr<FunctionPtr> function = ResolveCast(ProbeOf(operand), type);
  if (!function.ok()) return ErrorAt(cast.position, function.status().message());
  THOLOS_ASSIGN_OR_RETURN(AnalyzedSelector argument,
                          Finish(std::move(operand), &(*function)->arguments[0]));
  Draft draft;
  draft.analyzed.name = ResultName(**function, {argument.name});
  draft.analyzed.type = type;
  draft.analyzed.aggregate = argument.aggregate;
  draft.analyzed.expression = MakeCall(*function, {std::move(argument.expression)});
  return draft;
}

SelectorAnalysis::Drafted SelectorAnalysis::OfTypeHint(const TypeHint& hint) {
  THOLOS_ASSIGN_OR_RETURN(const DataType type, ResolveType(hint.type, table_.keyspace, *context_));
  const Term& term = hint.operand[0];
  Draft operand;
  if (type.id() == TypeId::kUdt && std::holds_alternative<UdtLiteral>(term.value)) {
    THOLOS_ASSIGN_OR_RETURN(operand.analyzed, Build(term, type));
  } else {
    THOLOS_ASSIGN_OR_RETURN(operand, Drafting(term));
  }
  const std::string name = base::StrCat("(", ToCql(hint.type), ")", operand.analyzed.name);
  if (ProbeOf(operand).MatchWith(type) == Match::kNone) {
    return ErrorAt(hint.position, "Cannot assign value ", Abbreviate(name), " to ", kMarkerName,
                   " of type ", type.name());
  }
  THOLOS_ASSIGN_OR_RETURN(AnalyzedSelector analyzed, Finish(std::move(operand), &type));
  analyzed.name = name;
  analyzed.type = type;
  analyzed.column.reset();
  return Draft{nullptr, std::move(analyzed)};
}

// ---- parts of values ----

SelectorAnalysis::Drafted SelectorAnalysis::OfPath(const Path& path) {
  THOLOS_ASSIGN_OR_RETURN(Draft draft, Drafting(path.base[0]));
  THOLOS_ASSIGN_OR_RETURN(AnalyzedSelector base, Finish(std::move(draft), nullptr));
  for (const PathStep& step : path.steps) THOLOS_RETURN_IF_ERROR(ApplyStep(step, &base));
  return Draft{nullptr, std::move(base)};
}

absl::Status SelectorAnalysis::ApplyStep(const PathStep& step, AnalyzedSelector* base) {
  const DataType type = base->type;
  base->column.reset();
  if (step.kind == PathStep::Kind::kField) {
    if (type.id() != TypeId::kUdt) {
      return ErrorAt(step.position, "Invalid field selection: ", base->name, " of type ",
                     type.name(), " is not a user type");
    }
    const std::optional<size_t> field = type.user_type().FindField(step.field.name);
    if (!field) {
      return ErrorAt(step.position, base->name, " of type ", type.name(), " has no field ",
                     step.field.name);
    }
    base->expression = MakeField(base->expression, type, *field);
    base->type = type.arguments()[*field];
    base->name = base::StrCat(base->name, ".", step.field.name);
    return absl::OkStatus();
  }
  const bool element = step.kind == PathStep::Kind::kElement;
  const std::string_view what = element ? "Element" : "Slice";
  if (!type.is_collection()) {
    return ErrorAt(step.position, "Invalid ", element ? "element" : "slice",
                   " selection: ", base->name, " of type ", type.name(), " is not a collection");
  }
  if (type.id() == TypeId::kList) {
    return ErrorAt(step.position, what, " selection is only allowed on sets and maps, but ",
                   base->name, " is a list");
  }
  RowExpressionPtr from;
  RowExpressionPtr to;
  if (step.from) {
    THOLOS_ASSIGN_OR_RETURN(from, BuildPart(*step.from, type.arguments()[0]));
  }
  if (step.to) {
    THOLOS_ASSIGN_OR_RETURN(to, BuildPart(*step.to, type.arguments()[0]));
  }
  const std::string first = step.from ? NameOf(*step.from) : "";
  if (element) {
    base->expression = MakeElement(base->expression, type, std::move(from));
    base->type = type.arguments().back();
    base->name = base::StrCat(base->name, "[", first, "]");
  } else {
    base->expression = MakeSlice(base->expression, type, std::move(from), std::move(to));
    base->name = base::StrCat(base->name, "[", first, "..", step.to ? NameOf(*step.to) : "", "]");
  }
  return absl::OkStatus();
}

// writetime(c), ttl(m['k']), ...
SelectorAnalysis::Drafted SelectorAnalysis::OfCellProperty(const FunctionCall& call,
                                                           CellProperty property) {
  const std::string& function = call.function.name;
  const Term* term = call.arguments.size() == 1 ? &call.arguments[0] : nullptr;
  const auto* path = term == nullptr ? nullptr : std::get_if<Path>(&term->value);
  if (path != nullptr) term = &path->base[0];
  const auto* name = term == nullptr ? nullptr : std::get_if<Identifier>(&term->value);
  if (name == nullptr) return ErrorAt(call.position, function, "() takes one column");
  THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column, ResolveColumn(table_, *name));
  if (column->kind == ColumnKind::kPartitionKey || column->kind == ColumnKind::kClustering) {
    return ErrorAt(call.position, "Cannot use selection function ", function,
                   " on PRIMARY KEY part ", column->name);
  }
  CellSelector selector;
  selector.property = property;
  selector.column = ColumnRef::Of(table_, *column);
  columns_.push_back(selector.column);
  if (path != nullptr) {
    const bool one_of_cells = selector.column.multi_cell && path->steps.size() == 1;
    if (!one_of_cells) {
      return ErrorAt(call.position, "Cannot use selection function ", function, " on a part of ",
                     column->name);
    }
    THOLOS_RETURN_IF_ERROR(CellPath(path->steps[0], &selector));
  }
  Draft draft;
  draft.analyzed.type = DataType(property == CellProperty::kTtl ? TypeId::kInt : TypeId::kBigint);
  if (selector.is_list()) draft.analyzed.type = DataType::List(draft.analyzed.type, true);
  draft.analyzed.name =
      base::StrCat(function, "(", path == nullptr ? column->name : NameOf(call.arguments[0]), ")");
  draft.analyzed.expression = MakeCellProperty(std::move(selector));
  return draft;
}

absl::Status SelectorAnalysis::CellPath(const PathStep& step, CellSelector* selector) {
  AnalyzedSelector base = Column(*selector->column.column);
  // Checks the step.
  THOLOS_RETURN_IF_ERROR(ApplyStep(step, &base));
  const DataType& type = selector->column.column->type;
  if (step.kind == PathStep::Kind::kField) {
    selector->field = type.user_type().FindField(step.field.name);
    return absl::OkStatus();
  }
  const DataType& key = type.arguments()[0];
  if (step.kind == PathStep::Kind::kElement) {
    THOLOS_ASSIGN_OR_RETURN(selector->key, BuildPart(*step.from, key));
    return absl::OkStatus();
  }
  selector->is_slice = true;
  if (step.from) {
    THOLOS_ASSIGN_OR_RETURN(selector->from, BuildPart(*step.from, key));
  }
  if (step.to) {
    THOLOS_ASSIGN_OR_RETURN(selector->to, BuildPart(*step.to, key));
  }
  return absl::OkStatus();
}

// ---- literals ----

// One element in parentheses is that element, unless a tuple is wanted.
SelectorAnalysis::Drafted SelectorAnalysis::OfTuple(const Term& term, const TupleLiteral& tuple) {
  if (!std::visit(HasParts(), term.value)) {
    Draft draft;
    draft.pending = &term;
    draft.analyzed.name = NameOf(term);
    return draft;
  }
  if (tuple.elements.size() != 1) return OfLiteral(term);
  THOLOS_ASSIGN_OR_RETURN(Draft draft, Drafting(tuple.elements[0]));
  draft.analyzed.name = base::StrCat("(", draft.analyzed.name, ")");
  draft.analyzed.column.reset();
  return draft;
}

// The type that the parts with a type of their own give the whole.
SelectorAnalysis::Drafted SelectorAnalysis::OfLiteral(const Term& term) {
  if (literal_depth_ == kLiteralDepthMax) {
    return ErrorAt(term.position(), "more than ", kLiteralDepthMax,
                   " collections of columns inside each other");
  }
  // Only to learn types: what this numbers is thrown away.
  SelectorAnalysis probe(table_, context_);
  probe.literal_depth_ = literal_depth_ + 1;
  using Type = std::optional<DataType>;
  const auto type_of = [&probe](const Term& part) -> absl::StatusOr<Type> {
    THOLOS_ASSIGN_OR_RETURN(const Draft draft, probe.Drafting(part));
    return draft.pending == nullptr ? Type(draft.analyzed.type) : PreferredType(part);
  };
  const auto first_of = [&](const std::vector<Term>& parts) -> absl::StatusOr<Type> {
    for (const bool with_columns : {true, false}) {
      for (const Term& part : parts) {
        if (std::visit(HasParts(), part.value) != with_columns) continue;
        THOLOS_ASSIGN_OR_RETURN(const Type type, type_of(part));
        if (type) return type;
      }
    }
    return Type();
  };
  Type type;
  if (const auto* list = std::get_if<ListLiteral>(&term.value)) {
    THOLOS_ASSIGN_OR_RETURN(const Type element, first_of(list->elements));
    if (element) type = DataType::List(*element, true);
  } else if (const auto* set = std::get_if<SetLiteral>(&term.value)) {
    THOLOS_ASSIGN_OR_RETURN(const Type element, first_of(set->elements));
    if (element) type = DataType::Set(*element, true);
  } else if (const auto* map = std::get_if<MapLiteral>(&term.value)) {
    std::vector<Term> keys;
    std::vector<Term> values;
    for (const MapEntry& entry : map->entries) {
      keys.push_back(entry.key);
      values.push_back(entry.value);
    }
    THOLOS_ASSIGN_OR_RETURN(const Type key, first_of(keys));
    THOLOS_ASSIGN_OR_RETURN(const Type value, first_of(values));
    if (key && value) type = DataType::Map(*key, *value, true);
  } else if (const auto* tuple = std::get_if<TupleLiteral>(&term.value)) {
    std::vector<DataType> fields;
    for (const Term& element : tuple->elements) {
      THOLOS_ASSIGN_OR_RETURN(const Type field, type_of(element));
      if (field) fields.push_back(*field);
    }
    if (fields.size() == tuple->elements.size()) type = DataType::Tuple(std::move(fields));
  } else if (const auto* udt = std::get_if<UdtLiteral>(&term.value)) {
    if (const std::optional<Term> map = AsMap(*udt, table_)) {
      THOLOS_ASSIGN_OR_RETURN(Draft draft, OfLiteral(*map));
      if (draft.pending == nullptr) return draft;
    }
  }
  if (!type) {
    Draft draft;
    draft.pending = &term;
    draft.analyzed.name = NameOf(term);
    return draft;
  }
  ++literal_depth_;
  absl::StatusOr<AnalyzedSelector> built = Build(term, *type);
  --literal_depth_;
  if (!built.ok()) return built.status();
  return Draft{nullptr, *std::move(built)};
}

absl::StatusOr<RowExpressionPtr> SelectorAnalysis::BuildPart(const Term& term,
                                                             const DataType& type) {
  THOLOS_ASSIGN_OR_RETURN(Draft draft, Drafting(term));
  if (draft.pending == nullptr && ProbeOf(draft).MatchWith(type) == Match::kNone) {
    return ErrorAt(term.position(), "expected ", type.name(), ", found ", draft.analyzed.name,
                   " of type ", draft.analyzed.type.name());
  }
  THOLOS_ASSIGN_OR_RETURN(AnalyzedSelector analyzed, Finish(std::move(draft), &type));
  return std::move(analyzed.expression);
}

absl::StatusOr<RowExpressionPtr> SelectorAnalysis::BuildLiteral(const Term& term,
                                                                const DataType& type) {
  const absl::Status mismatch =
      ErrorAt(term.position(), "expected ", type.name(), ", found ", Abbreviate(NameOf(term)));
  std::vector<RowExpressionPtr> parts;
  const auto add = [&](const Term& part, const DataType& part_type) -> absl::Status {
    THOLOS_ASSIGN_OR_RETURN(RowExpressionPtr expression, BuildPart(part, part_type));
    parts.push_back(std::move(expression));
    return absl::OkStatus();
  };
  if (const auto* map = std::get_if<MapLiteral>(&term.value)) {
    if (type.id() != TypeId::kMap) return mismatch;
    for (const MapEntry& entry : map->entries) {
      THOLOS_RETURN_IF_ERROR(add(entry.key, type.arguments()[0]));
      THOLOS_RETURN_IF_ERROR(add(entry.value, type.arguments()[1]));
    }
  } else if (const auto* udt = std::get_if<UdtLiteral>(&term.value)) {
    if (type.id() != TypeId::kUdt) return mismatch;
    parts.resize(type.arguments().size());
    for (const FieldEntry& entry : udt->fields) {
      const std::optional<size_t> field = type.user_type().FindField(entry.field.name);
      if (!field) {
        return ErrorAt(entry.field.position, "Unknown field '", entry.field.name,
                       "' in value of user defined type ", type.user_type().name);
      }
      THOLOS_ASSIGN_OR_RETURN(parts[*field], BuildPart(entry.value, type.arguments()[*field]));
    }
  } else if (const auto* tuple = std::get_if<TupleLiteral>(&term.value)) {
    const bool parentheses = type.id() != TypeId::kTuple && tuple->elements.size() == 1;
    if (parentheses) return BuildPart(tuple->elements[0], type);
    if (type.id() != TypeId::kTuple || tuple->elements.size() > type.arguments().size()) {
      return mismatch;
    }
    for (size_t i = 0; i < tuple->elements.size(); ++i) {
      THOLOS_RETURN_IF_ERROR(add(tuple->elements[i], type.arguments()[i]));
    }
  } else {
    const auto* list = std::get_if<ListLiteral>(&term.value);
    const auto* set = std::get_if<SetLiteral>(&term.value);
    const bool fits =
        (list != nullptr &&
         (type.id() == TypeId::kList ||
          (type.id() == TypeId::kVector && type.dimension() == list->elements.size()))) ||
        (set != nullptr && type.id() == TypeId::kSet);
    if (!fits) return mismatch;
    for (const Term& element : list != nullptr ? list->elements : set->elements) {
      THOLOS_RETURN_IF_ERROR(add(element, type.arguments()[0]));
    }
  }
  return MakeLiteral(type, std::move(parts));
}

}  // namespace tholos::cql
