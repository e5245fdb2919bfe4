// Between the messages of tholos.v1 and the query processor's values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cql/query_processor.h"
#include "node/grpc/result_ids.h"
#include "proto/tholos/v1/tholos.pb.h"

namespace tholos::node {

// A prepared statement's parameters decide how the typed kinds of Value are checked and encoded;
// without them (an unprepared query) a typed value becomes the bytes of its own kind.
absl::StatusOr<cql::BoundValue> ToBoundValue(const tholos::v1::Value& value);

// Everything of a request except its deadline. kInvalid names the field.
absl::StatusOr<cql::QueryOptions> ToQueryOptions(const tholos::v1::ExecuteRequest& request);

// A batch: its kind, statements and the options of all of them, but no deadline. kInvalid names the
// statement.
struct Batch {
  cql::BatchType type = cql::BatchType::kLogged;
  std::vector<cql::BatchItem> items;
  cql::QueryOptions options;
};
absl::StatusOr<Batch> ToBatch(const tholos::v1::BatchRequest& request);

// All values of a request in the layout of ExecuteRequest.raw_values. kInvalid names the value.
absl::StatusOr<std::vector<cql::BoundValue>> FromRawValues(std::string_view raw);

// How a client wants its rows.
struct ResponseOptions {
  tholos::v1::RowFormat format = tholos::v1::ROW_FORMAT_TYPED;
  bool skip_columns = false;
  std::string_view result_id = {};  // as in ExecuteRequest; needs `result_ids`
  ResultIds* result_ids = nullptr;
};

void ToColumn(const cql::ResultColumn& column, tholos::v1::Column* out);
void ToPrepareResponse(const cql::PreparedStatementInfo& info, tholos::v1::PrepareResponse* out);
// Consumes `result`.
void ToExecuteResponse(cql::QueryResult result, const ResponseOptions& options,
                       tholos::v1::ExecuteResponse* out);

}  // namespace tholos::node
