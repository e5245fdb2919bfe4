#include "cql/analysis/selection.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

using data::ColumnKind;
using data::DataType;
using data::TypeId;

bool IsBuiltin(const QualifiedName& name) {
  return name.keyspace.empty() || name.keyspace == "system";
}

Aggregate FindAggregate(const QualifiedName& name) {
  if (!IsBuiltin(name)) return Aggregate::kNone;
  if (name.name == "count") return Aggregate::kCount;
  if (name.name == "min") return Aggregate::kMin;
  if (name.name == "max") return Aggregate::kMax;
  if (name.name == "sum") return Aggregate::kSum;
  if (name.name == "avg") return Aggregate::kAvg;
  return Aggregate::kNone;
}

bool IsNumeric(DataType type) {
  return type.id() == TypeId::kInt || type.id() == TypeId::kBigint || type.id() == TypeId::kDouble;
}

class SelectionAnalysis {
 public:
  explicit SelectionAnalysis(const data::TableSchema& table) : table_(table) {}

  absl::StatusOr<SelectedItem> Item(const SelectItem& item) {
    THOLOS_ASSIGN_OR_RETURN(SelectedItem selected, Selected(item.selector));
    selected.column.keyspace = table_.keyspace;
    selected.column.table = table_.name;
    if (item.alias) selected.column.name = item.alias->name;
    return selected;
  }

  SelectedItem Column(const data::ColumnSchema& column) const {
    SelectedItem selected;
    selected.scalar = ColumnSelector(column);
    selected.column = {table_.keyspace, table_.name, column.name, column.type};
    return selected;
  }

 private:
  absl::StatusOr<SelectedItem> Selected(const Selector& selector) {
    if (std::holds_alternative<CountRows>(selector.value)) return CountOfRows();
    if (const auto* call = std::get_if<SelectorCall>(&selector.value)) {
      const Aggregate aggregate = FindAggregate(call->function);
      if (aggregate != Aggregate::kNone) return Aggregated(aggregate, *call);
    }
    SelectedItem selected;
    THOLOS_ASSIGN_OR_RETURN(selected.scalar, Scalar(selector));
    selected.column.name = selected.scalar->name;
    selected.column.type = selected.scalar->type;
    return selected;
  }

  static SelectedItem CountOfRows() {
    SelectedItem selected;
    selected.aggregate = Aggregate::kCount;
    selected.column.name = "count";
    selected.column.type = DataType(TypeId::kBigint);
    return selected;
  }

  absl::StatusOr<SelectedItem> Aggregated(Aggregate aggregate, const SelectorCall& call) {
    const std::string& name = call.function.name;
    if (call.arguments.size() != 1) {
      return ErrorAt(call.position, name, "() takes 1 argument, ", call.arguments.size(), " given");
    }
    const auto* literal = std::get_if<Literal>(&call.arguments[0].value);
    const bool counts_rows = aggregate == Aggregate::kCount && literal != nullptr &&
                             literal->kind == Literal::Kind::kInteger;
    if (counts_rows) return CountOfRows();
    SelectedItem selected;
    selected.aggregate = aggregate;
    THOLOS_ASSIGN_OR_RETURN(selected.scalar, Scalar(call.arguments[0]));
    const DataType type = selected.scalar->type;
    const bool adds = aggregate == Aggregate::kSum || aggregate == Aggregate::kAvg;
    if (adds && !IsNumeric(type)) {
      return ErrorAt(call.position, name, "() needs int, bigint or double, and ",
                     selected.scalar->name, " is ", type.name());
    }
    selected.column.name = base::StrCat("system.", name, "(", selected.scalar->name, ")");
    selected.column.type = aggregate == Aggregate::kCount ? DataType(TypeId::kBigint) : type;
    return selected;
  }

  ScalarSelector ColumnSelector(const data::ColumnSchema& column) const {
    ScalarSelector scalar;
    scalar.column = ColumnRef::Of(table_, column);
    scalar.type = column.type;
    scalar.name = column.name;
    return scalar;
  }

  absl::StatusOr<ScalarSelector> Scalar(const Selector& selector) {
    if (const auto* name = std::get_if<Identifier>(&selector.value)) {
      THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column, ResolveColumn(table_, *name));
      return ColumnSelector(*column);
    }
    const auto* call = std::get_if<SelectorCall>(&selector.value);
    if (call == nullptr) {
      return NotSupportedAt(selector.position(),
                            base::StrCat("selecting ", Abbreviate(ToCql(selector))));
    }
    if (FindAggregate(call->function) != Aggregate::kNone) {
      return ErrorAt(call->position, "aggregates cannot be arguments of functions");
    }
    if (call->function.keyspace.empty()) {
      if (call->function.name == "token") return Token(*call);
      if (call->function.name == "writetime")
        return OfCell(*call, ScalarSelector::Kind::kWriteTime);
      if (call->function.name == "ttl") return OfCell(*call, ScalarSelector::Kind::kTtl);
    } else if (IsBuiltin(call->function) && call->function.name == "token") {
      return Token(*call);
    }
    return Function(*call);
  }

  // writetime(v), ttl(v)
  absl::StatusOr<ScalarSelector> OfCell(const SelectorCall& call, ScalarSelector::Kind kind) {
    const auto* name =
        call.arguments.size() == 1 ? std::get_if<Identifier>(&call.arguments[0].value) : nullptr;
    if (name == nullptr) return ErrorAt(call.position, call.function.name, "() takes one column");
    THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column, ResolveColumn(table_, *name));
    if (column->kind == ColumnKind::kPartitionKey || column->kind == ColumnKind::kClustering) {
      return ErrorAt(call.position, "Cannot use selection function ", call.function.name,
                     " on PRIMARY KEY part ", column->name);
    }
    ScalarSelector scalar;
    scalar.kind = kind;
    scalar.column = ColumnRef::Of(table_, *column);
    scalar.type = DataType(kind == ScalarSelector::Kind::kTtl ? TypeId::kInt : TypeId::kBigint);
    scalar.name = base::StrCat(call.function.name, "(", column->name, ")");
    return scalar;
  }

  absl::StatusOr<ScalarSelector> Token(const SelectorCall& call) {
    bool whole_key = call.arguments.size() == table_.partition_key_size();
    std::string names;
    for (size_t i = 0; i < call.arguments.size(); ++i) {
      const auto* name = std::get_if<Identifier>(&call.arguments[i].value);
      whole_key = whole_key && name != nullptr && name->name == table_.columns[i].name;
      if (whole_key) base::StrAppend(&names, i == 0 ? "" : ", ", name->name);
    }
    if (!whole_key) {
      return ErrorAt(call.position,
                     "token() takes all columns of the partition key in their order");
    }
    ScalarSelector scalar;
    scalar.kind = ScalarSelector::Kind::kToken;
    scalar.type = DataType(TypeId::kBigint);
    scalar.name = base::StrCat("system.token(", names, ")");
    return scalar;
  }

  absl::StatusOr<ScalarSelector> Function(const SelectorCall& call) {
    std::vector<std::string> arguments;
    for (const Selector& argument : call.arguments) {
      const auto* inner = std::get_if<SelectorCall>(&argument.value);
      arguments.push_back(inner != nullptr && inner->arguments.empty() ? inner->function.name : "");
    }
    THOLOS_ASSIGN_OR_RETURN(const ValueFunctionInfo info,
                            FindValueFunction(call.function, arguments));
    ScalarSelector scalar;
    scalar.kind = ScalarSelector::Kind::kFunction;
    scalar.function = info.function;
    scalar.type = info.type;
    scalar.name = base::StrCat("system.", call.function.name, "(",
                               arguments.empty() ? "" : "system.now()", ")");
    return scalar;
  }

  const data::TableSchema& table_;
};

bool Fits(__int128 value, TypeId type) {
  if (type == TypeId::kInt) {
    return value >= std::numeric_limits<int32_t>::min() &&
           value <= std::numeric_limits<int32_t>::max();
  }
  return value >= std::numeric_limits<int64_t>::min() &&
         value <= std::numeric_limits<int64_t>::max();
}

}  // namespace

data::Value ScalarSelector::Evaluate(const RowView& view, Request& request) const {
  switch (kind) {
    case Kind::kColumn: {
      if (takes) return column.TakeFrom(view);
      const std::string* value = column.ValueIn(view);
      return value == nullptr ? data::Value() : data::Value(*value);
    }
    case Kind::kWriteTime: {
      const data::Cell* cell = column.CellIn(view);
      return cell == nullptr ? data::Value() : data::EncodeBigint(cell->timestamp);
    }
    case Kind::kTtl: {
      const data::Cell* cell = column.CellIn(view);
      if (cell == nullptr || !cell->expiring()) return data::Value();
      return data::EncodeInt(static_cast<int32_t>(cell->local_seconds - view.now_seconds));
    }
    case Kind::kToken:
      return data::EncodeBigint(view.token);
    case Kind::kFunction:
      return CallValueFunction(function, request);
  }
  return data::Value();
}

absl::StatusOr<Selection> Selection::Analyze(const std::vector<SelectItem>& items,
                                             const data::TableSchema& table) {
  Selection selection;
  SelectionAnalysis analysis(table);
  if (items.empty()) {
    // In the order of kinds: key, static and regular columns.
    for (const ColumnKind kind : {ColumnKind::kPartitionKey, ColumnKind::kClustering,
                                  ColumnKind::kStatic, ColumnKind::kRegular}) {
      for (const data::ColumnSchema& column : table.columns) {
        if (column.kind == kind) selection.items_.push_back(analysis.Column(column));
      }
    }
  }
  for (const SelectItem& item : items) {
    THOLOS_ASSIGN_OR_RETURN(SelectedItem selected, analysis.Item(item));
    selection.items_.push_back(std::move(selected));
  }
  if (!selection.has_aggregates()) selection.MarkLastUses();
  return selection;
}

void Selection::MarkLastUses() {
  std::set<std::pair<ColumnKind, uint32_t>> needed_behind;
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    ScalarSelector& scalar = *item->scalar;
    if (scalar.kind != ScalarSelector::Kind::kColumn) continue;
    scalar.takes = needed_behind.emplace(scalar.column.kind, scalar.column.index).second;
  }
}

bool Selection::has_aggregates() const {
  return std::any_of(items_.begin(), items_.end(),
                     [](const SelectedItem& item) { return item.aggregate != Aggregate::kNone; });
}

std::vector<ResultColumn> Selection::ResultColumns() const {
  std::vector<ResultColumn> columns;
  for (const SelectedItem& item : items_) columns.push_back(item.column);
  return columns;
}

const ScalarSelector* Selection::FirstOutside(ColumnKind a, ColumnKind b) const {
  for (const SelectedItem& item : items_) {
    if (!item.scalar || item.scalar->kind == ScalarSelector::Kind::kToken ||
        item.scalar->kind == ScalarSelector::Kind::kFunction) {
      continue;
    }
    const ColumnKind kind = item.scalar->column.kind;
    if (kind != a && kind != b) return &*item.scalar;
  }
  return nullptr;
}

bool Selection::Selects(ColumnKind kind, uint32_t index) const {
  return std::any_of(items_.begin(), items_.end(), [&](const SelectedItem& item) {
    return item.scalar && item.scalar->kind == ScalarSelector::Kind::kColumn &&
           item.scalar->column.kind == kind && item.scalar->column.index == index;
  });
}

std::vector<data::Value> Selection::Evaluate(const RowView& view, Request& request) const {
  std::vector<data::Value> values;
  values.reserve(items_.size());
  for (const SelectedItem& item : items_) values.push_back(item.scalar->Evaluate(view, request));
  return values;
}

void Aggregation::Add(const RowView& view, Request& request) {
  for (size_t i = 0; i < states_.size(); ++i) {
    const SelectedItem& item = selection_.items()[i];
    State& state = states_[i];
    if (!item.scalar) {
      ++state.values;
      continue;
    }
    if (item.aggregate == Aggregate::kNone && state.rows++ > 0) continue;
    data::Value value = item.scalar->Evaluate(view, request);
    if (!value) continue;
    ++state.values;
    const DataType type = item.scalar->type;
    const int order = state.value ? type.Compare(*value, *state.value) : 0;
    switch (item.aggregate) {
      case Aggregate::kCount:
        break;
      case Aggregate::kSum:
      case Aggregate::kAvg:
        if (type.id() == TypeId::kInt) state.sum += data::DecodeInt(*value);
        if (type.id() == TypeId::kBigint) state.sum += data::DecodeBigint(*value);
        if (type.id() == TypeId::kDouble) state.double_sum += data::DecodeDouble(*value);
        break;
      case Aggregate::kNone:
      case Aggregate::kMin:
      case Aggregate::kMax:
        if (!state.value || (item.aggregate == Aggregate::kMin ? order < 0 : order > 0)) {
          state.value = std::move(value);
        }
        break;
    }
  }
}

absl::StatusOr<data::Value> Aggregation::FinishItem(const SelectedItem& item,
                                                    const State& state) const {
  const bool average = item.aggregate == Aggregate::kAvg;
  if (item.aggregate == Aggregate::kCount) {
    return data::Value(data::EncodeBigint(static_cast<int64_t>(state.values)));
  }
  if (item.aggregate != Aggregate::kSum && !average) return state.value;
  const TypeId type = item.scalar->type.id();
  if (type == TypeId::kDouble) {
    const double sum = state.double_sum;
    return data::Value(data::EncodeDouble(
        average && state.values > 0 ? sum / static_cast<double>(state.values) : sum));
  }
  const __int128 sum =
      average && state.values > 0 ? state.sum / static_cast<__int128>(state.values) : state.sum;
  if (!Fits(sum, type)) {
    return base::InvalidRequest(
        base::StrCat(item.column.name, " does not fit ", item.scalar->type.name()));
  }
  return data::Value(type == TypeId::kInt ? data::EncodeInt(static_cast<int32_t>(sum))
                                          : data::EncodeBigint(static_cast<int64_t>(sum)));
}

absl::StatusOr<std::vector<data::Value>> Aggregation::Finish() const {
  std::vector<data::Value> row;
  for (size_t i = 0; i < states_.size(); ++i) {
    THOLOS_ASSIGN_OR_RETURN(data::Value value, FinishItem(selection_.items()[i], states_[i]));
    row.push_back(std::move(value));
  }
  return row;
}

}  // namespace tholos::cql
