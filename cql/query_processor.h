// The query processor: CQL text or a prepared id and values in, rows out. The servers (gRPC, native
// protocol) are thin doors onto it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/time.h"
#include "base/uuid.h"
#include "coordinator/consistency.h"
#include "cql/batch_type.h"
#include "cql/given_kind.h"
#include "data/types/data_type.h"

namespace tholos::cql {

struct ResultColumn {
  std::string keyspace;
  std::string table;
  std::string name;
  data::DataType type;
  friend bool operator==(const ResultColumn&, const ResultColumn&) = default;
};

// A bound value: bytes, null, or unset (leaves the column as it is).
struct BoundValue {
  std::optional<std::string> value;  // nothing: null
  bool unset = false;
  std::string name;     // for :name markers bound by name; empty: by position
  GivenKind kind = {};  // of typed values; raw ones have none
};

struct QueryOptions {
  coordinator::ConsistencyLevel consistency = coordinator::ConsistencyLevel::kQuorum;
  base::Deadline deadline;
  std::string keyspace;  // of the session (USE); empty: none
  std::vector<BoundValue> values;
  uint32_t page_size = 5000;         // rows
  std::string paging_state;          // from the previous page; empty: the first
  std::optional<int64_t> timestamp;  // microseconds; USING TIMESTAMP wins
  // SERIAL or LOCAL_SERIAL: of the decision of conditional statements.
  coordinator::ConsistencyLevel serial_consistency = coordinator::ConsistencyLevel::kSerial;
  // The clock that TTLs begin at and that expiry is judged by, seconds; nothing: this node's.
  std::optional<int64_t> now_seconds;
  bool tracing = false;  // every step goes to system_traces (coordinator/trace.h)
  std::string client;    // the client's address, for the trace
};

struct VoidResult {};
// A page of rows.
struct RowsResult {
  // Never null. Shared with the plan and all its results.
  std::shared_ptr<const std::vector<ResultColumn>> columns;
  uint32_t row_count = 0;
  std::string rows;          // all values, in the layout of rows.h
  std::string paging_state;  // empty: complete
};
struct SetKeyspaceResult {
  std::string keyspace;
};
struct SchemaChangeResult {
  std::string change;  // "CREATED", "UPDATED", "DROPPED"
  std::string target;  // "KEYSPACE", "TABLE"
  std::string keyspace;
  std::string name;  // of the table
};

struct QueryResult {
  std::variant<VoidResult, RowsResult, SetKeyspaceResult, SchemaChangeResult> result;
  std::vector<std::string> warnings;
  std::optional<base::Uuid> tracing_id;  // system_traces.sessions.session_id
};

using PreparedId = std::string;  // 16 bytes: a hash of keyspace and text

// One statement of a batch: a text or a prepared one, and its values.
struct BatchItem {
  static BatchItem OfText(std::string text, std::vector<BoundValue> values) {
    return {decltype(statement)(std::in_place_index<0>, std::move(text)), std::move(values)};
  }
  static BatchItem OfPrepared(PreparedId id, std::vector<BoundValue> values) {
    return {decltype(statement)(std::in_place_index<1>, std::move(id)), std::move(values)};
  }

  std::variant<std::string, PreparedId> statement;
  std::vector<BoundValue> values;
};

struct PreparedStatementInfo {
  PreparedId id;
  std::vector<ResultColumn>
      parameters;  // in order of the markers; the name is the marker's or the column's
  std::vector<ResultColumn> result_columns;     // empty for writes
  std::vector<uint16_t> partition_key_indexes;  // markers that make up the partition key, if all do
};

// Usable from every shard.
class QueryProcessor {
 public:
  virtual ~QueryProcessor() = default;

  // Parses, analyses and keeps the statement. The same text in the same keyspace gives the same id,
  // on every node.
  virtual base::Task<absl::StatusOr<PreparedStatementInfo>> Prepare(std::string query,
                                                                    std::string keyspace) = 0;
  // kUnprepared if the id is not known (evicted, or prepared on another node). A statement that the
  // schema has changed under is analysed again.
  virtual base::Task<absl::StatusOr<QueryResult>> ExecutePrepared(PreparedId id,
                                                                  QueryOptions options) = 0;
  virtual base::Task<absl::StatusOr<QueryResult>> Execute(std::string query,
                                                          QueryOptions options) = 0;
  // INSERT, UPDATE and DELETE statements as one write: all with the same timestamp, but for those
  // that have USING TIMESTAMP, and those of one partition as one mutation (batch_type.h says what
  // holds between partitions). `options.values` is not used. Errors as of Execute and
  // ExecutePrepared; a list of other statements is kInvalid.
  virtual base::Task<absl::StatusOr<QueryResult>> ExecuteBatch(BatchType type,
                                                               std::vector<BatchItem> items,
                                                               QueryOptions options) = 0;
};

}  // namespace tholos::cql
