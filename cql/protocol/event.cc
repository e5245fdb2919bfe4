#include "cql/protocol/event.h"

#include "base/strings.h"
#include "cql/protocol/wire.h"

namespace tholos::cql::protocol {
namespace {
constexpr int32_t kSchemaChangeKind = 5;
}  // namespace

std::string_view EventTypeName(EventType type) {
  switch (type) {
    case EventType::kTopologyChange:
      return "TOPOLOGY_CHANGE";
    case EventType::kStatusChange:
      return "STATUS_CHANGE";
    case EventType::kSchemaChange:
      return "SCHEMA_CHANGE";
  }
  return "";
}

std::optional<EventType> EventTypeFromName(std::string_view name) {
  for (const EventType type :
       {EventType::kTopologyChange, EventType::kStatusChange, EventType::kSchemaChange}) {
    if (name == EventTypeName(type)) return type;
  }
  return std::nullopt;
}

bool operator==(const Event& a, const Event& b) { return a.ToString() == b.ToString(); }

std::string Event::ToString() const {
  if (type != EventType::kSchemaChange) return base::StrCat(change, " ", node.ToString());
  return base::StrCat(schema.change, " ", schema.target, " ", schema.keyspace,
                      schema.name.empty() ? "" : ".", schema.name);
}

void PutSchemaChange(const SchemaChangeResult& change, std::string* out) {
  PutString(out, change.change);
  PutString(out, change.target);
  PutString(out, change.keyspace);
  if (change.target != "KEYSPACE") PutString(out, change.name);
}

void PutSchemaChangeResult(const SchemaChangeResult& change, std::string* out) {
  PutInt(out, kSchemaChangeKind);
  PutSchemaChange(change, out);
}

void PutEvent(const Event& event, std::string* out) {
  PutString(out, EventTypeName(event.type));
  if (event.type == EventType::kSchemaChange) return PutSchemaChange(event.schema, out);
  PutString(out, event.change);
  PutInet(out, event.node);
}

}  // namespace tholos::cql::protocol
