#include "cql/analysis/selection.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "cql/json/json_codec.h"
#include "cql/rows.h"

namespace tholos::cql {
namespace {

using data::ColumnKind;
using data::DataType;

absl::Status Failed(const absl::Status& status) {
  return base::InvalidRequest(base::ToStd(status.message()));
}

}  // namespace

absl::StatusOr<Selection> Selection::Analyze(const SelectStatement& statement,
                                             const data::TableSchema& table,
                                             AnalysisContext* context) {
  Selection selection;
  selection.keyspace_ = table.keyspace;
  selection.table_ = table.name;
  selection.json_ = statement.json;
  SelectorAnalysis analysis(table, context);
  const auto add = [&selection](AnalyzedSelector selector, std::string name) {
    std::string json_name = base::StrCat(QuoteJson(JsonName(name)), ": ");
    selection.items_.push_back({std::move(selector), std::move(name), std::move(json_name)});
  };
  if (statement.items.empty()) {
    // In the order of kinds: key, static and regular columns.
    for (const ColumnKind kind : {ColumnKind::kPartitionKey, ColumnKind::kClustering,
                                  ColumnKind::kStatic, ColumnKind::kRegular}) {
      for (const data::ColumnSchema& column : table.columns) {
        if (column.kind == kind) add(analysis.Column(column), column.name);
      }
    }
  }
  if (statement.items.size() > context->limits.selectors_max) {
    return base::InvalidRequest(base::StrCat("SELECT has ", statement.items.size(),
                                             " selectors, the limit is ",
                                             context->limits.selectors_max));
  }
  for (const SelectItem& item : statement.items) {
    THOLOS_ASSIGN_OR_RETURN(AnalyzedSelector selector, analysis.Analyze(item.selector));
    std::string name = item.alias ? item.alias->name : selector.name;
    add(std::move(selector), std::move(name));
  }
  selection.operands_ = analysis.TakeOperands();
  selection.aggregates_ = analysis.TakeAggregates();
  selection.columns_ = analysis.columns();
  return selection;
}

std::vector<ResultColumn> Selection::ResultColumns() const {
  if (json_) return {{keyspace_, table_, "[json]", DataType(data::TypeId::kText)}};
  std::vector<ResultColumn> columns;
  for (const Item& item : items_) {
    columns.push_back({keyspace_, table_, item.name, item.selector.type});
  }
  return columns;
}

const ColumnRef* Selection::FirstOutside(ColumnKind a, ColumnKind b) const {
  const auto found = std::find_if(columns_.begin(), columns_.end(), [&](const ColumnRef& column) {
    return column.kind != a && column.kind != b;
  });
  return found == columns_.end() ? nullptr : &*found;
}

bool Selection::Selects(ColumnKind kind, uint32_t index) const {
  return std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
    const std::optional<ColumnRef>& column = item.selector.column;
    return column && column->kind == kind && column->index == index;
  });
}

absl::StatusOr<Evaluation> Selection::Bind(Request& request) const {
  Evaluation evaluation{
      .functions = {request.wall_micros, request.services->random, request.services->time_uuids}};
  evaluation.operands.reserve(operands_.size());
  for (const Operand& operand : operands_) {
    THOLOS_ASSIGN_OR_RETURN(Argument argument, operand.Take(request));
    if (argument.unset) return base::InvalidRequest("Invalid unset value in the selection");
    evaluation.operands.push_back(std::move(argument.value));
  }
  return evaluation;
}

absl::Status Selection::AppendRow(Evaluation& evaluation, RowsResult* out) const {
  if (json_) return AppendJson(evaluation, out);
  std::string scratch;
  for (const Item& item : items_) {
    if (item.selector.column) {
      const std::optional<std::string_view> value =
          item.selector.column->ValueIn(*evaluation.view, &scratch);
      value ? AppendValue(*value, &out->rows) : AppendNull(&out->rows);
      continue;
    }
    const absl::StatusOr<data::Value> value = item.selector.expression->Evaluate(evaluation);
    if (!value.ok()) return Failed(value.status());
    AppendValue(*value, &out->rows);
  }
  ++out->row_count;
  return absl::OkStatus();
}

absl::Status Selection::AppendJson(Evaluation& evaluation, RowsResult* out) const {
  std::string json = "{";
  for (const Item& item : items_) {
    const absl::StatusOr<data::Value> value = item.selector.expression->Evaluate(evaluation);
    if (!value.ok()) return Failed(value.status());
    base::StrAppend(&json, json.size() == 1 ? "" : ", ", item.json_name,
                    ToJson(item.selector.type, *value));
  }
  json.push_back('}');
  AppendValue(std::string_view(json), &out->rows);
  ++out->row_count;
  return absl::OkStatus();
}

// ---- groups ----

Group::Group(const Selection& selection) : selection_(selection) { Reset(); }

void Group::Reset() {
  rows_ = 0;
  first_ = RowView();
  accumulators_.clear();
  for (const AggregateCall& call : selection_.aggregates()) {
    accumulators_.push_back(call.function->accumulate());
  }
}

void Group::KeepFirst(const RowView& view) {
  first_ = view;
  const auto keep = [](auto* copy, const auto*& pointer) {
    if (pointer == nullptr) return;
    *copy = *pointer;
    if constexpr (requires { copy->value(); }) {
      pointer = &copy->value();
    } else {
      pointer = copy;
    }
  };
  keep(&partition_, first_.partition);
  keep(&clustering_, first_.clustering);
  keep(&static_row_, first_.static_row);
  keep(&row_, first_.row);
}

absl::Status Group::Add(Evaluation& evaluation) {
  if (rows_++ == 0) KeepFirst(*evaluation.view);
  std::vector<data::Value> arguments;
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    arguments.clear();
    for (const RowExpressionPtr& argument : selection_.aggregates()[i].arguments) {
      absl::StatusOr<data::Value> value = argument->Evaluate(evaluation);
      if (!value.ok()) return Failed(value.status());
      arguments.push_back(*std::move(value));
    }
    const absl::Status added = accumulators_[i]->Add(arguments);
    if (!added.ok()) return Failed(added);
  }
  return absl::OkStatus();
}

absl::Status Group::Finish(Evaluation& evaluation, RowsResult* out) {
  evaluation.slots.clear();
  for (const std::unique_ptr<Accumulator>& accumulator : accumulators_) {
    absl::StatusOr<data::Value> value = accumulator->Finish();
    if (!value.ok()) return Failed(value.status());
    evaluation.slots.push_back(*std::move(value));
  }
  evaluation.view = &first_;
  const absl::Status appended = selection_.AppendRow(evaluation, out);
  evaluation.view = nullptr;
  Reset();
  return appended;
}

}  // namespace tholos::cql
