// EVENT: what the server says without being asked, to connections that registered for it.
//
//   "TOPOLOGY_CHANGE"  "NEW_NODE" or "REMOVED_NODE", [inet]
//   "STATUS_CHANGE"    "UP" or "DOWN", [inet]
//   "SCHEMA_CHANGE"    <change><target><keyspace>[<name>[<argument types: [string list]>]]
//
// The body of a schema change is also that of the RESULT of the statement that made it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "cql/query_processor.h"

namespace tholos::cql::protocol {

// Bits of a connection's registration.
enum class EventType : uint8_t { kTopologyChange = 1, kStatusChange = 2, kSchemaChange = 4 };
std::string_view EventTypeName(EventType type);
std::optional<EventType> EventTypeFromName(std::string_view name);

struct Event {
  EventType type = EventType::kStatusChange;
  std::string change;         // topology and status: "NEW_NODE", "UP", ...
  base::Endpoint node;        // and the native door of the node that it is about
  SchemaChangeResult schema;  // schema changes
  friend bool operator==(const Event& a, const Event& b);
  std::string ToString() const;
};

// <change><target>...; a table's or type's name goes after the keyspace's.
void PutSchemaChange(const SchemaChangeResult& change, std::string* out);
// The RESULT with its kind.
void PutSchemaChangeResult(const SchemaChangeResult& change, std::string* out);
void PutEvent(const Event& event, std::string* out);

}  // namespace tholos::cql::protocol
