// The ids of result columns (PrepareResponse.result_id), hashed once for any number of results.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "cql/protocol/result.h"
#include "cql/query_processor.h"

namespace tholos::node {

// Confined to a shard.
class ResultIds {
 public:
  using Columns = std::shared_ptr<const std::vector<cql::ResultColumn>>;
  // Plans that are in use at a time; beyond it all are forgotten, and hashed again when asked for.
  static constexpr size_t kEntriesMax = 1024;

  // Valid until the next call. Results of one plan share their columns, so the address names them;
  // an entry holds them, so that no others come to lie there.
  const std::string& Of(const Columns& columns) {
    if (const auto found = entries_.find(columns.get()); found != entries_.end())
      return found->second.id;
    if (entries_.size() >= kEntriesMax) entries_.clear();
    Entry& entry = entries_[columns.get()];
    entry = {columns, cql::protocol::MetadataId(*columns)};
    return entry.id;
  }

 private:
  struct Entry {
    Columns columns;
    std::string id;
  };
  absl::flat_hash_map<const void*, Entry> entries_;
};

}  // namespace tholos::node
