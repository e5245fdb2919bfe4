// What the analysis of one statement knows and collects.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/errors.h"
#include "base/strings.h"
#include "cql/ast.h"
#include "cql/limits.h"
#include "cql/query_processor.h"
#include "ring/cluster_state.h"

namespace tholos::cql {

struct AnalysisContext {
  ring::ClusterState::Ptr state;
  std::string keyspace;  // of the session; may be empty
  QueryLimits limits;
  uint64_t statement_hash = 0;  // of keyspace and text: binds a paging state to its statement
  std::vector<std::optional<ResultColumn>>
      parameters;  // by marker; set where its type becomes known
};

// kInvalid "line 1:8 <message>".
template <typename... Pieces>
absl::Status ErrorAt(Position position, const Pieces&... pieces) {
  return base::InvalidRequest(base::StrCat(ToString(position), " ", pieces...));
}
// "line 1:1 TRUNCATE is not supported yet".
absl::Status NotSupportedAt(Position position, std::string_view feature);

using TablePtr = std::shared_ptr<const data::TableSchema>;

// The keyspace of an unqualified name is the session's.
absl::StatusOr<std::string> ResolveKeyspace(const QualifiedName& name,
                                            const AnalysisContext& context);
// A table of the schema or a virtual one of system_tables.h. The error names table and place.
absl::StatusOr<TablePtr> ResolveTable(const QualifiedName& name, const AnalysisContext& context);
// The same, and not a virtual one.
absl::StatusOr<TablePtr> ResolveWritableTable(const QualifiedName& name,
                                              const AnalysisContext& context);
// "line 1:12 unknown column 'foo' in table ks.t".
absl::StatusOr<const data::ColumnSchema*> ResolveColumn(const data::TableSchema& table,
                                                        const Identifier& name);

// The type that a statement names; user types of no keyspace are looked up in `keyspace`. The error
// names the place.
absl::StatusOr<data::DataType> ResolveType(const TypeName& type, std::string_view keyspace,
                                           const AnalysisContext& context);

}  // namespace tholos::cql
