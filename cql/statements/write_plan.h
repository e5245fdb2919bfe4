// What INSERT, UPDATE and DELETE come to: the same changes for each row that the keys name, or
// tombstones over rows, ranges of rows and partitions.
//
// The timestamp is that of USING TIMESTAMP, else the request's, else a new one of the coordinator;
// one for the whole statement. A TTL counts from this node's wall clock, or from the client's now. If
// that clock is too wrong neither is given (Coordinator::CheckClock), and nothing is written. The
// partitions of an IN list are written side by side; each alone is
// atomic.
//
// An operation on a list that has to know the list (ColumnOperation::needs_read) reads the rows
// first, at the consistency level of the write. As in Cassandra nothing keeps others from changing
// the list in between.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/analysis/operand.h"
#include "cql/analysis/restrictions.h"
#include "cql/plan.h"
#include "cql/statements/column_operation.h"
#include "data/partition.h"

namespace tholos::cql {

// A timestamp operand's value; nothing: unset. kInvalid for null, and for the one number that is no
// timestamp.
absl::StatusOr<std::optional<int64_t>> TakeTimestamp(const Operand& operand, Request& request);

// USING TTL and TIMESTAMP.
struct WriteParameters {
  std::optional<Operand> timestamp;
  std::optional<Operand> ttl;
  static absl::StatusOr<WriteParameters> Analyze(const UpdateParameters& parameters,
                                                 const data::TableSchema& table,
                                                 AnalysisContext* context);
};

class WritePlan final : public Plan {
 public:
  enum class Rows : uint8_t {
    kNone,       // the static row only
    kCells,      // UPDATE, and DELETE of columns: rows exist by their cells
    kInserted,   // INSERT: rows exist by themselves
    kDeleted,    // whole rows
    kRange,      // all rows of slices
    kPartition,  // the whole partition
  };
  struct Spec {
    std::string_view kind;
    TablePtr table;
    Restrictions keys;
    Rows rows = Rows::kCells;
    std::vector<ColumnOperation> operations;
    WriteParameters parameters;
    // INSERT JSON: a text whose members are the request's json_values.
    std::optional<Operand> json;
    bool json_default_unset = false;
  };
  explicit WritePlan(Spec spec);

  base::Task<absl::Status> Execute(Request& request) const override;
  std::string_view kind() const override { return spec_.kind; }
  const WritePlan* write_plan() const override { return this; }

  // It writes cells of one row, or the row's deletion, whatever the values: the common case, made
  // without the detour over lists of keys and operations.
  bool writes_one_row() const { return writes_one_row_; }
  // Requires writes_one_row(). The update is empty if all values are unset.
  absl::Status MakeMutation(Request& request, data::Mutation* mutation) const;
  // One for each partition that the statement writes. Requires !needs_read().
  absl::StatusOr<std::vector<data::Mutation>> MakeMutations(Request& request) const;
  // The same for any statement.
  base::Task<absl::StatusOr<std::vector<data::Mutation>>> ReadAndMakeMutations(
      Request& request) const;
  bool needs_read() const { return needs_read_; }
  bool has_timestamp() const { return spec_.parameters.timestamp.has_value(); }
  const data::TableSchema& table() const { return *spec_.table; }

 private:
  // The rows that the statement names.
  struct Targets {
    std::vector<data::DecoratedKey> partitions;
    std::vector<std::string> rows;  // clustering keys
  };
  // Rows as they were, by partition and clustering key; the static row under nothing.
  using Before = std::map<std::pair<data::DecoratedKey, std::optional<std::string>>, data::Row>;

  base::Task<absl::Status> WriteOne(Request& request) const;
  base::Task<absl::Status> WriteAll(Request& request) const;
  absl::StatusOr<Targets> TakeTargets(Request& request) const;
  base::Task<absl::StatusOr<Before>> Read(const Targets& targets, Request& request) const;
  absl::StatusOr<std::vector<data::Mutation>> Make(Targets targets, const Before& before,
                                                   Request& request) const;
  absl::StatusOr<WriteStamp> MakeStamp(Request& request) const;
  // What the statement does to a row beside its cells.
  void MarkRow(const WriteStamp& stamp, data::Row* row) const;
  absl::Status AddDeletions(Request& request, const WriteStamp& stamp,
                            data::Partition* update) const;
  absl::Status AddRows(const Targets& targets, const data::DecoratedKey& key, const Before& before,
                       const WriteStamp& stamp, bool last, Request& request,
                       std::vector<BoundOperation>* operations, data::Partition* update) const;

  Spec spec_;
  bool needs_read_ = false;
  bool writes_one_row_ = false;
  bool sorts_parts_ = false;  // there may be more cells of a column than one
};

// For UPDATE and DELETE: the whole partition key is given by = and IN, and nothing but the primary
// key is restricted. `statement` is its name for messages.
absl::Status CheckModifiedKeys(const Restrictions& keys, Position where, bool needs_clustering,
                               std::string_view statement);

}  // namespace tholos::cql
