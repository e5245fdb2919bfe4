// A statement after analysis, ready to run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "base/random.h"
#include "cluster/schema_service.h"
#include "coordinator/coordinator.h"
#include "cql/limits.h"
#include "cql/query_processor.h"
#include "cql/time_uuid.h"
#include "ring/cluster_state.h"

namespace tholos::cql {

// What running plans use. Lives as long as the processor, one for each shard.
struct Services {
  const base::Clock& clock;
  coordinator::Coordinator& coordinator;
  cluster::SchemaService& schema;
  QueryLimits limits;
  ring::NodeId local_node;
  std::string cluster_name;
  base::RandomStream random;  // of the shard
  TimeUuidSource time_uuids{random};
};

// One execution of a plan: what is asked, and the answer. A marker's value is taken once, so it may
// be moved from.
struct Request {
  Services* services = nullptr;
  ring::ClusterState::Ptr state;
  coordinator::RequestOptions routing;
  std::vector<BoundValue> values;       // by marker, each checked against its parameter's type
  std::vector<BoundValue> json_values;  // of INSERT JSON, by column of the table
  uint32_t page_size = 0;
  std::string paging_state;
  std::optional<int64_t> timestamp;
  // Of a batch: the timestamp that one statement is given is that of the later ones, too.
  bool one_timestamp = false;
  int64_t wall_micros = 0;             // of the start of the execution
  std::optional<int64_t> now_seconds;  // the client's own, for TTL and expiry
  QueryResult result;                  // the plan fills it in
  int64_t wall_seconds() const { return now_seconds.value_or(wall_micros / 1'000'000); }
};

class WritePlan;

// Immutable. Outlives its executions: whoever runs one holds a pointer.
class Plan {
 public:
  virtual ~Plan() = default;
  // Leaves the answer in `request.result`, which is void at the start. The request outlives the
  // task.
  virtual base::Task<absl::Status> Execute(Request& request) const = 0;
  // This, if it is an INSERT, UPDATE or DELETE; else null.
  virtual const WritePlan* write_plan() const { return nullptr; }
  // "select", "insert", ...: a metric's label.
  virtual std::string_view kind() const = 0;

  const std::vector<ResultColumn>& parameters() const { return parameters_; }
  const std::vector<ResultColumn>& result_columns() const { return *result_columns_; }
  const std::vector<uint16_t>& partition_key_indexes() const { return partition_key_indexes_; }
  // The beginning of its text, for the log of slow requests.
  std::string_view text() const { return text_; }
  void set_text(std::string text) { text_ = std::move(text); }
  void set_parameters(std::vector<ResultColumn> parameters) { parameters_ = std::move(parameters); }

 protected:
  void set_result_columns(std::vector<ResultColumn> columns) {
    result_columns_ = std::make_shared<const std::vector<ResultColumn>>(std::move(columns));
  }
  const std::shared_ptr<const std::vector<ResultColumn>>& shared_result_columns() const {
    return result_columns_;
  }

  std::vector<uint16_t> partition_key_indexes_;

 private:
  std::string text_;
  std::vector<ResultColumn> parameters_;
  std::shared_ptr<const std::vector<ResultColumn>> result_columns_ =
      std::make_shared<const std::vector<ResultColumn>>();
};

using PlanPtr = std::shared_ptr<Plan>;

}  // namespace tholos::cql
