// The query processor of a node: text -> parse -> analysis -> plan -> coordinator or schema
// service.
//
//   Prepare          text -> plan, kept under its id
//   ExecutePrepared  id -> plan; values; run        (no parsing, no analysis)
//   Execute          text -> plan; values; run
//
// A plan (plan.h) is what analysis makes of a statement for one schema: immutable, shared, executed
// any number of times. Each shard keeps the plans it uses (prepared_cache.h).
//
// Every method must be called on a shard; it ends on the same shard.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/metrics.h"
#include "base/random.h"
#include "cluster/schema_service.h"
#include "coordinator/coordinator.h"
#include "cql/limits.h"
#include "cql/query_processor.h"
#include "ring/cluster_state.h"

namespace tholos::cql {

// All references outlive the processor.
struct QueryProcessorDeps {
  const base::Clock& clock;
  base::Random& random;
  base::Executor& executor;
  const ring::ClusterStateHolder& state;
  coordinator::Coordinator& coordinator;
  cluster::SchemaService& schema;
  base::Metrics& metrics;
  QueryLimits limits;
  // Shown by system.local.
  ring::NodeId local_node;
  std::string cluster_name = "tholos";
};

std::unique_ptr<QueryProcessor> MakeQueryProcessor(QueryProcessorDeps deps);

}  // namespace tholos::cql
