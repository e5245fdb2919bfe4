#include "coordinator/trace.h"

#include <gtest/gtest.h>

#include "coordinator/system_schema.h"
#include "coordinator/testing/test_cluster.h"
#include "coordinator/trace_store.h"
#include "data/key.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

// The text of a column of each live row, in clustering order.
std::vector<std::string> Column(TestCluster& cluster, const data::TableSchema& table,
                                std::string_view column) {
  std::vector<std::string> values;
  const auto page = cluster.Read(0, {.table = table.id}, kQuorum);
  EXPECT_TRUE(page.ok()) << page.status();
  for (const auto& partition : page->partitions) {
    for (const data::Row& row : partition.rows) {
      const data::Cell* cell = row.Find(table.Find(column)->id);
      values.push_back(cell == nullptr ? "-" : cell->value);
    }
  }
  return values;
}

size_t Count(const std::vector<std::string>& texts, std::string_view part) {
  return static_cast<size_t>(
      std::count_if(texts.begin(), texts.end(),
                    [&](const std::string& text) { return text.find(part) != std::string::npos; }));
}

absl::Status TracedWrite(TestCluster& cluster, data::Mutation mutation) {
  const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(2);
  return cluster.Run(0, [&]() -> base::Task<absl::Status> {
    const TraceHandle trace = cluster.coordinator(0).BeginTrace(
        {.request = "Execute CQL3 query", .client = "10.1.2.3", .parameters = {{"query", "x"}}});
    const absl::Status status =
        co_await cluster.coordinator(0).Write(std::move(mutation), {kTwo, deadline, trace});
    cluster.coordinator(0).EndTrace(trace);
    co_return status;
  });
}

TEST(TraceTest, StepsOfAllNodesAreStored) {
  TestCluster cluster;
  cluster.faults(2).apply_delay = absl::Milliseconds(300);  // answers after the end
  EXPECT_TRUE(TracedWrite(cluster, PutRow("p", "c", 1, "v")).ok());
  cluster.RunFor(absl::Seconds(1));
  const auto requests = Column(cluster, SessionsTable(), "request");
  ASSERT_EQ(requests, std::vector<std::string>{"Execute CQL3 query"});
  const auto activities = Column(cluster, EventsTable(), "activity");
  EXPECT_EQ(Count(activities, "write needs 2 of"), 1u);
  EXPECT_EQ(Count(activities, "mutation applied here"), 1u);
  EXPECT_EQ(Count(activities, "sending WRITE to"), 2u);
  EXPECT_EQ(Count(activities, "bytes received from n0"), 2u) << "the late one too";
  EXPECT_EQ(Count(activities, "durable in the commit log"), 2u);
  EXPECT_EQ(Count(activities, "answer to WRITE from"), 2u);
  // In the order of their times: sent before received, received before answered.
  EXPECT_NE(activities.front().find("write needs"), std::string::npos);
  EXPECT_NE(activities.back().find("answer to WRITE from n2"), std::string::npos);
  // For a day.
  for (int node = 0; node < 3; ++node) cluster.sim_node(node).clock().StepWall(absl::Hours(25));
  EXPECT_TRUE(Column(cluster, SessionsTable(), "request").empty());
  EXPECT_TRUE(Column(cluster, EventsTable(), "activity").empty());
}

TEST(TraceTest, NothingIsStoredOfOthers) {
  TestCluster cluster;
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll).ok());
  EXPECT_TRUE(cluster.Read(0, ReadAll("p"), kAll).ok());
  cluster.RunFor(absl::Seconds(1));
  EXPECT_TRUE(Column(cluster, EventsTable(), "activity").empty());
}

TEST(TraceTest, ErrorsComeThroughATrace) {
  TestCluster cluster;
  cluster.faults(1).apply_error = cluster.faults(2).apply_error = absl::InternalError("broken");
  const absl::Status status = TracedWrite(cluster, PutRow("p", "c", 1, "v"));
  EXPECT_EQ(base::GetRequestError(status)->kind, base::RequestErrorKind::kFailure) << status;
  cluster.faults(1) = cluster.faults(2) = {};
  cluster.RunFor(absl::Seconds(1));
  EXPECT_EQ(Count(Column(cluster, EventsTable(), "activity"), "failure of WRITE from"), 2u);
}

TEST(TraceTest, MessagesRoundTrip) {
  const auto request = DecodeTracedRequest(EncodeTracedRequest(rpc::Verb::kWrite, "body"));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->verb, rpc::Verb::kWrite);
  EXPECT_EQ(request->body, "body");
  EXPECT_FALSE(DecodeTracedRequest("x").ok());

  const std::vector<TraceStep> steps = {{0, "begun"}, {1234567, "done"}};
  const std::string bytes = EncodeTracedAnswer({std::string("body"), steps});
  const auto answer = DecodeTracedAnswer(bytes);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(*answer->answer, "body");
  EXPECT_EQ(answer->steps, steps);
  for (size_t size = 0; size < bytes.size() - 4; ++size)
    EXPECT_FALSE(DecodeTracedAnswer(bytes.substr(0, size)).ok()) << size;
  const auto failed = DecodeTracedAnswer(EncodeTracedAnswer({absl::NotFoundError("no"), steps}));
  ASSERT_TRUE(failed.ok());
  EXPECT_EQ(failed->answer.status(), absl::NotFoundError("no"));
  EXPECT_EQ(failed->steps, steps);
}

TEST(TraceTest, TimeUuidsSortByTime) {
  base::RandomStream random(1);
  std::string last;
  for (int64_t micros : {int64_t{1}, int64_t{1'000'000}, int64_t{1'700'000'000'000'000},
                         int64_t{1'700'000'000'000'001}, int64_t{1'900'000'000'000'000}}) {
    const base::Uuid id = TimeUuid(micros, random);
    EXPECT_EQ(id.bytes[6] >> 4, 1);
    EXPECT_EQ(id.bytes[8] >> 6, 2);
    const auto key = data::EncodeClustering(EventsTable(), {std::string(id.AsBytes())});
    ASSERT_TRUE(key.ok());
    EXPECT_LT(last, *key);
    last = *key;
  }
}

}  // namespace
}  // namespace tholos::coordinator
