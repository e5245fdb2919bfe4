#include "node/native/metadata.h"

#include <utility>

namespace tholos::node::native {

const cql::protocol::ColumnSpecs& ColumnSpecsCache::Get(uint8_t version, const Columns& columns) {
  const std::pair<const void*, uint8_t> key(columns.get(), version);
  if (const auto found = entries_.find(key); found != entries_.end()) return found->second.specs;
  if (entries_.size() >= kEntriesMax) entries_.clear();
  Entry& entry = entries_[key];
  entry.columns = columns;
  entry.specs = cql::protocol::EncodeColumnSpecs(version, *columns);
  entry.specs.id = cql::protocol::MetadataId(*columns);
  return entry.specs;
}

void PreparedMetadata::Record(const cql::PreparedId& id, std::string metadata_id) {
  absl::MutexLock lock(&mutex_);
  // Forgetting is safe: results then come with their columns.
  if (first_.size() >= kEntriesMax) first_.clear();
  first_.try_emplace(id, std::move(metadata_id));
}

std::string PreparedMetadata::Find(const cql::PreparedId& id) const {
  absl::MutexLock lock(&mutex_);
  const auto found = first_.find(id);
  return found == first_.end() ? std::string() : found->second;
}

}  // namespace tholos::node::native
