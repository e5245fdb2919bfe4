// The transcripts of tests/cql/ through the gRPC API, on three real processes. Statements take
// turns in how they are sent and answered: values and rows raw or typed, at once or prepared
// before.
//
// What needs seconds to pass, or shows who the node is, is left to the simulated runs.
#include <algorithm>
#include <cstdio>

#include "client/messages.h"
#include "cql/rows.h"
#include "cql/testing/memory_node.h"
#include "gtest/gtest.h"
#include "node/grpc/values.h"
#include "tests/cluster/process_cluster.h"
#include "tests/cql/transcript.h"

namespace tholos::cql {
namespace {

namespace pb = ::tholos::v1;
using cluster_test::ProcessCluster;

constexpr int kStatementsMin = 1500;

absl::Status StatusOf(const grpc::Status& status) {
  pb::Error error;
  error.set_code(static_cast<uint32_t>(status.error_code()));
  error.set_message(status.error_message());
  *error.mutable_detail() = cluster_test::DetailOf(status);
  return client::StatusFrom(error);
}

// The bytes of every value of a typed page.
absl::Status AddTypedRows(const pb::RowsPage& page, RowsResult* out) {
  for (const pb::Row& row : page.rows()) {
    std::vector<data::Value> values;
    for (const pb::Value& value : row.values()) {
      auto bytes = node::ToBytes(value);
      if (!bytes.ok()) return bytes.status();
      values.push_back(*std::move(bytes));
    }
    AddRow(values, out);
  }
  return absl::OkStatus();
}

absl::StatusOr<QueryResult> ResultOf(const pb::ExecuteResponse& response) {
  QueryResult result;
  result.warnings.assign(response.warnings().begin(), response.warnings().end());
  if (response.has_schema_change()) {
    const pb::SchemaChange& change = response.schema_change();
    result.result =
        SchemaChangeResult{change.change(), change.target(), change.keyspace(), change.name()};
  } else if (!response.set_keyspace().empty()) {
    result.result = SetKeyspaceResult{response.set_keyspace()};
  } else if (response.has_rows()) {
    const pb::RowsPage& page = response.rows();
    auto columns = client::ColumnsFrom(page.columns());
    if (!columns.ok()) return columns.status();
    auto named = std::make_shared<std::vector<ResultColumn>>();
    for (const client::Column& column : **columns)
      named->push_back({column.keyspace, column.table, column.name, column.type});
    RowsResult rows;
    rows.columns = std::move(named);
    if (absl::Status status = AddTypedRows(page, &rows); !status.ok()) return status;
    rows.row_count = page.row_count();
    rows.rows += page.raw_rows();
    rows.paging_state = page.paging_state();
    result.result = std::move(rows);
  }
  return result;
}

class ProcessTarget final : public TranscriptTarget {
 public:
  explicit ProcessTarget(ProcessCluster& cluster) : cluster_(cluster) {}

  absl::StatusOr<QueryResult> Execute(const std::string& statement, QueryOptions options) override {
    const int turn = turn_++;
    pb::ExecuteRequest request;
    request.set_keyspace(options.keyspace.empty() ? keyspace_ : options.keyspace);
    request.set_page_size(options.page_size);
    request.set_paging_state(options.paging_state);
    if (options.timestamp.has_value()) request.set_timestamp(*options.timestamp);
    if (turn % 2 == 0) request.set_row_format(pb::ROW_FORMAT_RAW);
    SetValues(options.values, turn % 2 == 0, &request);
    request.set_query(statement);
    if (turn % 4 >= 2) {
      if (absl::Status status = Prepare(statement, &request); !status.ok()) return status;
    }
    grpc::ClientContext context;
    SetDeadline(&context);
    pb::ExecuteResponse response;
    const grpc::Status status = cluster_.cql(0).Execute(&context, request, &response);
    if (!status.ok()) return StatusOf(status);
    if (!response.set_keyspace().empty()) keyspace_ = response.set_keyspace();
    return ResultOf(response);
  }

  void Sleep(int) override { ADD_FAILURE() << "real seconds are not waited for"; }

 private:
  static void SetDeadline(grpc::ClientContext* context) {
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }

  static void SetValues(const std::vector<BoundValue>& values, bool raw,
                        pb::ExecuteRequest* request) {
    const auto named = [](const BoundValue& value) { return !value.name.empty(); };
    raw = raw && std::none_of(values.begin(), values.end(), named);
    for (const BoundValue& value : values) {
      if (raw) {
        if (value.unset) {
          base::PutBigEndian32(request->mutable_raw_values(), 0xFFFFFFFEu);
        } else {
          AppendValue(value.value, request->mutable_raw_values());
        }
        continue;
      }
      pb::Value* message = request->add_values();
      message->set_name(value.name);
      if (value.unset) message->set_unset(true);
      if (value.value.has_value()) message->set_cql(*value.value);
    }
  }

  absl::Status Prepare(const std::string& statement, pb::ExecuteRequest* request) {
    grpc::ClientContext context;
    SetDeadline(&context);
    pb::PrepareRequest prepare;
    prepare.set_query(statement);
    prepare.set_keyspace(keyspace_);
    pb::PrepareResponse response;
    const grpc::Status status = cluster_.cql(0).Prepare(&context, prepare, &response);
    if (!status.ok()) return StatusOf(status);
    request->set_prepared_id(response.id());
    return absl::OkStatus();
  }

  ProcessCluster& cluster_;
  std::string keyspace_;
  int turn_ = 0;
};

bool NeedsTheSimulator(const std::filesystem::path& path) {
  return path.stem() == "system" || path.stem() == "expiry";
}

class ProcessTranscripts : public testing::Test {
 protected:
  ProcessTranscripts() : cluster_(3) {
    cluster_.StartAll();
    EXPECT_TRUE(cluster_.WaitUp(3));
  }

  void DropKeyspaces() {
    grpc::ClientContext context;
    pb::GetSchemaResponse schema;
    ASSERT_TRUE(cluster_.admin(0).GetSchema(&context, {}, &schema).ok());
    for (const pb::SchemaKeyspace& keyspace : schema.keyspaces()) {
      const grpc::Status status = cluster_.Execute(0, "DROP KEYSPACE \"" + keyspace.name() + "\"");
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
  }

  ProcessCluster cluster_;
};

TEST_F(ProcessTranscripts, GiveTheSameAnswers) {
  int statements = 0;
  for (const std::filesystem::path& path : Transcripts()) {
    if (NeedsTheSimulator(path)) continue;
    ProcessTarget target(cluster_);
    for (const Step& step : ReadTranscript(path).steps) {
      EXPECT_EQ(WithoutPages(RunStep(target, step)), WithoutPages(step.expected))
          << path.stem() << ":" << step.line << ": " << step.statement;
      ++statements;
    }
    DropKeyspaces();
  }
  std::printf("%d statements through gRPC on three processes\n", statements);
  EXPECT_GE(statements, kStatementsMin);
}

}  // namespace
}  // namespace tholos::cql
