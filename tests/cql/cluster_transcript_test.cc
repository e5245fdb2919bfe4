// Every transcript on a simulated cluster of three whole nodes: storage, replication and all.
#include "base/strings.h"
#include "cql/testing/memory_node.h"
#include "gtest/gtest.h"
#include "tests/cql/transcript.h"
#include "tests/sim/sim_cluster.h"

namespace tholos::cql {
namespace {

// Its answers are those of a node in memory: addresses, identities.
constexpr std::string_view kOfOneNode[] = {"system"};

class ClusterTarget final : public TranscriptTarget {
 public:
  ClusterTarget() : cluster_({.seed = base::sim::SeedFromEnvironment()}) {
    for (int n = 0; n < cluster_.size(); ++n) cluster_.Boot(n);
    const auto outcome =
        cluster_.simulation().RunUntil([this] { return cluster_.AllUp(); }, absl::Minutes(2));
    EXPECT_EQ(outcome, base::sim::Simulation::Outcome::kReached);
    Sleep(1);
  }

  // All through one node: the transcripts count seconds by its clock.
  absl::StatusOr<QueryResult> Execute(const std::string& statement, QueryOptions options) override {
    if (options.keyspace.empty()) options.keyspace = keyspace_;
    absl::StatusOr<QueryResult> result = cluster_.QueryAndWait(0, statement, std::move(options));
    const auto* use = result.ok() ? std::get_if<SetKeyspaceResult>(&result->result) : nullptr;
    if (use != nullptr) keyspace_ = use->keyspace;
    return result;
  }

  // Until the node's clock has begun that second: the statements that follow take milliseconds.
  void Sleep(int seconds) override {
    const base::Clock& clock = cluster_.machine(0).clock();
    const int64_t until = (clock.WallSeconds() + seconds) * 1'000'000;
    while (clock.WallMicros() < until) {
      cluster_.simulation().RunFor(absl::Microseconds(until - clock.WallMicros()));
    }
  }

 private:
  sim::SimCluster cluster_;
  std::string keyspace_;
};

class ClusterTranscript : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ClusterTranscript, GivesTheSameAnswers) {
  const std::string name = GetParam().stem().string();
  if (std::find(std::begin(kOfOneNode), std::end(kOfOneNode), name) != std::end(kOfOneNode)) return;
  ClusterTarget target;
  for (const Step& step : ReadTranscript(GetParam()).steps) {
    EXPECT_EQ(WithoutPages(RunStep(target, step)), WithoutPages(step.expected))
        << name << ":" << step.line << ": " << step.statement;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ClusterTranscript, testing::ValuesIn(Transcripts()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace tholos::cql
