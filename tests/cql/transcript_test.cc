// Every transcript on a node in memory, as plain statements and as prepared ones. With
// THOLOS_UPDATE_TRANSCRIPTS set, the answers in the files are replaced by those given.
#include "tests/cql/transcript.h"

#include <cstdlib>

#include "cql/testing/memory_node.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

class MemoryTarget final : public TranscriptTarget {
 public:
  explicit MemoryTarget(bool prepared) : prepared_(prepared) {}

  absl::StatusOr<QueryResult> Execute(const std::string& statement, QueryOptions options) override {
    return prepared_ ? node_.ExecutePrepared(statement, std::move(options))
                     : node_.Execute(statement, std::move(options));
  }
  void Sleep(int seconds) override { node_.world.RunFor(absl::Seconds(seconds)); }
  void SetReplicaRows(uint32_t rows) override { node_.coordinator.rows_max = rows; }

 private:
  const bool prepared_;
  MemoryNode node_;
};

void RunTranscript(const std::filesystem::path& path, bool prepared) {
  const TranscriptFile file = ReadTranscript(path);
  ASSERT_FALSE(file.steps.empty()) << path;
  const bool update = std::getenv("THOLOS_UPDATE_TRANSCRIPTS") != nullptr && !prepared;
  MemoryTarget target(prepared);
  std::vector<std::string> answers;
  for (const Step& step : file.steps) {
    answers.push_back(RunStep(target, step));
    if (update) continue;
    EXPECT_EQ(answers.back(), step.expected)
        << path.filename().string() << ":" << step.line << (prepared ? " (prepared): " : ": ")
        << step.statement;
  }
  if (update) WriteTranscript(path, file, answers);
}

class Transcript : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Transcript, Plain) { RunTranscript(GetParam(), false); }
TEST_P(Transcript, Prepared) { RunTranscript(GetParam(), true); }

INSTANTIATE_TEST_SUITE_P(All, Transcript, testing::ValuesIn(Transcripts()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace tholos::cql
