// What the server remembers of results' columns.
//
//   ColumnSpecsCache     one a shard: the encoded columns of a prepared statement's results, by the
//                        address of the columns that the plan shares with them
//   PreparedMetadata     one a node: which columns a statement had when it was first prepared
//
// A client that prepared a statement does not want its columns with every result (skip_metadata).
// After ALTER TABLE it must get them all the same. In version 5 it says which columns it knows, by
// their id. Before, it does not: then columns are left out only while they are those that the
// statement had when it was first prepared on this node. When they are others, a connection's first
// execution is answered with UNPREPARED, as Cassandra does, so that drivers that do not look at the
// columns of a result prepare again; from then on results come with their columns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "cql/protocol/result.h"
#include "cql/query_processor.h"

namespace tholos::node::native {

// Confined to its shard.
class ColumnSpecsCache {
 public:
  using Columns = std::shared_ptr<const std::vector<cql::ResultColumn>>;
  // Valid until the next call.
  const cql::protocol::ColumnSpecs& Get(uint8_t version, const Columns& columns);

 private:
  // Plans whose columns are kept alive; then all are forgotten.
  static constexpr size_t kEntriesMax = 1024;
  struct Entry {
    Columns columns;
    cql::protocol::ColumnSpecs specs;
  };
  absl::flat_hash_map<std::pair<const void*, uint8_t>, Entry> entries_;
};

// Thread-safe.
class PreparedMetadata {
 public:
  // The first call for `id` counts.
  void Record(const cql::PreparedId& id, std::string metadata_id);
  // Empty if nothing was recorded.
  std::string Find(const cql::PreparedId& id) const;

 private:
  static constexpr size_t kEntriesMax = 100'000;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<cql::PreparedId, std::string> first_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::node::native
