#include "data/schema/state.h"

#include "base/checksum.h"
#include "data/schema/resolve.h"

namespace tholos::data {
namespace {

template <typename Entries>
void RemoveDropped(std::string_view keyspace, int64_t dropped_micros, Entries* by_keyspace) {
  const auto of_keyspace = by_keyspace->find(keyspace);
  if (of_keyspace == by_keyspace->end()) return;
  std::erase_if(of_keyspace->second, [dropped_micros](const auto& named) {
    return named.second.changed_micros <= dropped_micros;
  });
}

// The table itself if no user type in it changed.
std::shared_ptr<const TableSchema> Resolved(const std::shared_ptr<const TableSchema>& table,
                                            TypeResolver* resolver) {
  std::shared_ptr<TableSchema> changed;
  for (size_t i = 0; i < table->columns.size(); ++i) {
    const DataType& type = table->columns[i].type;
    if (type.is_simple()) continue;
    DataType resolved = resolver->Resolve(type);
    if (resolved == type) continue;
    if (changed == nullptr) changed = std::make_shared<TableSchema>(*table);
    changed->columns[i].type = std::move(resolved);
  }
  return changed != nullptr ? changed : table;
}

}  // namespace

bool Schema::State::IsVisible(std::string_view keyspace) const {
  const auto it = keyspaces.find(keyspace);
  return it != keyspaces.end() && it->second.keyspace.has_value();
}

void Schema::State::Finish() {
  for (const auto& [name, entry] : keyspaces) {
    RemoveDropped(name, entry.dropped_micros, &tables);
    RemoveDropped(name, entry.dropped_micros, &types);
  }
  std::erase_if(tables, [](const auto& named) { return named.second.empty(); });
  std::erase_if(types, [](const auto& named) { return named.second.empty(); });
  visible_types.clear();
  visible_tables.clear();
  visible_by_id.clear();
  static const Entries<UserType> kNoTypes;
  for (const auto& [keyspace, entry] : keyspaces) {
    if (!entry.keyspace.has_value()) continue;
    const auto of_keyspace = types.find(keyspace);
    TypeResolver resolver(of_keyspace == types.end() ? kNoTypes : of_keyspace->second);
    if (of_keyspace != types.end()) {
      for (const auto& [name, type] : of_keyspace->second) {
        if (type.entity != nullptr) visible_types[keyspace][name] = resolver.Resolve(name);
      }
    }
    const auto its_tables = tables.find(keyspace);
    if (its_tables == tables.end()) continue;
    for (const auto& [name, table] : its_tables->second) {
      if (table.entity == nullptr) continue;
      auto resolved = Resolved(table.entity, &resolver);
      visible_by_id[resolved->id] = resolved;
      visible_tables[keyspace][name] = std::move(resolved);
    }
  }
  digest = base::Checksum64(Encode());
}

}  // namespace tholos::data
