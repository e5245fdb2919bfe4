// Read-only tables that every node answers from what it knows, without the coordinator: the members
// of the cluster and the schema.
//
//   system.local, .peers, .peers_v2   this node, the other nodes (system/cluster_tables.cc)
//   system_schema.*                   the schema, these tables included (system/schema_tables.cc)
//
// They have Cassandra's columns, for its drivers to read. Any condition on them may filter.
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

// "system", "system_schema", "system_virtual_schema": nothing can be created or written in them.
bool IsSystemKeyspace(std::string_view keyspace);
// One of these, or one that the nodes keep for their own work (coordinator/system_schema.h): its
// definition is not the users' to change.
bool IsProtectedKeyspace(std::string_view keyspace);
// nullptr if there is none. Equal for every call.
std::shared_ptr<const data::TableSchema> FindSystemTable(std::string_view keyspace,
                                                         std::string_view table);
const std::vector<std::shared_ptr<const data::TableSchema>>& SystemTables();

// `table` is one of them.
base::Task<absl::StatusOr<coordinator::ReadPage>> ReadSystemTable(const data::TableSchema& table,
                                                                  const Request& request,
                                                                  data::ReadCommand command);

}  // namespace tholos::cql
