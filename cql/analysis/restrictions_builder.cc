// The analysis of WHERE, in steps:
//
//   1. each relation becomes conditions on runs of neighbouring columns; (a, b) = (1, 2) becomes
//   two
//   2. no column has contradicting or doubled conditions
//   3. the partition key: keys, tokens, or open
//   4. the clustering columns in order: steps as long as = and IN go, then bounds
//   5. what is left over is a filter
#include <utility>

#include "base/status_macros.h"
#include "cql/analysis/restrictions.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

constexpr std::string_view kNeedsFiltering =
    "Cannot execute this query as it might involve data filtering and thus may have unpredictable "
    "performance. If you want to execute this query despite the performance unpredictability, use "
    "ALLOW FILTERING";

bool IsLower(Operator op) { return op == Operator::kGreater || op == Operator::kGreaterOrEqual; }
bool IsUpper(Operator op) { return op == Operator::kLess || op == Operator::kLessOrEqual; }
bool IsFixing(Operator op) { return op == Operator::kEqual || op == Operator::kIn; }

}  // namespace

class RestrictionsBuilder {
 public:
  RestrictionsBuilder(const TablePtr& table, AnalysisContext* context)
      : table_(*table),
        context_(context),
        partition_size_(table->partition_key_size()),
        clustering_size_(table->clustering_size()),
        by_column_(table->columns.size()) {
    result_.table_ = table;
  }

  absl::StatusOr<Restrictions> Build(const std::vector<Relation>& where) {
    for (const Relation& relation : where) THOLOS_RETURN_IF_ERROR(Add(relation));
    THOLOS_RETURN_IF_ERROR(CheckConflicts());
    THOLOS_RETURN_IF_ERROR(BuildPartition());
    THOLOS_RETURN_IF_ERROR(BuildClustering());
    for (size_t i = partition_size_ + clustering_size_; i < by_column_.size(); ++i) {
      for (const Condition& condition : by_column_[i]) {
        THOLOS_RETURN_IF_ERROR(AddFilter(condition, base::InvalidRequest(kNeedsFiltering)));
        if (!result_.first_filter_) result_.first_filter_ = *condition.relation;
      }
    }
    return std::move(result_);
  }

 private:
  // On the columns [column, column + width) of the table.
  struct Condition {
    const Relation* relation = nullptr;
    Operator op = Operator::kEqual;
    size_t column = 0;
    size_t width = 1;
    std::vector<std::vector<const Term*>> alternatives;
  };

  // ---- 1. relations to conditions ----

  absl::Status Add(const Relation& relation) {
    switch (relation.left) {
      case Relation::Left::kColumn:
        return AddColumn(relation);
      case Relation::Left::kTuple:
        return AddTuple(relation);
      case Relation::Left::kToken:
        return AddToken(relation);
      case Relation::Left::kElement:
      case Relation::Left::kField:
        return NotSupportedAt(relation.position, "a condition on a part of a column");
    }
    return absl::OkStatus();
  }

  absl::Status CheckOperator(const Relation& relation, const data::ColumnSchema& column) {
    switch (relation.op) {
      case Operator::kNotEqual:
        return NotSupportedAt(relation.position, "!= in WHERE");
      case Operator::kLike:
      case Operator::kIsNotNull:
        return NotSupportedAt(relation.position, ToString(relation.op));
      case Operator::kContains:
      case Operator::kContainsKey:
        return ErrorAt(relation.position, ToString(relation.op),
                       " needs a collection, and column '", column.name, "' is ",
                       column.type.name());
      default:
        return absl::OkStatus();
    }
  }

  // The terms on the right: one, or those of IN.
  absl::StatusOr<std::vector<const Term*>> Right(const Relation& relation) {
    std::vector<const Term*> terms;
    if (const auto* term = std::get_if<Term>(&relation.right)) {
      if (relation.op == Operator::kIn) {
        return NotSupportedAt(term->position(), "IN with one bind marker for the whole list");
      }
      terms.push_back(term);
    } else {
      for (const Term& element : std::get<TermList>(relation.right).terms) {
        terms.push_back(&element);
      }
    }
    return terms;
  }

  absl::Status AddColumn(const Relation& relation) {
    THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                            ResolveColumn(table_, relation.columns[0]));
    THOLOS_RETURN_IF_ERROR(CheckOperator(relation, *column));
    THOLOS_ASSIGN_OR_RETURN(const std::vector<const Term*> terms, Right(relation));
    Condition condition{&relation, relation.op, PlaceOf(column), 1, {}};
    for (const Term* term : terms) condition.alternatives.push_back({term});
    by_column_[condition.column].push_back(std::move(condition));
    return absl::OkStatus();
  }

  size_t PlaceOf(const data::ColumnSchema* column) const { return column - table_.columns.data(); }

  absl::StatusOr<size_t> FirstOfTuple(const Relation& relation) {
    size_t first = 0;
    for (size_t i = 0; i < relation.columns.size(); ++i) {
      THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                              ResolveColumn(table_, relation.columns[i]));
      if (column->kind != data::ColumnKind::kClustering) {
        return ErrorAt(relation.columns[i].position, "expected a clustering column, found '",
                       column->name, "': conditions on several columns take no others");
      }
      THOLOS_RETURN_IF_ERROR(CheckOperator(relation, *column));
      if (i == 0) first = PlaceOf(column);
      if (PlaceOf(column) != first + i) {
        return ErrorAt(relation.columns[i].position,
                       "clustering columns must be in the order of the PRIMARY KEY in a condition "
                       "on several columns");
      }
    }
    return first;
  }

  absl::StatusOr<std::vector<const Term*>> TupleElements(const Term& term, size_t width) {
    const auto* tuple = std::get_if<TupleLiteral>(&term.value);
    if (tuple == nullptr) {
      return NotSupportedAt(term.position(), "a bind marker for a whole tuple");
    }
    if (tuple->elements.size() != width) {
      return ErrorAt(tuple->position, "expected ", width, " values, found ",
                     tuple->elements.size());
    }
    std::vector<const Term*> elements;
    for (const Term& element : tuple->elements) elements.push_back(&element);
    return elements;
  }

  absl::Status AddTuple(const Relation& relation) {
    const size_t width = relation.columns.size();
    THOLOS_ASSIGN_OR_RETURN(const size_t first, FirstOfTuple(relation));
    THOLOS_ASSIGN_OR_RETURN(const std::vector<const Term*> terms, Right(relation));
    Condition condition{&relation, relation.op, first, width, {}};
    for (const Term* term : terms) {
      THOLOS_ASSIGN_OR_RETURN(auto elements, TupleElements(*term, width));
      condition.alternatives.push_back(std::move(elements));
    }
    if (relation.op != Operator::kEqual) {
      by_column_[first].push_back(std::move(condition));
      return absl::OkStatus();
    }
    for (size_t i = 0; i < width; ++i) {
      by_column_[first + i].push_back(
          {&relation, Operator::kEqual, first + i, 1, {{condition.alternatives[0][i]}}});
    }
    return absl::OkStatus();
  }

  absl::Status AddToken(const Relation& relation) {
    bool all = relation.columns.size() == partition_size_;
    for (size_t i = 0; i < relation.columns.size(); ++i) {
      THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                              ResolveColumn(table_, relation.columns[i]));
      all = all && PlaceOf(column) == i;
    }
    if (!all) {
      return ErrorAt(relation.position,
                     "token() takes all columns of the partition key in their order");
    }
    if (relation.op == Operator::kNotEqual) {
      return NotSupportedAt(relation.position, "!= on token()");
    }
    Restrictions::TokenBound bound;
    bound.op = relation.op;
    const Term& term = std::get<Term>(relation.right);
    const auto* call = std::get_if<FunctionCall>(&term.value);
    bound.of_key =
        call != nullptr && call->function.name == "token" && call->function.keyspace.empty();
    if (!bound.of_key) {
      THOLOS_ASSIGN_OR_RETURN(
          Operand operand,
          AnalyzeInteger(term, "[partition key token]", data::TypeId::kBigint, table_, context_));
      bound.values.push_back(std::move(operand));
    } else {
      THOLOS_RETURN_IF_ERROR(TokenArguments(*call, &bound.values));
    }
    result_.token_bounds_.push_back(std::move(bound));
    token_relation_ = &relation;
    return absl::OkStatus();
  }

  absl::Status TokenArguments(const FunctionCall& call, std::vector<Operand>* out) {
    if (call.arguments.size() != partition_size_) {
      return ErrorAt(call.position, "token() takes ", partition_size_,
                     partition_size_ == 1 ? " argument, " : " arguments, ", call.arguments.size(),
                     " given");
    }
    for (size_t i = 0; i < partition_size_; ++i) {
      THOLOS_ASSIGN_OR_RETURN(Operand operand, Analyzed(call.arguments[i], i));
      out->push_back(std::move(operand));
    }
    return absl::OkStatus();
  }

  // ---- 2. conflicts ----

  // The conditions on one column; bounds only where the column is the first of them.
  struct Uses {
    size_t conditions = 0;
    const Condition* fixing = nullptr;
    bool lower = false;
    bool upper = false;
  };

  absl::Status CheckConflicts() {
    std::vector<Uses> uses(by_column_.size());
    for (const std::vector<Condition>& conditions : by_column_) {
      for (const Condition& condition : conditions) {
        for (size_t i = 0; i < condition.width; ++i) {
          Uses& column = uses[condition.column + i];
          ++column.conditions;
          if (IsFixing(condition.op)) column.fixing = &condition;
        }
        THOLOS_RETURN_IF_ERROR(CheckBounds(condition, &uses[condition.column]));
      }
    }
    for (size_t i = 0; i < uses.size(); ++i) {
      if (uses[i].fixing == nullptr || uses[i].conditions == 1) continue;
      return ErrorAt(uses[i].fixing->relation->position, table_.columns[i].name,
                     " cannot be restricted by more than one relation if it includes ",
                     uses[i].fixing->op == Operator::kIn ? "a IN" : "an Equal");
    }
    return absl::OkStatus();
  }

  absl::Status CheckBounds(const Condition& condition, Uses* column) {
    const std::string& name = table_.columns[condition.column].name;
    if (IsLower(condition.op) && std::exchange(column->lower, true)) {
      return DoubledBound(condition, "start", name);
    }
    if (IsUpper(condition.op) && std::exchange(column->upper, true)) {
      return DoubledBound(condition, "end", name);
    }
    return absl::OkStatus();
  }

  static absl::Status DoubledBound(const Condition& condition, std::string_view which,
                                   const std::string& name) {
    return ErrorAt(condition.relation->position, "More than one restriction was found for the ",
                   which, " bound on ", name);
  }

  // ---- 3. the partition key ----

  const Condition* FixingOf(size_t column) const {
    for (const Condition& condition : by_column_[column]) {
      if (IsFixing(condition.op)) return &condition;
    }
    return nullptr;
  }

  absl::Status BuildPartition() {
    const Condition* any = nullptr;
    const Condition* range = nullptr;
    size_t fixed = 0;
    for (size_t i = 0; i < partition_size_; ++i) {
      const bool open = FixingOf(i) == nullptr;
      result_.partition_open_.push_back(open);
      if (!open) ++fixed;
      if (by_column_[i].empty()) continue;
      any = &by_column_[i].front();
      if (open) range = any;
    }
    if (any == nullptr) return absl::OkStatus();
    if (token_relation_ != nullptr) {
      return ErrorAt(any->relation->position, "column '", table_.columns[any->column].name,
                     "' cannot be restricted both directly and through token()");
    }
    if (fixed == partition_size_) {
      for (size_t i = 0; i < partition_size_; ++i) {
        THOLOS_ASSIGN_OR_RETURN(result_.partition_.emplace_back(),
                                AnalyzedAlternatives(*FixingOf(i)));
      }
      return absl::OkStatus();
    }
    const absl::Status why =
        range == nullptr ? base::InvalidRequest(kNeedsFiltering)
                         : ErrorAt(range->relation->position,
                                   "Only EQ and IN relation are supported on the partition key "
                                   "(unless you use the token() function or ALLOW FILTERING)");
    for (size_t i = 0; i < partition_size_; ++i) {
      for (const Condition& condition : by_column_[i]) {
        THOLOS_RETURN_IF_ERROR(AddFilter(condition, why));
      }
    }
    return absl::OkStatus();
  }

  // ---- 4. clustering columns ----

  absl::Status BuildClustering() {
    result_.clustering_open_.assign(clustering_size_, true);
    size_t i = 0;
    while (i < clustering_size_) {
      const Condition* fixing = FixingOf(partition_size_ + i);
      if (fixing == nullptr) break;
      ClusteringStep step{fixing->width, {}};
      for (const std::vector<const Term*>& terms : fixing->alternatives) {
        THOLOS_ASSIGN_OR_RETURN(step.alternatives.emplace_back(),
                                AnalyzedRun(terms, fixing->column));
      }
      result_.steps_.push_back(std::move(step));
      for (size_t j = 0; j < fixing->width; ++j) result_.clustering_open_[i + j] = false;
      i += fixing->width;
    }
    const bool bounded = i < clustering_size_ && !by_column_[partition_size_ + i].empty();
    if (bounded) {
      for (const Condition& condition : by_column_[partition_size_ + i]) {
        Restrictions::Bound& bound = result_.bounds_.emplace_back();
        bound.op = condition.op;
        THOLOS_ASSIGN_OR_RETURN(bound.values,
                                AnalyzedRun(condition.alternatives[0], condition.column));
      }
    }
    if (result_.partition_.empty() && (bounded || i > 0)) {
      RequireFiltering(base::InvalidRequest(kNeedsFiltering));
    }
    return FilterClustering(i + (bounded ? 1 : 0), bounded);
  }

  // Conditions from the clustering column `first` on come too late to be slices.
  absl::Status FilterClustering(size_t first, bool behind_bound) {
    for (size_t i = first; i < clustering_size_; ++i) {
      for (const Condition& condition : by_column_[partition_size_ + i]) {
        THOLOS_RETURN_IF_ERROR(AddFilter(condition, WhyFiltered(condition, behind_bound, first)));
        result_.filters_clustering_ = true;
      }
    }
    return absl::OkStatus();
  }

  absl::Status WhyFiltered(const Condition& condition, bool behind_bound, size_t first) const {
    if (result_.partition_.empty()) return base::InvalidRequest(kNeedsFiltering);
    const std::string& name = table_.columns[condition.column].name;
    if (behind_bound) {
      return ErrorAt(condition.relation->position, "Clustering column \"", name,
                     "\" cannot be restricted (preceding column \"",
                     table_.columns[partition_size_ + first - 1].name,
                     "\" is restricted by a non-EQ relation)");
    }
    return ErrorAt(condition.relation->position, "PRIMARY KEY column \"", name,
                   "\" cannot be restricted as preceding column \"",
                   table_.columns[partition_size_ + first].name, "\" is not restricted");
  }

  // ---- 5. filters ----

  void RequireFiltering(absl::Status why) {
    if (result_.needs_filtering_.ok()) result_.needs_filtering_ = std::move(why);
  }

  absl::Status AddFilter(const Condition& condition, absl::Status why) {
    RequireFiltering(std::move(why));
    if (condition.width != 1) {
      return NotSupportedAt(condition.relation->position, "a filter on several columns together");
    }
    const data::ColumnSchema& column = table_.columns[condition.column];
    Restrictions::Filter& filter = result_.filters_.emplace_back();
    filter.column = ColumnRef::Of(table_, column);
    filter.type = column.type;
    filter.name = column.name;
    filter.op = condition.op;
    THOLOS_ASSIGN_OR_RETURN(filter.values, AnalyzedAlternatives(condition));
    return absl::OkStatus();
  }

  // ---- terms ----

  absl::StatusOr<Operand> Analyzed(const Term& term, size_t column) {
    return Operand::Analyze(term, Receiver::Of(table_, table_.columns[column]), context_);
  }

  // Of neighbouring columns from `first` on.
  absl::StatusOr<std::vector<Operand>> AnalyzedRun(const std::vector<const Term*>& terms,
                                                   size_t first) {
    std::vector<Operand> operands;
    for (size_t i = 0; i < terms.size(); ++i) {
      THOLOS_ASSIGN_OR_RETURN(Operand operand, Analyzed(*terms[i], first + i));
      operands.push_back(std::move(operand));
    }
    return operands;
  }

  absl::StatusOr<std::vector<Operand>> AnalyzedAlternatives(const Condition& condition) {
    std::vector<Operand> operands;
    for (const std::vector<const Term*>& terms : condition.alternatives) {
      THOLOS_ASSIGN_OR_RETURN(Operand operand, Analyzed(*terms[0], condition.column));
      operands.push_back(std::move(operand));
    }
    return operands;
  }

  const data::TableSchema& table_;
  AnalysisContext* context_;
  const size_t partition_size_;
  const size_t clustering_size_;
  std::vector<std::vector<Condition>> by_column_;  // by the condition's first column
  const Relation* token_relation_ = nullptr;
  Restrictions result_;
};

absl::StatusOr<Restrictions> Restrictions::Analyze(const TablePtr& table,
                                                   const std::vector<Relation>& where,
                                                   AnalysisContext* context) {
  return RestrictionsBuilder(table, context).Build(where);
}

}  // namespace tholos::cql
