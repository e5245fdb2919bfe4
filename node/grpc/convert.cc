#include "node/grpc/convert.h"

#include <utility>

#include "base/coding.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/protocol/result.h"
#include "cql/rows.h"
#include "node/grpc/values.h"

namespace tholos::node {
namespace {

namespace pb = ::tholos::v1;

constexpr uint32_t kPageSizeMax = 100'000;

absl::StatusOr<coordinator::ConsistencyLevel> ToConsistency(pb::Consistency consistency) {
  if (consistency == pb::CONSISTENCY_UNSPECIFIED) return coordinator::ConsistencyLevel::kQuorum;
  auto level = coordinator::ConsistencyFromNumber(static_cast<uint32_t>(consistency) - 1);
  if (level.ok()) return level;
  return base::InvalidRequest(base::StrCat("consistency: there is no level with the number ",
                                           static_cast<int>(consistency)));
}

void ToColumns(const cql::RowsResult& rows, const ResponseOptions& options, pb::RowsPage* out) {
  if (options.skip_columns) return;
  if (!options.result_id.empty()) {
    const std::string& id = options.result_ids->Of(rows.columns);
    if (id == options.result_id) return;
    out->set_result_id(id);
  }
  for (const cql::ResultColumn& column : *rows.columns) ToColumn(column, out->add_columns());
}

void ToRowsPage(cql::RowsResult rows, const ResponseOptions& options, pb::RowsPage* out) {
  ToColumns(rows, options, out);
  out->set_row_count(rows.row_count);
  out->set_paging_state(std::move(rows.paging_state));
  if (options.format == pb::ROW_FORMAT_RAW) {
    out->set_raw_rows(std::move(rows.rows));
    return;
  }
  out->mutable_rows()->Reserve(static_cast<int>(rows.row_count));
  cql::RowsReader reader(rows);
  for (uint32_t i = 0; i < rows.row_count; ++i) {
    pb::Row* out_row = out->add_rows();
    out_row->mutable_values()->Reserve(static_cast<int>(rows.columns->size()));
    for (const cql::ResultColumn& column : *rows.columns) {
      pb::Value* out_value = out_row->add_values();
      const std::optional<std::string_view> value = reader.Next();
      if (value.has_value()) ToTypedValue(column.type, *value, out_value);
    }
  }
}

}  // namespace

absl::StatusOr<cql::BoundValue> ToBoundValue(const pb::Value& value) {
  cql::BoundValue bound;
  bound.name = value.name();
  if (value.kind_case() == pb::Value::kUnset) {
    bound.unset = true;
    return bound;
  }
  THOLOS_ASSIGN_OR_RETURN(bound.value, ToBytes(value));
  bound.kind = ToKind(value);
  return bound;
}

absl::StatusOr<std::vector<cql::BoundValue>> FromRawValues(std::string_view raw) {
  constexpr int32_t kNull = -1;
  constexpr int32_t kUnset = -2;
  std::vector<cql::BoundValue> bound;
  base::Reader in(raw);
  while (in.ok() && in.remaining() > 0) {
    cql::BoundValue& value = bound.emplace_back();
    const std::string_view prefix = in.Raw(4);
    if (!in.ok()) break;
    const auto length = static_cast<int32_t>(base::LoadBigEndian32(prefix.data()));
    if (length >= 0) {
      value.value = std::string(in.Raw(static_cast<size_t>(length)));
    } else if (length == kUnset) {
      value.unset = true;
    } else if (length != kNull) {
      in.Fail();
    }
  }
  if (in.ok()) return bound;
  return base::InvalidRequest(base::StrCat("raw_values: value ", bound.size(), " is malformed"));
}

namespace {

absl::StatusOr<std::vector<cql::BoundValue>> ToBoundValues(
    const google::protobuf::RepeatedPtrField<pb::Value>& values, std::string_view raw) {
  if (!raw.empty()) {
    if (values.empty()) return FromRawValues(raw);
    return base::InvalidRequest("both values and raw_values");
  }
  std::vector<cql::BoundValue> bound;
  bound.reserve(values.size());
  for (const pb::Value& value : values) {
    absl::StatusOr<cql::BoundValue> one = ToBoundValue(value);
    if (!one.ok()) {
      return base::InvalidRequest(base::StrCat("value ", bound.size() + 1,
                                               value.name().empty() ? "" : " :", value.name(), ": ",
                                               base::ToStd(one.status().message())));
    }
    bound.push_back(*std::move(one));
  }
  return bound;
}

absl::StatusOr<cql::BatchItem> ToBatchItem(const pb::BatchStatement& statement) {
  THOLOS_ASSIGN_OR_RETURN(std::vector<cql::BoundValue> values,
                          ToBoundValues(statement.values(), statement.raw_values()));
  if (statement.has_prepared_id())
    return cql::BatchItem::OfPrepared(statement.prepared_id(), std::move(values));
  if (statement.has_query()) return cql::BatchItem::OfText(statement.query(), std::move(values));
  return base::InvalidRequest("a statement of a batch that is neither a query nor a prepared_id");
}

}  // namespace

absl::StatusOr<Batch> ToBatch(const pb::BatchRequest& request) {
  Batch batch;
  switch (request.kind()) {
    case pb::BatchRequest::LOGGED:
      batch.type = cql::BatchType::kLogged;
      break;
    case pb::BatchRequest::UNLOGGED:
      batch.type = cql::BatchType::kUnlogged;
      break;
    case pb::BatchRequest::COUNTER:
      batch.type = cql::BatchType::kCounter;
      break;
    default:
      return base::InvalidRequest("a batch of a kind this server does not know");
  }
  THOLOS_ASSIGN_OR_RETURN(batch.options.consistency, ToConsistency(request.consistency()));
  batch.options.keyspace = request.keyspace();
  if (request.has_timestamp()) batch.options.timestamp = request.timestamp();
  batch.options.tracing = request.tracing();
  batch.items.reserve(request.statements_size());
  for (const pb::BatchStatement& statement : request.statements()) {
    THOLOS_ASSIGN_OR_RETURN(cql::BatchItem item, ToBatchItem(statement));
    batch.items.push_back(std::move(item));
  }
  return batch;
}

absl::StatusOr<cql::QueryOptions> ToQueryOptions(const pb::ExecuteRequest& request) {
  cql::QueryOptions options;
  auto consistency = ToConsistency(request.consistency());
  if (!consistency.ok()) return consistency.status();
  options.consistency = *consistency;
  options.keyspace = request.keyspace();
  THOLOS_ASSIGN_OR_RETURN(options.values, ToBoundValues(request.values(), request.raw_values()));
  if (request.page_size() > kPageSizeMax) {
    return base::InvalidRequest(
        base::StrCat("page_size ", request.page_size(), " is more than ", kPageSizeMax));
  }
  if (request.page_size() != 0) options.page_size = request.page_size();
  options.paging_state = request.paging_state();
  if (request.has_timestamp()) options.timestamp = request.timestamp();
  options.tracing = request.tracing();
  return options;
}

void ToColumn(const cql::ResultColumn& column, pb::Column* out) {
  out->set_keyspace(column.keyspace);
  out->set_table(column.table);
  out->set_name(column.name);
  out->set_type(static_cast<uint32_t>(column.type.id()));
  out->set_type_name(std::string(column.type.name()));
  if (!column.type.is_simple()) ToType(column.type, out->mutable_parametrised());
}

void ToPrepareResponse(const cql::PreparedStatementInfo& info, pb::PrepareResponse* out) {
  out->set_id(info.id);
  out->set_result_id(cql::protocol::MetadataId(info.result_columns));
  for (const auto& column : info.parameters) ToColumn(column, out->add_parameters());
  for (const auto& column : info.result_columns) ToColumn(column, out->add_result_columns());
  for (uint16_t index : info.partition_key_indexes) out->add_partition_key_indexes(index);
}

void ToExecuteResponse(cql::QueryResult result, const ResponseOptions& options,
                       pb::ExecuteResponse* out) {
  for (std::string& warning : result.warnings) out->add_warnings(std::move(warning));
  if (result.tracing_id) out->set_tracing_id(std::string(result.tracing_id->AsBytes()));
  if (auto* rows = std::get_if<cql::RowsResult>(&result.result)) {
    ToRowsPage(std::move(*rows), options, out->mutable_rows());
  } else if (auto* keyspace = std::get_if<cql::SetKeyspaceResult>(&result.result)) {
    out->set_set_keyspace(std::move(keyspace->keyspace));
  } else if (auto* change = std::get_if<cql::SchemaChangeResult>(&result.result)) {
    pb::SchemaChange* message = out->mutable_schema_change();
    message->set_change(std::move(change->change));
    message->set_target(std::move(change->target));
    message->set_keyspace(std::move(change->keyspace));
    message->set_name(std::move(change->name));
  }
}

}  // namespace tholos::node
