// One node without storage or network, for tests of the query processor alone: a coordinator over
// partitions in memory, merged and read by the same laws as the real one's, and a schema service
// that applies changes at once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/metrics.h"
#include "base/sim/test_world.h"
#include "cluster/schema_service.h"
#include "coordinator/coordinator.h"
#include "cql/processor.h"
#include "ring/cluster_state.h"

namespace tholos::cql {

class MemoryCoordinator final : public coordinator::Coordinator {
 public:
  explicit MemoryCoordinator(const base::Clock& clock) : clock_(clock) {}

  absl::StatusOr<data::Timestamp> NextTimestamp() override;
  absl::Status CheckClock() override { return clock_status; }
  base::Task<absl::Status> Write(data::Mutation mutation,
                                 coordinator::RequestOptions options) override;
  base::Task<absl::Status> Truncate(data::TableId table,
                                    coordinator::RequestOptions options) override;
  base::Task<absl::Status> WriteBatch(std::vector<data::Mutation> mutations, bool logged,
                                      coordinator::RequestOptions options) override;
  base::Task<absl::StatusOr<coordinator::ReadPage>> Read(
      data::ReadCommand command, coordinator::RequestOptions options) override;

  // Pages end after this many rows at the latest, and then have a `next`.
  uint32_t rows_max = 0xFFFFFFFF;
  // If set, gives the pages instead of what was written; each takes `read_takes`.
  std::function<coordinator::ReadPage(const data::ReadCommand&)> pages;
  absl::Duration read_takes;
  absl::Status clock_status;  // of CheckClock and NextTimestamp
  int reads = 0;
  uint64_t share_max = 0;  // the largest bytes_max of what was read side by side
  int logged_batches = 0;
  int unlogged_batches = 0;
  coordinator::RequestOptions last_options;

 private:
  const base::Clock& clock_;
  data::Timestamp last_ = 0;
  std::map<data::TableId, std::map<data::DecoratedKey, data::Partition>> tables_;
};

class MemorySchemaService final : public cluster::SchemaService {
 public:
  MemorySchemaService(const base::Clock& clock, ring::ClusterStateHolder& state)
      : clock_(clock), state_(state) {}
  base::Task<absl::Status> Apply(Change change, base::Deadline deadline) override;

 private:
  const base::Clock& clock_;
  ring::ClusterStateHolder& state_;
};

class MemoryNode {
 public:
  explicit MemoryNode(QueryLimits limits = {});

  // On shard 0. The keyspace of USE is kept for the statements that follow.
  absl::StatusOr<QueryResult> Execute(std::string query, QueryOptions options = {});
  // The same by Prepare and ExecutePrepared.
  absl::StatusOr<QueryResult> ExecutePrepared(std::string query, QueryOptions options = {});
  absl::StatusOr<QueryResult> ExecuteBatch(BatchType type, std::vector<BatchItem> items,
                                           QueryOptions options = {});
  // Must succeed.
  PreparedId Prepare(std::string query);
  void Run(std::string query);
  RowsResult Rows(std::string query, QueryOptions options = {});

  base::sim::TestWorld world;
  base::Metrics metrics;
  ring::ClusterStateHolder state;
  MemoryCoordinator coordinator{world.clock()};
  MemorySchemaService schema{world.clock(), state};
  std::string keyspace;
  std::unique_ptr<QueryProcessor> processor;

 private:
  absl::StatusOr<QueryResult> Kept(absl::StatusOr<QueryResult> result);
};

// "k | v", one line a row, values as CQL literals; "OK" for nothing; "error invalid: ..." for an
// error.
std::string Show(const absl::StatusOr<QueryResult>& result);
std::string ShowRow(const RowsResult& rows, size_t index);

}  // namespace tholos::cql
