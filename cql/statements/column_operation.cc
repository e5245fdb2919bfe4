// The analysis of operations; column_writes.cc carries them out.
#include "cql/statements/column_operation.h"

#include <utility>

#include "base/status_macros.h"
#include "cql/text.h"

namespace tholos::cql {
namespace {

using Kind = ColumnOperation::Kind;
using data::TypeId;

absl::StatusOr<ColumnOperation> OfColumn(Kind kind, const data::ColumnSchema& column) {
  ColumnOperation operation;
  operation.kind = kind;
  operation.column = column.id;
  operation.is_static = column.kind == data::ColumnKind::kStatic;
  operation.name = column.name;
  operation.type = column.type;
  return operation;
}

bool IsKey(const data::ColumnSchema& column) {
  return column.kind == data::ColumnKind::kPartitionKey ||
         column.kind == data::ColumnKind::kClustering;
}

// "v = v + 1", as Cassandra shows an assignment.
std::string Shown(const Assignment& assignment) {
  const std::string column = ToCql(Term{assignment.column});
  const std::string value = ToCql(assignment.value);
  std::string text;
  switch (assignment.kind) {
    case Assignment::Kind::kSet:
      text = base::StrCat(column, " = ", value);
      break;
    case Assignment::Kind::kAppend:
      text = base::StrCat(column, " = ", column, " + ", value);
      break;
    case Assignment::Kind::kPrepend:
      text = base::StrCat(column, " = ", value, " + ", column);
      break;
    case Assignment::Kind::kRemove:
      text = base::StrCat(column, " = ", column, " - ", value);
      break;
    case Assignment::Kind::kElement:
      text = base::StrCat(column, "[", ToCql(*assignment.key), "] = ", value);
      break;
    case Assignment::Kind::kField:
      text = base::StrCat(column, ".", assignment.field.name, " = ", value);
      break;
  }
  return Abbreviate(text, 200);
}

class AssignmentAnalysis {
 public:
  AssignmentAnalysis(const Assignment& assignment, const data::TableSchema& table,
                     const data::ColumnSchema& column, AnalysisContext* context)
      : assignment_(assignment), table_(table), column_(column), context_(context) {}

  absl::StatusOr<ColumnOperation> Run() {
    switch (assignment_.kind) {
      case Assignment::Kind::kSet:
        return Valued(Kind::kAssign, column_.type);
      case Assignment::Kind::kAppend:
      case Assignment::Kind::kRemove:
        return Changed();
      case Assignment::Kind::kPrepend:
        if (column_.type.id() != TypeId::kList) return Refused("non list");
        if (!column_.type.multi_cell()) return Refused("frozen list");
        return Valued(Kind::kPrepend, column_.type);
      case Assignment::Kind::kElement:
        return Element();
      case Assignment::Kind::kField:
        return Field();
    }
    return Refused("");
  }

 private:
  absl::Status Refused(std::string_view what) const {
    return ErrorAt(assignment_.position, "Invalid operation (", Shown(assignment_), ") for ", what,
                   " column ", column_.name);
  }

  absl::StatusOr<ColumnOperation> Valued(Kind kind, const data::DataType& type) const {
    THOLOS_ASSIGN_OR_RETURN(ColumnOperation operation, OfColumn(kind, column_));
    Receiver receiver = Receiver::Of(table_, column_);
    receiver.type = type;
    THOLOS_ASSIGN_OR_RETURN(operation.value,
                            Operand::Analyze(assignment_.value, receiver, context_));
    return operation;
  }

  // c + value, c - value
  absl::StatusOr<ColumnOperation> Changed() const {
    const data::DataType& type = column_.type;
    if (type.id() == TypeId::kTuple || type.id() == TypeId::kUdt) return Refused("tuple");
    if (type.id() == TypeId::kCounter) {
      return NotSupportedAt(assignment_.position, "changing a counter");
    }
    if (!type.is_collection()) return Refused("non counter");
    if (!type.multi_cell()) return Refused("frozen collection");
    if (assignment_.kind == Assignment::Kind::kAppend) return Valued(Kind::kAppend, type);
    // Of a map go keys.
    return Valued(Kind::kRemove, type.id() == TypeId::kMap
                                     ? data::DataType::Set(type.arguments()[0], false)
                                     : type);
  }

  absl::StatusOr<ColumnOperation> Element() const {
    const data::DataType& type = column_.type;
    if (!type.is_collection()) return Refused("non collection");
    if (!type.multi_cell()) return Refused("frozen collection");
    if (type.id() == TypeId::kSet) return Refused("set");
    const bool map = type.id() == TypeId::kMap;
    THOLOS_ASSIGN_OR_RETURN(ColumnOperation operation,
                            Valued(Kind::kSetElement, type.arguments()[map ? 1 : 0]));
    Receiver key = Receiver::Of(table_, column_);
    key.type = map ? type.arguments()[0] : data::DataType(TypeId::kInt);
    key.name = base::StrCat(map ? "key(" : "idx(", column_.name, ")");
    key.shown = base::StrCat(map ? "a key of column '" : "an index of column '", column_.name, "'");
    THOLOS_ASSIGN_OR_RETURN(operation.key, Operand::Analyze(*assignment_.key, key, context_));
    return operation;
  }

  absl::StatusOr<ColumnOperation> Field() const {
    const data::DataType& type = column_.type;
    if (type.id() != TypeId::kUdt) return Refused("non-UDT");
    if (!type.multi_cell()) return Refused("frozen UDT");
    const std::optional<size_t> field = type.user_type().FindField(assignment_.field.name);
    if (!field) {
      return ErrorAt(assignment_.field.position, "UDT column ", column_.name,
                     " does not have a field named ", assignment_.field.name);
    }
    THOLOS_ASSIGN_OR_RETURN(ColumnOperation operation,
                            Valued(Kind::kSetField, type.arguments()[*field]));
    operation.field = *field;
    return operation;
  }

  const Assignment& assignment_;
  const data::TableSchema& table_;
  const data::ColumnSchema& column_;
  AnalysisContext* context_;
};

}  // namespace

ColumnOperation ColumnOperation::Assign(const data::ColumnSchema& column, Operand value) {
  ColumnOperation operation = *OfColumn(Kind::kAssign, column);
  operation.value = std::move(value);
  return operation;
}

absl::StatusOr<ColumnOperation> ColumnOperation::Of(const Assignment& assignment,
                                                    const data::TableSchema& table,
                                                    AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column,
                          ResolveColumn(table, assignment.column));
  if (IsKey(*column)) {
    return ErrorAt(assignment.column.position, "PRIMARY KEY part ", column->name,
                   " found in SET part");
  }
  return AssignmentAnalysis(assignment, table, *column, context).Run();
}

absl::StatusOr<ColumnOperation> ColumnOperation::Of(const DeleteTarget& target,
                                                    const data::TableSchema& table,
                                                    AnalysisContext* context) {
  THOLOS_ASSIGN_OR_RETURN(const data::ColumnSchema* column, ResolveColumn(table, target.column));
  const data::DataType& type = column->type;
  if (IsKey(*column)) {
    return ErrorAt(target.position, "Invalid identifier ", column->name,
                   " for deletion (should not be a PRIMARY KEY part)");
  }
  if (target.field) {
    if (type.id() != TypeId::kUdt) {
      return ErrorAt(target.position, "Invalid field deletion operation for non-UDT column ",
                     column->name);
    }
    if (!type.multi_cell()) {
      return ErrorAt(target.position, "Frozen UDT column ", column->name,
                     " does not support field deletions");
    }
    const std::optional<size_t> field = type.user_type().FindField(target.field->name);
    if (!field) {
      return ErrorAt(target.field->position, "UDT column ", column->name,
                     " does not have a field named ", target.field->name);
    }
    THOLOS_ASSIGN_OR_RETURN(ColumnOperation operation, OfColumn(Kind::kDeleteField, *column));
    operation.field = *field;
    return operation;
  }
  if (!target.key) return OfColumn(Kind::kDelete, *column);
  if (!type.is_collection()) {
    return ErrorAt(target.position, "Invalid deletion operation for non collection column ",
                   column->name);
  }
  if (!type.multi_cell()) {
    return ErrorAt(target.position, "Invalid deletion operation for frozen collection column ",
                   column->name);
  }
  THOLOS_ASSIGN_OR_RETURN(ColumnOperation operation, OfColumn(Kind::kDeleteElement, *column));
  const bool list = type.id() == TypeId::kList;
  Receiver key = Receiver::Of(table, *column);
  key.type = list ? data::DataType(TypeId::kInt) : type.arguments()[0];
  key.name = base::StrCat(list ? "idx(" : "key(", column->name, ")");
  key.shown = base::StrCat(list ? "an index of column '" : "a key of column '", column->name, "'");
  THOLOS_ASSIGN_OR_RETURN(operation.key, Operand::Analyze(*target.key, key, context));
  return operation;
}

}  // namespace tholos::cql
