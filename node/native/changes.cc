#include "node/native/changes.h"

#include <string>
#include <string_view>
#include <utility>

namespace tholos::node::native {
namespace {

using cql::protocol::Event;
using cql::protocol::EventType;

Event NodeEvent(EventType type, std::string_view change, const base::Endpoint& node) {
  Event event;
  event.type = type;
  event.change = change;
  event.node = node;
  return event;
}

Event SchemaEvent(std::string_view change, std::string_view target, std::string_view keyspace,
                  std::string_view name = "") {
  Event event;
  event.type = EventType::kSchemaChange;
  event.schema.change = change;
  event.schema.target = target;
  event.schema.keyspace = keyspace;
  event.schema.name = name;
  return event;
}

void AddTopology(const ClusterView& before, const ClusterView& after, std::vector<Event>* out) {
  for (const auto& [id, member] : before.members) {
    if (!after.members.contains(id)) {
      out->push_back(NodeEvent(EventType::kTopologyChange, "REMOVED_NODE", member.native));
    }
  }
  for (const auto& [id, member] : after.members) {
    if (member.up && !before.members.contains(id)) {
      out->push_back(NodeEvent(EventType::kTopologyChange, "NEW_NODE", member.native));
    }
  }
}

void AddStatus(const ClusterView& before, const ClusterView& after, std::vector<Event>* out) {
  for (const auto& [id, member] : after.members) {
    const auto old = before.members.find(id);
    const bool was_up = old != before.members.end() && old->second.up;
    if (member.up == was_up) continue;
    out->push_back(NodeEvent(EventType::kStatusChange, member.up ? "UP" : "DOWN", member.native));
  }
}

using Tables =
    std::map<std::pair<std::string, std::string>, std::shared_ptr<const data::TableSchema>>;

Tables TablesOf(const data::Schema& schema) {
  Tables tables;
  for (auto& table : schema.tables()) tables[{table->keyspace, table->name}] = table;
  return tables;
}

void AddTables(const data::Schema& before, const data::Schema& after, std::vector<Event>* out) {
  const Tables old_tables = TablesOf(before);
  const Tables new_tables = TablesOf(after);
  for (const auto& [name, table] : new_tables) {
    const auto old = old_tables.find(name);
    if (old == old_tables.end()) {
      out->push_back(SchemaEvent("CREATED", "TABLE", name.first, name.second));
    } else if (old->second != table && *old->second != *table) {
      out->push_back(SchemaEvent("UPDATED", "TABLE", name.first, name.second));
    }
  }
  for (const auto& [name, table] : old_tables) {
    if (!new_tables.contains(name)) {
      out->push_back(SchemaEvent("DROPPED", "TABLE", name.first, name.second));
    }
  }
}

void AddSchema(const data::Schema& before, const data::Schema& after, std::vector<Event>* out) {
  for (const data::KeyspaceSchema* keyspace : after.keyspaces()) {
    const data::KeyspaceSchema* old = before.FindKeyspace(keyspace->name);
    if (old == nullptr) {
      out->push_back(SchemaEvent("CREATED", "KEYSPACE", keyspace->name));
    } else if (*old != *keyspace) {
      out->push_back(SchemaEvent("UPDATED", "KEYSPACE", keyspace->name));
    }
  }
  AddTables(before, after, out);
  for (const data::KeyspaceSchema* keyspace : before.keyspaces()) {
    if (after.FindKeyspace(keyspace->name) == nullptr) {
      out->push_back(SchemaEvent("DROPPED", "KEYSPACE", keyspace->name));
    }
  }
}

}  // namespace

std::vector<Event> ChangesBetween(const ClusterView& before, const ClusterView& after) {
  std::vector<Event> events;
  AddTopology(before, after, &events);
  AddStatus(before, after, &events);
  if (before.schema != after.schema) AddSchema(*before.schema, *after.schema, &events);
  return events;
}

}  // namespace tholos::node::native
