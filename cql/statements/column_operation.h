// What INSERT, UPDATE and DELETE do to one static or regular column of a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cql/analysis/operand.h"
#include "cql/ast.h"
#include "cql/plan.h"
#include "data/partition.h"

namespace tholos::cql {

//   kind            of a column that is                    writes
//   kAssign         of one piece                           a cell
//                   multi-cell                             a complex deletion just older than the
//                                                          write, a cell for each element or field
//   kAppend         a multi-cell list, set or map          cells; the paths of a list's are new
//                                                          timeuuids
//   kPrepend        a multi-cell list                      cells with timeuuids that run backwards
//                                                          from 2010, the later the smaller
//   kRemove         a multi-cell list, set or map          tombstones of elements; a list is read
//   kSetElement     a multi-cell list or map               a cell; a list is read
//   kSetField       a multi-cell user type                 a cell
//   kDelete         any                                    a tombstone or complex deletion
//   kDeleteElement  a multi-cell list, set or map          a tombstone; a list is read
//   kDeleteField    a multi-cell user type                 a tombstone
struct ColumnOperation {
  enum class Kind : uint8_t {
    kAssign,
    kAppend,
    kPrepend,
    kRemove,
    kSetElement,
    kSetField,
    kDelete,
    kDeleteElement,
    kDeleteField,
  };
  Kind kind = Kind::kAssign;
  data::ColumnId column = 0;
  bool is_static = false;
  std::string name;
  data::DataType type;
  Operand key;       // of an element
  size_t field = 0;  // of kSetField and kDeleteField
  Operand value;     // unless it deletes

  static ColumnOperation Assign(const data::ColumnSchema& column, Operand value);
  // kInvalid, in Cassandra's words, where the column's type does not take the operation, or the
  // column belongs to the primary key.
  static absl::StatusOr<ColumnOperation> Of(const Assignment& assignment,
                                            const data::TableSchema& table,
                                            AnalysisContext* context);
  static absl::StatusOr<ColumnOperation> Of(const DeleteTarget& target,
                                            const data::TableSchema& table,
                                            AnalysisContext* context);

  // Whether it writes one cell at most, that depends on the value alone.
  bool writes_one_cell() const {
    return !type.multi_cell() && (kind == Kind::kAssign || kind == Kind::kDelete);
  }
  // Whether it needs the list as it is.
  bool needs_read() const {
    return type.id() == data::TypeId::kList &&
           (kind == Kind::kRemove || kind == Kind::kSetElement || kind == Kind::kDeleteElement);
  }
};

// When a write happens, and how long it lives.
struct WriteStamp {
  data::Timestamp timestamp = 0;
  int32_t ttl_seconds = 0;  // 0: for ever
  int64_t now_seconds = 0;
};

// An operation in one execution: its operands are taken once, and written to every row.
class BoundOperation {
 public:
  // kInvalid: a value, or a number of elements, that is beyond its limit. A number that is near it
  // becomes a warning of the request.
  static absl::StatusOr<BoundOperation> Bind(const ColumnOperation& operation, Request& request);

  // Bind and AddTo in one, for an operation on a column of one piece that is kAssign or kDelete: it
  // writes one cell, or none for an unset value.
  static absl::Status AddCell(const ColumnOperation& operation, const WriteStamp& stamp,
                              Request& request, data::Row* row);

  // Adds to `row`, in no order. `before` is the row as it was read, null if there was none; only
  // for needs_read(). The last one of several rows may `consume` the value.
  absl::Status AddTo(data::Row* row, const data::Row* before, const WriteStamp& stamp, bool consume,
                     Request& request);

  bool is_static() const { return operation_->is_static; }

 private:
  explicit BoundOperation(const ColumnOperation& operation) : operation_(&operation) {}

  absl::Status Assign(data::Row* row, const WriteStamp& stamp, bool consume, Request& request);
  absl::Status AddElements(data::Row* row, const WriteStamp& stamp, Request& request) const;
  void AddListElements(data::Row* row, const WriteStamp& stamp, Request& request) const;
  void PrependElements(data::Row* row, const WriteStamp& stamp, Request& request) const;
  absl::Status Remove(data::Row* row, const data::Row* before, const WriteStamp& stamp) const;
  absl::Status ChangeElement(data::Row* row, const data::Row* before,
                             const WriteStamp& stamp) const;
  absl::StatusOr<std::string> ListPath(const data::Row* before, const WriteStamp& stamp) const;
  data::Cell Live(std::string value, const WriteStamp& stamp) const;
  data::Cell Dead(const WriteStamp& stamp) const;

  const ColumnOperation* operation_;
  Argument key_;
  Argument value_;
};

// Cells and complex deletions in their order, one each: what several operations on a column write
// is reconciled.
void SortParts(data::Row* row);

}  // namespace tholos::cql
