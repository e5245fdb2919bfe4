// What one request may cost. Everything beyond is refused with kInvalid, which names the limit and
// what was found, or cut into pages. Each is a setting of the node of the same name
// (docs/operations.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "data/key.h"

namespace tholos::cql {

struct QueryLimits {
  // A syntax tree takes up to 100 bytes for a byte of text (parser.h), so this bounds the memory of
  // parsing at some 100 MiB a request.
  size_t statement_bytes_max = 1 << 20;
  // Levels of terms, selectors and types inside each other; each takes up to 1 KiB of stack.
  int nesting_depth_max = 64;
  // Conditions of one WHERE.
  size_t relations_max = 1000;
  // One value, bound or written in the statement.
  size_t value_bytes_max = 16 << 20;
  // One partition key, or clustering key, as it is stored. The formats take no larger ones than
  // this default.
  size_t key_bytes_max = data::kKeyBytesMax;
  // Elements that one statement writes to a list, set or map: from this number on a warning, and
  // above that it is refused.
  size_t collection_elements_warn = 10'000;
  size_t collection_elements_max = 100'000;
  // Keys that the IN lists of a statement multiply to: partitions, and rows within a partition.
  size_t in_product_max = 1000;
  // Statements of one batch.
  size_t batch_statements_max = 65535;
  // Bytes that a batch over several partitions writes: from this size on a warning, and above that
  // it is refused. (One partition's batch is a mutation like any other.) Cassandra's thresholds.
  size_t batch_bytes_warn = 5 * 1024;
  size_t batch_bytes_max = 50 * 1024;
  // An unlogged batch over more partitions gets a warning.
  size_t batch_partitions_warn = 10;
  // Selectors of one SELECT.
  size_t selectors_max = 10'000;
  // Columns of one table, and fields of a user type that is created. Names are looked up by going
  // through them.
  size_t table_columns_max = 2000;
  // A page ends after this many rows, whatever the client asked for ...
  uint32_t page_rows_max = 100'000;
  // ... and after this many bytes (with at least one row): below the 4 MiB that gRPC takes by
  // default.
  size_t page_bytes_max = 2 << 20;
  // Rows that ALLOW FILTERING looks at for one page; then the page ends, perhaps without a row.
  uint64_t filtered_rows_max = 100'000;
  // Tombstones that a page meets: from so many on a warning, and then the page ends, perhaps without
  // a row.
  uint64_t tombstones_warn = 1000;
  uint64_t tombstones_max = 100'000;
  // Statements of all clients that stay prepared, in bytes of text and overhead ...
  size_t prepared_bytes_max = 16 << 20;
  // ... and the plans that one shard keeps of them, by the estimate of prepared_cache.h.
  size_t prepared_plan_bytes_max = 16 << 20;
};

// Rows of a page whose size the client leaves open.
inline constexpr uint32_t kPageRowsDefault = 5000;

// Of USING TTL and default_time_to_live: 20 years, as in Cassandra.
inline constexpr int32_t kTtlSecondsMax = 630'720'000;

}  // namespace tholos::cql
