// Read-only tables that every node answers from what it knows, without the coordinator: the members
// of the cluster and the schema.
//
//   system.local, system.peers                  this node, the other nodes
//   system_schema.keyspaces, .tables, .columns  the schema, these tables included
//
// They have the columns of Cassandra's that the present types can hold. Any condition on them may
// filter.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "coordinator/coordinator.h"
#include "cql/plan.h"
#include "data/read.h"
#include "data/schema/schema.h"

namespace tholos::cql {

// "system" and "system_schema": nothing can be created or written in them.
bool IsSystemKeyspace(std::string_view keyspace);
// nullptr if there is none. Equal for every call.
std::shared_ptr<const data::TableSchema> FindSystemTable(std::string_view keyspace,
                                                         std::string_view table);
std::vector<std::shared_ptr<const data::TableSchema>> SystemTables();

// `table` is one of them.
base::Task<absl::StatusOr<coordinator::ReadPage>> ReadSystemTable(const data::TableSchema& table,
                                                                  const Request& request,
                                                                  data::ReadCommand command);

}  // namespace tholos::cql
