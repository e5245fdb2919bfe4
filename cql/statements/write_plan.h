// What INSERT, UPDATE and DELETE come to: the same cells, liveness or tombstones for each row that
// the keys name.
//
// The timestamp is that of USING TIMESTAMP, else the request's, else a new one of the coordinator;
// one for the whole statement. The partitions of an IN list are written side by side; each alone is
// atomic.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/analysis/operand.h"
#include "cql/analysis/restrictions.h"
#include "cql/plan.h"
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

// One static or regular column: a value, or (without) its deletion.
struct ColumnWrite {
  data::ColumnId column = 0;
  bool is_static = false;
  std::string name;
  std::optional<Operand> value;
};

class WritePlan final : public Plan {
 public:
  enum class Rows : uint8_t {
    kNone,       // the static row only
    kCells,      // UPDATE, and DELETE of columns: rows exist by their cells
    kInserted,   // INSERT: rows exist by themselves
    kDeleted,    // whole rows
    kPartition,  // the whole partition
  };
  struct Spec {
    std::string_view kind;
    TablePtr table;
    Restrictions keys;
    Rows rows = Rows::kCells;
    std::vector<ColumnWrite> columns;
    WriteParameters parameters;
  };
  explicit WritePlan(Spec spec);

  base::Task<absl::StatusOr<QueryResult>> Execute(Request request) const override;
  std::string_view kind() const override { return spec_.kind; }
  const WritePlan* write_plan() const override { return this; }

  // One for each partition that the statement writes.
  absl::StatusOr<std::vector<data::Mutation>> MakeMutations(Request& request) const;
  bool has_timestamp() const { return spec_.parameters.timestamp.has_value(); }
  const data::TableSchema& table() const { return *spec_.table; }

 private:
  struct Stamp {
    data::Timestamp timestamp = 0;
    int32_t ttl_seconds = 0;
    int64_t now_seconds = 0;
  };
  absl::StatusOr<Stamp> MakeStamp(Request& request) const;
  absl::StatusOr<data::Partition> MakeUpdate(Request& request) const;
  absl::Status MakeCells(Request& request, const Stamp& stamp, std::vector<data::Cell>* regular,
                         std::vector<data::Cell>* of_static) const;

  Spec spec_;
};

// For UPDATE and DELETE: the whole partition key is given by = and IN, and nothing but the primary
// key is restricted.
absl::Status CheckModifiedKeys(const Restrictions& keys, Position where, bool needs_clustering);

}  // namespace tholos::cql
