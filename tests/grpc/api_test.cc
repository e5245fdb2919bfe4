// tholos.v1 on a real process: what a table of messages cannot show.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include "data/key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/process_cluster.h"

namespace tholos::cluster_test {
namespace {

namespace pb = ::tholos::v1;
using testing::HasSubstr;

class Api : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = new ProcessCluster(1);
    cluster_->StartAll();
    ASSERT_TRUE(cluster_->WaitUp(1));
    Run("CREATE KEYSPACE a WITH replication = {'class': 'SimpleStrategy', 'replication_factor': "
        "1}");
    Run("CREATE TABLE a.t (k int, c int, v text, PRIMARY KEY (k, c))");
  }
  static void TearDownTestSuite() { delete std::exchange(cluster_, nullptr); }

  static void Run(const std::string& statement) {
    const grpc::Status status = cluster_->Execute(0, statement);
    ASSERT_TRUE(status.ok()) << statement << ": " << status.error_message();
  }

  static std::unique_ptr<grpc::ClientContext> Context() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return context;
  }

  static pb::ExecuteResponse Execute(const pb::ExecuteRequest& request) {
    const auto context = Context();
    pb::ExecuteResponse response;
    const grpc::Status status = cluster_->cql(0).Execute(context.get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  static pb::PrepareResponse Prepare(const std::string& query) {
    const auto context = Context();
    pb::PrepareRequest request;
    request.set_query(query);
    pb::PrepareResponse response;
    const grpc::Status status = cluster_->cql(0).Prepare(context.get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  static ProcessCluster* cluster_;
};
ProcessCluster* Api::cluster_ = nullptr;

TEST_F(Api, AMalformedMessageEndsASessionWithAnError) {
  grpc::GenericStub stub(
      grpc::CreateChannel("ipv4:" + cluster_->host(0), grpc::InsecureChannelCredentials()));
  grpc::CompletionQueue queue;
  const auto context = Context();
  auto stream = stub.PrepareCall(context.get(), "/tholos.v1.Tholos/Session", &queue);
  const auto step = [&](bool expected) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_EQ(ok, expected);
  };
  stream->StartCall(nullptr);
  step(true);
  // The call before it is still answered.
  pb::SessionRequest good;
  good.add_calls()->set_id(7);
  good.mutable_calls(0)->mutable_execute()->set_query("SELECT * FROM a.t");
  const grpc::Slice good_bytes(good.SerializeAsString());
  stream->Write(grpc::ByteBuffer(&good_bytes, 1), nullptr);
  step(true);
  const grpc::Slice bad_bytes("\x0A\xFF\xFF\xFF\xFFno message");
  stream->Write(grpc::ByteBuffer(&bad_bytes, 1), nullptr);
  step(true);
  grpc::ByteBuffer answer;
  stream->Read(&answer, nullptr);
  step(true);
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(answer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  pb::SessionResponse response;
  ASSERT_TRUE(response.ParseFromString(bytes));
  EXPECT_EQ(response.answers(0).id(), 7u);
  EXPECT_TRUE(response.answers(0).has_execute());
  grpc::Status status;
  stream->Finish(&status, nullptr);
  step(true);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("malformed"));
  queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
  }
}

TEST_F(Api, ASessionThatEndsInOrderIsOk) {
  const auto context = Context();
  auto stream = cluster_->cql(0).Session(context.get());
  pb::SessionRequest request;
  for (uint64_t id = 1; id <= 3; ++id) {
    pb::SessionCall* call = request.add_calls();
    call->set_id(id);
    if (id == 1) call->mutable_prepare()->set_query("SELECT v FROM a.t WHERE k = ?");
    if (id == 2) call->mutable_execute()->set_query("SELECT nothing FROM a.t");
  }
  stream->Write(request);
  stream->WritesDone();
  std::map<uint64_t, pb::SessionAnswer> answers;
  pb::SessionResponse response;
  while (stream->Read(&response)) {
    for (const auto& answer : response.answers()) answers[answer.id()] = answer;
  }
  EXPECT_TRUE(stream->Finish().ok());
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[1].prepare().parameters_size(), 1);
  EXPECT_EQ(answers[2].error().detail().kind(), pb::ErrorDetail::INVALID);
  EXPECT_EQ(answers[2].error().detail().column(), 8u);
  EXPECT_EQ(answers[3].error().code(), static_cast<uint32_t>(grpc::StatusCode::INVALID_ARGUMENT));
}

TEST_F(Api, ResultIdsFollowTheSchema) {
  Run("CREATE TABLE a.grows (k int PRIMARY KEY, v int)");
  Run("INSERT INTO a.grows (k, v) VALUES (1, 2)");
  const pb::PrepareResponse prepared = Prepare("SELECT * FROM a.grows");
  pb::ExecuteRequest request;
  request.set_prepared_id(prepared.id());
  request.set_result_id(prepared.result_id());
  pb::ExecuteResponse response = Execute(request);
  EXPECT_EQ(response.rows().columns_size(), 0);
  EXPECT_EQ(response.rows().rows(0).values_size(), 2);
  Run("ALTER TABLE a.grows ADD w text");
  response = Execute(request);
  EXPECT_EQ(response.rows().columns_size(), 3);
  EXPECT_EQ(response.rows().rows(0).values_size(), 3);
  ASSERT_NE(response.rows().result_id(), prepared.result_id());
  request.set_result_id(response.rows().result_id());
  response = Execute(request);
  EXPECT_EQ(response.rows().columns_size(), 0);
}

TEST_F(Api, TracesLeadToSystemTraces) {
  pb::ExecuteRequest request;
  request.set_query("SELECT * FROM a.t WHERE k = 1");
  request.set_tracing(true);
  const std::string id = Execute(request).tracing_id();
  ASSERT_EQ(id.size(), 16u);
  pb::BatchRequest batch;
  batch.set_tracing(true);
  batch.add_statements()->set_query("INSERT INTO a.t (k, c) VALUES (1, 1)");
  const auto context = Context();
  pb::ExecuteResponse response;
  ASSERT_TRUE(cluster_->cql(0).Batch(context.get(), batch, &response).ok());
  EXPECT_EQ(response.tracing_id().size(), 16u);
  pb::ExecuteRequest find;
  find.set_query("SELECT client FROM system_traces.sessions WHERE session_id = ?");
  find.set_consistency(pb::CONSISTENCY_ONE);
  find.add_values()->set_uuid(id);
  pb::RowsPage rows;
  // The trace is written behind the answer.
  ASSERT_TRUE(Eventually(absl::Seconds(10), [&] {
    rows = Execute(find).rows();
    return rows.rows_size() == 1;
  }));
  EXPECT_EQ(rows.rows(0).values(0).inet().size(), 4u);
}

TEST_F(Api, TheTopologyCoversTheRing) {
  pb::Topology topology;
  ASSERT_TRUE(cluster_->cql(0).GetTopology(Context().get(), {}, &topology).ok());
  ASSERT_EQ(topology.nodes_size(), 1);
  EXPECT_EQ(topology.nodes(0).address(), cluster_->host(0));
  EXPECT_EQ(topology.nodes(0).host_id(), topology.host_id());
  EXPECT_TRUE(topology.nodes(0).up());
  const auto of_a = std::find_if(topology.keyspaces().begin(), topology.keyspaces().end(),
                                 [](const auto& each) { return each.keyspace() == "a"; });
  ASSERT_NE(of_a, topology.keyspaces().end());
  const pb::Placement& placement = topology.placements(static_cast<int>(of_a->placement()));
  ASSERT_GT(placement.last_tokens_size(), 0);
  EXPECT_EQ(placement.last_tokens(placement.last_tokens_size() - 1),
            std::numeric_limits<data::Token>::max());
  for (const auto& replicas : placement.replicas()) EXPECT_EQ(replicas.nodes_size(), 1);

  pb::TopologyRequest again;
  again.set_known_version(topology.version());
  pb::Topology unchanged;
  ASSERT_TRUE(cluster_->cql(0).GetTopology(Context().get(), again, &unchanged).ok());
  EXPECT_EQ(unchanged.version(), topology.version());
  EXPECT_EQ(unchanged.nodes_size(), 0);
  Run("CREATE KEYSPACE b WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  pb::Topology changed;
  ASSERT_TRUE(cluster_->cql(0).GetTopology(Context().get(), again, &changed).ok());
  EXPECT_NE(changed.version(), topology.version());
  EXPECT_EQ(changed.keyspaces_size(), topology.keyspaces_size() + 1);
}

TEST_F(Api, UnpreparedNamesTheId) {
  const auto context = Context();
  pb::ExecuteRequest request;
  request.set_prepared_id("no such statement");
  pb::ExecuteResponse response;
  const grpc::Status status = cluster_->cql(0).Execute(context.get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf(status).kind(), pb::ErrorDetail::UNPREPARED);
  EXPECT_EQ(DetailOf(status).prepared_id(), "no such statement");
}

}  // namespace
}  // namespace tholos::cluster_test
