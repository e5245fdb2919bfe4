#include "node/grpc/convert.h"

#include <utility>

#include "base/errors.h"
#include "base/strings.h"
#include "cql/rows.h"

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

// One value of a result as the kind of its type.
// Of the others, and for the empty value of a type that has one, the bytes as they are.
void ToTypedValue(const data::DataType& type, std::string bytes, pb::Value* out) {
  if (bytes.empty() && type.has_empty_value()) {
    out->set_cql(std::move(bytes));
    return;
  }
  switch (type.id()) {
    case data::TypeId::kText:
      out->set_text(std::move(bytes));
      return;
    case data::TypeId::kInt:
      out->set_int_(data::DecodeInt(bytes));
      return;
    case data::TypeId::kBigint:
      out->set_bigint(data::DecodeBigint(bytes));
      return;
    case data::TypeId::kTimestamp:
      out->set_timestamp(data::DecodeBigint(bytes));
      return;
    case data::TypeId::kBoolean:
      out->set_boolean(data::DecodeBoolean(bytes));
      return;
    case data::TypeId::kDouble:
      out->set_double_(data::DecodeDouble(bytes));
      return;
    case data::TypeId::kBlob:
      out->set_blob(std::move(bytes));
      return;
    case data::TypeId::kUuid:
      out->set_uuid(std::move(bytes));
      return;
    default:
      out->set_cql(std::move(bytes));
      return;
  }
}

void ToRowsPage(cql::RowsResult rows, pb::RowFormat format, bool skip_columns, pb::RowsPage* out) {
  if (!skip_columns) {
    for (const cql::ResultColumn& column : *rows.columns) ToColumn(column, out->add_columns());
  }
  out->set_row_count(rows.row_count);
  out->set_paging_state(std::move(rows.paging_state));
  if (format == pb::ROW_FORMAT_RAW) {
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
      if (value.has_value()) ToTypedValue(column.type, std::string(*value), out_value);
    }
  }
}

}  // namespace

absl::StatusOr<cql::BoundValue> ToBoundValue(const pb::Value& value) {
  cql::BoundValue bound;
  bound.name = value.name();
  switch (value.kind_case()) {
    case pb::Value::KIND_NOT_SET:
      return bound;
    case pb::Value::kUnset:
      bound.unset = true;
      return bound;
    case pb::Value::kCql:
      bound.value = value.cql();
      return bound;
    case pb::Value::kText:
      bound.value = value.text();
      return bound;
    case pb::Value::kInt:
      bound.value = data::EncodeInt(value.int_());
      return bound;
    case pb::Value::kBigint:
      bound.value = data::EncodeBigint(value.bigint());
      return bound;
    case pb::Value::kBoolean:
      bound.value = data::EncodeBoolean(value.boolean());
      return bound;
    case pb::Value::kDouble:
      bound.value = data::EncodeDouble(value.double_());
      return bound;
    case pb::Value::kBlob:
      bound.value = value.blob();
      return bound;
    case pb::Value::kUuid:
      if (value.uuid().size() != 16) {
        return base::InvalidRequest(
            base::StrCat("a uuid value has 16 bytes, not ", value.uuid().size()));
      }
      bound.value = value.uuid();
      return bound;
    case pb::Value::kTimestamp:
      bound.value = data::EncodeBigint(value.timestamp());
      return bound;
  }
  return base::InvalidRequest("a value of a kind this server does not know");
}

absl::StatusOr<cql::QueryOptions> ToQueryOptions(const pb::ExecuteRequest& request) {
  cql::QueryOptions options;
  auto consistency = ToConsistency(request.consistency());
  if (!consistency.ok()) return consistency.status();
  options.consistency = *consistency;
  options.keyspace = request.keyspace();
  options.values.reserve(request.values_size());
  for (const pb::Value& value : request.values()) {
    auto bound = ToBoundValue(value);
    if (!bound.ok()) return bound.status();
    options.values.push_back(*std::move(bound));
  }
  if (request.page_size() > kPageSizeMax) {
    return base::InvalidRequest(
        base::StrCat("page_size ", request.page_size(), " is more than ", kPageSizeMax));
  }
  if (request.page_size() != 0) options.page_size = request.page_size();
  options.paging_state = request.paging_state();
  if (request.has_timestamp()) options.timestamp = request.timestamp();
  return options;
}

void ToColumn(const cql::ResultColumn& column, pb::Column* out) {
  out->set_keyspace(column.keyspace);
  out->set_table(column.table);
  out->set_name(column.name);
  out->set_type(static_cast<uint32_t>(column.type.id()));
  out->set_type_name(std::string(column.type.name()));
}

void ToPrepareResponse(const cql::PreparedStatementInfo& info, pb::PrepareResponse* out) {
  out->set_id(info.id);
  for (const auto& column : info.parameters) ToColumn(column, out->add_parameters());
  for (const auto& column : info.result_columns) ToColumn(column, out->add_result_columns());
  for (uint16_t index : info.partition_key_indexes) out->add_partition_key_indexes(index);
}

void ToExecuteResponse(cql::QueryResult result, pb::RowFormat format, bool skip_columns,
                       pb::ExecuteResponse* out) {
  for (std::string& warning : result.warnings) out->add_warnings(std::move(warning));
  if (auto* rows = std::get_if<cql::RowsResult>(&result.result)) {
    ToRowsPage(std::move(*rows), format, skip_columns, out->mutable_rows());
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

void ToErrorDetail(const absl::Status& status, pb::ErrorDetail* out) {
  const auto error = base::GetRequestError(status);
  if (!error.has_value()) return;
  out->set_kind(static_cast<pb::ErrorDetail::Kind>(error->kind));
  out->set_write(error->write);
  out->set_consistency(error->consistency);
  out->set_required(error->required);
  out->set_received(error->received);
  out->set_alive(error->alive);
  out->set_failures(error->failures);
}

void ToError(const absl::Status& status, pb::Error* out) {
  out->set_code(static_cast<uint32_t>(status.code()));
  out->set_message(std::string(status.message()));
  if (base::GetRequestError(status).has_value()) ToErrorDetail(status, out->mutable_detail());
}

}  // namespace tholos::node
