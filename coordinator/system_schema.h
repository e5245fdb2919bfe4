// The tables that a node keeps for its own work: part of every node's schema from its first start.
//
//   system_traces   replicated twice   sessions, events: traced requests (trace.h), for 24 hours
//   system_local    on each node alone: no request reaches it, only the node's own engine
//                     batches: logged batches that this node guards (write/batchlog.h)
//                     truncations: when this node emptied its tables (truncations.h)
//                     clock: above its last timestamp (timestamp_ceiling.h)
//                     repair_needed: where dropped hints are missing (hints/repair_needs.h)
//
// The columns of system_traces are those that Cassandra's drivers and shells read.
#pragma once

#include <string_view>

#include "data/schema/schema.h"

namespace tholos::coordinator {

inline constexpr char kTracesKeyspace[] = "system_traces";
inline constexpr char kLocalKeyspace[] = "system_local";

// One of these two: nobody created it, so lists of what users have do not show it.
inline bool IsBuiltInKeyspace(std::string_view name) {
  return name == kTracesKeyspace || name == kLocalKeyspace;
}

const data::TableSchema& SessionsTable();
const data::TableSchema& EventsTable();
const data::TableSchema& BatchesTable();
const data::TableSchema& TruncationsTable();
const data::TableSchema& ClockTable();
const data::TableSchema& RepairNeededTable();

// `schema` with these tables, where it does not have them yet. On every node the same entities, of
// the same moment: they merge to themselves.
data::Schema WithSystemTables(const data::Schema& schema);

}  // namespace tholos::coordinator
