#include "cql/testing/memory_node.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/rows.h"
#include "data/source.h"
#include "data/vector_source.h"

namespace tholos::cql {

absl::StatusOr<data::Timestamp> MemoryCoordinator::NextTimestamp() {
  if (!clock_status.ok()) return clock_status;
  last_ = std::max(last_ + 1, clock_.WallMicros());
  return last_;
}

base::Task<absl::Status> MemoryCoordinator::Write(data::Mutation mutation,
                                                  coordinator::RequestOptions options) {
  last_options = options;
  data::Partition& into = tables_[mutation.table][mutation.update.key];
  into.key = mutation.update.key;
  data::MergeInto(&into, std::move(mutation.update));
  co_return absl::OkStatus();
}

base::Task<absl::Status> MemoryCoordinator::Truncate(data::TableId table,
                                                     coordinator::RequestOptions options) {
  last_options = options;
  tables_.erase(table);
  co_return absl::OkStatus();
}

base::Task<absl::Status> MemoryCoordinator::WriteBatch(std::vector<data::Mutation> mutations,
                                                       bool logged,
                                                       coordinator::RequestOptions options) {
  ++(logged ? logged_batches : unlogged_batches);
  for (data::Mutation& mutation : mutations) {
    THOLOS_CO_RETURN_IF_ERROR(co_await Write(std::move(mutation), options));
  }
  co_return absl::OkStatus();
}

base::Task<absl::StatusOr<coordinator::ReadPage>> MemoryCoordinator::Read(
    data::ReadCommand command, coordinator::RequestOptions options) {
  ++reads;
  if (options.ahead) share_max = std::max(share_max, command.bytes_max);
  last_options = options;
  if (read_takes > absl::ZeroDuration()) co_await base::SleepFor(read_takes);
  if (pages) co_return pages(command);
  command.row_limit = std::min(command.row_limit, rows_max);
  if (command.now_seconds == 0) command.now_seconds = clock_.WallSeconds();
  std::vector<data::Partition> partitions;
  for (const auto& [key, partition] : tables_[command.table]) partitions.push_back(partition);
  const int64_t now_seconds = command.now_seconds;
  auto source = data::VectorSource(std::move(partitions), data::Selection::Of(command));
  THOLOS_CO_ASSIGN_OR_RETURN(data::ReadResult result,
                             co_await data::Collect(std::move(source), std::move(command)));
  coordinator::ReadPage page;
  if (result.more) page.next = data::LastPosition(result);
  page.needed = result.needed;
  for (data::Partition& partition : result.partitions) {
    std::erase_if(partition.rows, [&](const data::Row& row) { return !row.LiveAt(now_seconds); });
    if (partition.static_row && !partition.static_row->LiveAt(now_seconds)) {
      partition.static_row.reset();
    }
  }
  std::erase_if(result.partitions, [](const data::Partition& partition) {
    return partition.rows.empty() && !partition.static_row;
  });
  page.partitions = std::move(result.partitions);
  co_return page;
}

base::Task<absl::Status> MemorySchemaService::Apply(Change change, base::Deadline) {
  const ring::ClusterState::Ptr current = state_.Get();
  THOLOS_CO_ASSIGN_OR_RETURN(data::Schema next, change(current->schema(), clock_.WallMicros()));
  std::vector<ring::NodeInfo> nodes;
  for (const auto& [id, node] : current->nodes()) nodes.push_back(node);
  state_.Set(ring::ClusterState::Make(current->epoch() + 1, std::move(nodes),
                                      std::make_shared<const data::Schema>(std::move(next))));
  co_return absl::OkStatus();
}

namespace {

base::Uuid NodeUuid(uint8_t number) {
  base::Uuid uuid;
  uuid.bytes[6] = 0x40;
  uuid.bytes[15] = number;
  return uuid;
}

ring::NodeInfo MakeNode(uint8_t number) {
  const std::string host = base::StrCat("127.0.0.", static_cast<int>(number));
  ring::NodeInfo node;
  node.id = NodeUuid(number);
  node.internode = {host, 7000};
  node.client = {host, 9043};
  node.datacenter = "dc1";
  node.rack = "rack1";
  node.tokens = {number * 1000};
  return node;
}

}  // namespace

MemoryNode::MemoryNode(QueryLimits limits) {
  state.Set(ring::ClusterState::Make(1, {MakeNode(1), MakeNode(2)},
                                     std::make_shared<const data::Schema>()));
  processor = MakeQueryProcessor({.clock = world.clock(),
                                  .random = world.random(),
                                  .executor = world.executor(),
                                  .state = state,
                                  .coordinator = coordinator,
                                  .schema = schema,
                                  .metrics = metrics,
                                  .limits = limits,
                                  .local_node = NodeUuid(1),
                                  .cluster_name = "test"});
}

absl::StatusOr<QueryResult> MemoryNode::Kept(absl::StatusOr<QueryResult> result) {
  if (!result.ok()) return result;
  const auto* use = std::get_if<SetKeyspaceResult>(&result->result);
  if (use != nullptr) keyspace = use->keyspace;
  return result;
}

absl::StatusOr<QueryResult> MemoryNode::Execute(std::string query, QueryOptions options) {
  options.deadline = world.clock().Now() + absl::Seconds(10);
  if (options.keyspace.empty()) options.keyspace = keyspace;
  return Kept(world.Run(processor->Execute(std::move(query), std::move(options))));
}

absl::StatusOr<QueryResult> MemoryNode::ExecutePrepared(std::string query, QueryOptions options) {
  options.deadline = world.clock().Now() + absl::Seconds(10);
  absl::StatusOr<PreparedStatementInfo> info =
      world.Run(processor->Prepare(std::move(query), keyspace));
  if (!info.ok()) return info.status();
  return Kept(world.Run(processor->ExecutePrepared(info->id, std::move(options))));
}

absl::StatusOr<QueryResult> MemoryNode::ExecuteBatch(BatchType type, std::vector<BatchItem> items,
                                                     QueryOptions options) {
  options.deadline = world.clock().Now() + absl::Seconds(10);
  options.keyspace = keyspace;
  return world.Run(processor->ExecuteBatch(type, std::move(items), std::move(options)));
}

PreparedId MemoryNode::Prepare(std::string query) {
  const absl::StatusOr<PreparedStatementInfo> info = world.Run(processor->Prepare(query, keyspace));
  THOLOS_CHECK(info.ok()) << query << ": " << info.status().ToString();
  return info->id;
}

void MemoryNode::Run(std::string query) {
  const absl::StatusOr<QueryResult> result = Execute(query);
  THOLOS_CHECK(result.ok()) << query << ": " << result.status().ToString();
}

RowsResult MemoryNode::Rows(std::string query, QueryOptions options) {
  absl::StatusOr<QueryResult> result = Execute(query, std::move(options));
  THOLOS_CHECK(result.ok()) << query << ": " << result.status().ToString();
  return std::get<RowsResult>(result->result);
}

std::string ShowRow(const RowsResult& rows, size_t index) {
  std::vector<std::string> values;
  const std::vector<data::Value> row = DecodeRows(rows)[index];
  for (size_t i = 0; i < row.size(); ++i) {
    const std::string shown = row[i] ? (*rows.columns)[i].type.ToCqlLiteral(*row[i]) : "null";
    values.push_back(absl::StrReplaceAll(shown, {{"\n", "\\n"}}));
  }
  return absl::StrJoin(values, " | ");
}

std::string Show(const absl::StatusOr<QueryResult>& result) {
  if (!result.ok()) {
    const std::optional<base::RequestError> error = base::GetRequestError(result.status());
    return base::StrCat("error ", error ? base::RequestErrorKindName(error->kind) : "untyped", ": ",
                        result.status().message());
  }
  if (const auto* change = std::get_if<SchemaChangeResult>(&result->result)) {
    return base::StrCat(change->change, " ", change->target, " ", change->keyspace,
                        change->name.empty() ? "" : ".", change->name);
  }
  if (const auto* use = std::get_if<SetKeyspaceResult>(&result->result)) {
    return base::StrCat("keyspace ", use->keyspace);
  }
  const auto* rows = std::get_if<RowsResult>(&result->result);
  if (rows == nullptr) return "OK";
  std::vector<std::string> names;
  for (const ResultColumn& column : *rows->columns) names.push_back(column.name);
  std::vector<std::string> lines = {absl::StrJoin(names, " | ")};
  for (size_t i = 0; i < rows->row_count; ++i) lines.push_back(ShowRow(*rows, i));
  if (rows->row_count == 0) lines.push_back("(no rows)");
  if (!rows->paging_state.empty()) lines.push_back("(more)");
  return absl::StrJoin(lines, "\n");
}

}  // namespace tholos::cql
