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

// Tables or user types, by keyspace and name.
template <typename Thing>
using Named = std::map<std::pair<std::string, std::string>, std::shared_ptr<const Thing>>;

Named<data::TableSchema> TablesOf(const data::Schema& schema) {
  Named<data::TableSchema> tables;
  for (auto& table : schema.tables()) tables[{table->keyspace, table->name}] = table;
  return tables;
}

Named<data::UserType> TypesOf(const data::Schema& schema) {
  Named<data::UserType> types;
  for (const data::KeyspaceSchema* keyspace : schema.keyspaces()) {
    for (auto& type : schema.types(keyspace->name)) types[{type->keyspace, type->name}] = type;
  }
  return types;
}

template <typename Thing>
void AddNew(std::string_view target, const Named<Thing>& before, const Named<Thing>& after,
            std::vector<Event>* out) {
  for (const auto& [name, thing] : after) {
    const auto old = before.find(name);
    if (old == before.end()) {
      out->push_back(SchemaEvent("CREATED", target, name.first, name.second));
    } else if (old->second != thing && *old->second != *thing) {
      out->push_back(SchemaEvent("UPDATED", target, name.first, name.second));
    }
  }
}

template <typename Thing>
void AddGone(std::string_view target, const Named<Thing>& before, const Named<Thing>& after,
             std::vector<Event>* out) {
  for (const auto& [name, thing] : before) {
    if (!after.contains(name)) {
      out->push_back(SchemaEvent("DROPPED", target, name.first, name.second));
    }
  }
}

// In an order in which they could have been made: what others consist of is there before them and
// goes after them.
void AddSchema(const data::Schema& before, const data::Schema& after, std::vector<Event>* out) {
  for (const data::KeyspaceSchema* keyspace : after.keyspaces()) {
    const data::KeyspaceSchema* old = before.FindKeyspace(keyspace->name);
    if (old == nullptr) {
      out->push_back(SchemaEvent("CREATED", "KEYSPACE", keyspace->name));
    } else if (*old != *keyspace) {
      out->push_back(SchemaEvent("UPDATED", "KEYSPACE", keyspace->name));
    }
  }
  const auto old_types = TypesOf(before);
  const auto new_types = TypesOf(after);
  const auto old_tables = TablesOf(before);
  const auto new_tables = TablesOf(after);
  AddNew("TYPE", old_types, new_types, out);
  AddNew("TABLE", old_tables, new_tables, out);
  AddGone("TABLE", old_tables, new_tables, out);
  AddGone("TYPE", old_types, new_types, out);
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
