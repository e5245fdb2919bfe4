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
    const size_t relations_max = context_->limits.relations_max;
    if (where.size() > relations_max) {
      return ErrorAt(where[relations_max].position, "WHERE has ", where.size(),
                     " conditions, the limit is ", relations_max);
    }
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
    // Of a tuple that was taken apart: this column's term. Else the relation's right side counts.
    const Term* term = nullptr;

    // No other condition on the column can say more.
    bool IsFixing() const {
      return relation->left != Relation::Left::kElement && cql::IsFixing(op);
    }
  };

  // ---- 1. relations to conditions ----

  absl::Status Add(const Relation& relation) {
    switch (relation.left) {
      case Relation::Left::kColumn:
        return AddColumn(relation);
      case Relation::Left::kElement:
        return AddElement(relation);
      case Relation::Left::kTuple:
        return AddTuple(relation);
      case Relation::Left::kToken:
        return AddToken(relation);
      case Relation::Left::kField:
        break;
    }
    return NotSupportedAt(relation.position, "a condition on a field");
  }

  // What no condition of the column's type can be.
  absl::Status CheckOperator(const Relation& relation, const data::ColumnSchema& column) {
    const data::DataType& type = column.type;
    switch (relation.op) {
      case Operator::kNotEqual:
        return ErrorAt(relation.position, "Unsupported \"!=\" relation: ", ToCql(relation));
      case Operator::kIsNotNull:
        return ErrorAt(relation.position, "Unsupported restriction: ", ToCql(relation));
      case Operator::kLike:
        return ErrorAt(relation.position,
                       "LIKE restriction is only supported on properly indexed columns. ",
                       ToCql(relation), " is not valid.");
      case Operator::kContains:
        if (type.is_collection()) return absl::OkStatus();
        return ErrorAt(relation.position, "Cannot use CONTAINS on non-collection column ",
                       column.name);
      case Operator::kContainsKey:
        if (type.id() == data::TypeId::kMap) return absl::OkStatus();
        return ErrorAt(relation.position, "Cannot use CONTAINS KEY on non-map column ",
                       column.name);
      default:
        break;
    }
    if (type.multi_cell() && type.is_collection()) {
      return ErrorAt(relation.position, "Collection column '", column.name, "' (", type.name(),
                     ") cannot be restricted by a '", ToString(relation.op), "' relation");
    }
    if (type.multi_cell()) {
      return ErrorAt(relation.position, "Non-frozen UDT column '", column.name, "' (", type.name(),
                     ") cannot be restricted by any relation");
    }
    const bool slice = IsLower(relation.op) || IsUpper(relation.op);
    if (slice && type.References(data::TypeId::kDuration)) {
      const bool simple = type.id() == data::TypeId::kDuration;
      return ErrorAt(relation.position, "Slice restrictions are not supported on ",
                     simple                            ? "duration columns"
                     : type.is_collection()            ? "collections containing durations"
                     : type.id() == data::TypeId::kUdt ? "UDTs containing durations"
                                                       : "tuples containing durations");
    }
    return absl::OkStatus();
  }

  absl::Status AddColumn(const Relation& relation) {
    THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                            ResolveColumn(table_, relation.columns[0]));
    THOLOS_RETURN_IF_ERROR(CheckOperator(relation, *column));
    by_column_[PlaceOf(column)].push_back({&relation, relation.op, PlaceOf(column)});
    return absl::OkStatus();
  }

  // m['k'] = 1
  absl::Status AddElement(const Relation& relation) {
    THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                            ResolveColumn(table_, relation.columns[0]));
    const data::DataType& type = column->type;
    if (type.id() == data::TypeId::kList) {
      return ErrorAt(relation.position, "Indexes on list entries (", column->name,
                     "[index] = value) are not currently supported.");
    }
    if (type.id() != data::TypeId::kMap) {
      return ErrorAt(relation.position, "Column ", column->name, " cannot be used as a map");
    }
    if (!type.multi_cell()) {
      return ErrorAt(relation.position, "Map-entry equality predicates on frozen map column ",
                     column->name, " are not supported");
    }
    if (relation.op != Operator::kEqual) {
      return ErrorAt(relation.position, "Only EQ relations are supported on map entries");
    }
    by_column_[PlaceOf(column)].push_back({&relation, relation.op, PlaceOf(column)});
    return absl::OkStatus();
  }

  size_t PlaceOf(const data::ColumnSchema* column) const { return column - table_.columns.data(); }

  absl::StatusOr<size_t> FirstOfTuple(const Relation& relation) {
    size_t first = 0;
    for (size_t i = 0; i < relation.columns.size(); ++i) {
      THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                              ResolveColumn(table_, relation.columns[i]));
      if (column->kind != data::ColumnKind::kClustering) {
        return ErrorAt(relation.columns[i].position,
                       "Multi-column relations can only be applied to clustering columns but was "
                       "applied to: ",
                       column->name);
      }
      THOLOS_RETURN_IF_ERROR(CheckOperator(relation, *column));
      if (i == 0) first = PlaceOf(column);
      const bool twice = PlaceOf(column) < first + i && i > 0 && PlaceOf(column) >= first;
      if (twice) {
        return ErrorAt(relation.columns[i].position, "Column \"", column->name,
                       "\" appeared twice in a relation: ", ToCql(relation));
      }
      if (PlaceOf(column) != first + i) {
        return ErrorAt(relation.columns[i].position,
                       "Clustering columns must appear in the PRIMARY KEY order in multi-column "
                       "relations: ",
                       ToCql(relation));
      }
    }
    return first;
  }

  absl::Status AddTuple(const Relation& relation) {
    const size_t width = relation.columns.size();
    THOLOS_ASSIGN_OR_RETURN(const size_t first, FirstOfTuple(relation));
    const auto* term = std::get_if<Term>(&relation.right);
    const auto* tuple = term == nullptr ? nullptr : std::get_if<TupleLiteral>(&term->value);
    // A tuple of another size is an error, which the alternatives report.
    const bool apart =
        relation.op == Operator::kEqual && tuple != nullptr && tuple->elements.size() == width;
    if (!apart) {
      by_column_[first].push_back({&relation, relation.op, first, width});
      return absl::OkStatus();
    }
    for (size_t i = 0; i < width; ++i) {
      by_column_[first + i].push_back(
          {&relation, Operator::kEqual, first + i, 1, &tuple->elements[i]});
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
                     "The token() function must contains only partition key components, in their "
                     "order");
    }
    if (relation.op == Operator::kNotEqual) {
      return ErrorAt(relation.position, "Unsupported \"!=\" relation: ", ToCql(relation));
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
    return absl::OkStatus();
  }

  absl::Status TokenArguments(const FunctionCall& call, std::vector<Operand>* out) {
    if (call.arguments.size() != partition_size_) {
      return ErrorAt(call.position, "token() takes ", partition_size_,
                     partition_size_ == 1 ? " argument, " : " arguments, ", call.arguments.size(),
                     " given");
    }
    for (size_t i = 0; i < partition_size_; ++i) {
      THOLOS_ASSIGN_OR_RETURN(
          Operand operand,
          Operand::Analyze(call.arguments[i], Receiver::Of(table_, table_.columns[i]), context_));
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
          if (condition.IsFixing()) column.fixing = &condition;
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
      if (condition.IsFixing()) return &condition;
    }
    return nullptr;
  }

  absl::Status BuildPartition() {
    bool any = false;
    const Condition* range = nullptr;
    size_t fixed = 0;
    for (size_t i = 0; i < partition_size_; ++i) {
      const bool open = FixingOf(i) == nullptr;
      result_.partition_open_.push_back(open);
      if (!open) ++fixed;
      if (by_column_[i].empty()) continue;
      any = true;
      if (open) range = &by_column_[i].front();
    }
    if (!any) return absl::OkStatus();
    if (fixed == partition_size_) {
      for (size_t i = 0; i < partition_size_; ++i) {
        THOLOS_ASSIGN_OR_RETURN(Alternatives values, AnalyzedValues(*FixingOf(i)));
        result_.partition_.push_back(std::move(values));
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
      THOLOS_ASSIGN_OR_RETURN(Alternatives step, AnalyzedValues(*fixing));
      result_.steps_.push_back(std::move(step));
      for (size_t j = 0; j < fixing->width; ++j) result_.clustering_open_[i + j] = false;
      i += fixing->width;
    }
    bool bounded = false;
    bool filtered = false;
    if (i < clustering_size_) {
      for (const Condition& condition : by_column_[partition_size_ + i]) {
        if (!IsLower(condition.op) && !IsUpper(condition.op)) {
          THOLOS_RETURN_IF_ERROR(AddFilter(condition, base::InvalidRequest(kNeedsFiltering)));
          result_.filters_clustering_ = true;
          filtered = true;
          continue;
        }
        THOLOS_ASSIGN_OR_RETURN(Alternatives values, AnalyzedValues(condition));
        result_.bounds_.push_back({condition.op, std::move(values)});
        bounded = true;
      }
    }
    if (result_.partition_.empty() && (bounded || i > 0)) {
      RequireFiltering(base::InvalidRequest(kNeedsFiltering));
    }
    return FilterClustering(i + (bounded || filtered ? 1 : 0), bounded);
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
    Restrictions::Filter filter;
    for (size_t i = 0; i < condition.width; ++i) {
      filter.columns.push_back(ColumnRef::Of(table_, table_.columns[condition.column + i]));
    }
    filter.op = condition.op;
    const data::ColumnSchema& column = table_.columns[condition.column];
    const bool element = condition.relation->left == Relation::Left::kElement;
    if (element) {
      THOLOS_ASSIGN_OR_RETURN(filter.element, PartOperand(*condition.relation->key, column,
                                                          column.type.arguments()[0], "key"));
    }
    if (element || condition.op == Operator::kContains || condition.op == Operator::kContainsKey) {
      const bool key = condition.op == Operator::kContainsKey;
      THOLOS_ASSIGN_OR_RETURN(
          filter.part,
          PartOperand(std::get<Term>(condition.relation->right), column,
                      key ? column.type.arguments()[0] : column.type.arguments().back(),
                      key ? "key" : "value"));
    } else {
      THOLOS_ASSIGN_OR_RETURN(filter.values, AnalyzedValues(condition));
    }
    result_.filters_.push_back(std::move(filter));
    return absl::OkStatus();
  }

  // ---- terms ----

  // A key or value of a collection: markers there are called "value(c)".
  absl::StatusOr<Operand> PartOperand(const Term& term, const data::ColumnSchema& column,
                                      const data::DataType& type, std::string_view what) {
    const std::string name = base::StrCat(what, "(", column.name, ")");
    return Operand::Analyze(term, Receiver{type, name, table_.keyspace, table_.name}, context_);
  }

  absl::StatusOr<Alternatives> AnalyzedValues(const Condition& condition) {
    if (condition.term != nullptr) {
      return Alternatives::Of(*condition.term, table_, condition.column, context_);
    }
    return Alternatives::Analyze(*condition.relation, table_, condition.column, condition.width,
                                 context_);
  }

  const data::TableSchema& table_;
  AnalysisContext* context_;
  const size_t partition_size_;
  const size_t clustering_size_;
  std::vector<std::vector<Condition>> by_column_;  // by the condition's first column
  Restrictions result_;
};

absl::StatusOr<Restrictions> Restrictions::Analyze(const TablePtr& table,
                                                   const std::vector<Relation>& where,
                                                   AnalysisContext* context) {
  return RestrictionsBuilder(table, context).Build(where);
}

}  // namespace tholos::cql
