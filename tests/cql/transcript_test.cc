// Runs the transcripts beside this file: statements of CQL, each followed by what it must answer.
//
//   SELECT k, v FROM t WHERE k = 1;
//   -- k | v
//   -- 1 | 'one'
//
// An answer stands in comment lines: rows under a line of column names, OK, or the error. Lines
// that begin with `--!` direct what follows; lines that begin with `#` are remarks.
//
//   --! bind int:1, text:abc, null, unset    values for the next statement's markers (name=int:1 by
//   name)
//   --! pages 2                              the next SELECT in pages of two rows, to the end
//   --! at 1000                              the request's timestamp for the next statement
//   --! sleep 10                             that many seconds pass
//   --! replica_rows 1                       from here on a coordinator's page has at most that
//   many rows
//
// Every transcript runs twice, on a new node each: as plain statements, and as prepared ones. With
// THOLOS_UPDATE_TRANSCRIPTS set, the answers in the files are replaced by those given.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_split.h"
#include "base/strings.h"
#include "cql/testing/memory_node.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

struct Step {
  int line = 0;
  std::vector<std::string> directives;
  std::string statement;
  std::string expected;  // lines joined by '\n'
  std::string before;    // of the file, with the statement: what precedes the answer
};

std::vector<Step> ReadTranscript(const std::filesystem::path& path, std::string* tail) {
  std::ifstream in(path);
  std::vector<Step> steps;
  std::string line;
  std::string before;
  Step step;
  bool in_statement = false;
  int number = 0;
  while (std::getline(in, line)) {
    ++number;
    if (!in_statement && line.starts_with("-- ") && before.empty() && !steps.empty()) {
      std::string& expected = steps.back().expected;
      base::StrAppend(&expected, expected.empty() ? "" : "\n", line.substr(3));
      continue;
    }
    base::StrAppend(&before, line, "\n");
    if (!in_statement && line.starts_with("--! ")) step.directives.push_back(line.substr(4));
    if (!in_statement && (line.empty() || line.starts_with("--") || line[0] == '#')) continue;
    if (!in_statement) step.line = number;
    in_statement = !line.ends_with(';');
    base::StrAppend(&step.statement, line, "\n");
    if (in_statement) continue;
    step.before = std::exchange(before, "");
    steps.push_back(std::exchange(step, Step()));
  }
  *tail = before;
  return steps;
}

BoundValue ParseBound(std::string text) {
  BoundValue bound;
  const size_t equals = text.find('=');
  if (equals != std::string::npos && equals < text.find(':')) {
    bound.name = text.substr(0, equals);
    text = text.substr(equals + 1);
  }
  bound.unset = text == "unset";
  if (bound.unset || text == "null") return bound;
  const size_t colon = text.find(':');
  const absl::StatusOr<data::DataType> type = data::DataType::FromName(text.substr(0, colon));
  if (!type.ok()) throw std::runtime_error(text + ": " + type.status().ToString());
  absl::StatusOr<std::string> value = type->FromText(text.substr(colon + 1));
  if (!value.ok()) throw std::runtime_error(text + ": " + value.status().ToString());
  bound.value = *std::move(value);
  return bound;
}

class Runner {
 public:
  explicit Runner(bool prepared) : prepared_(prepared) {}

  std::string Run(const Step& step) {
    QueryOptions options;
    bool all_pages = false;
    for (const std::string& directive : step.directives) {
      const size_t blank = directive.find(' ');
      const std::string verb = directive.substr(0, blank);
      const std::string rest = directive.substr(blank + 1);
      if (verb == "bind") {
        for (const auto& item : absl::StrSplit(rest, ", ")) {
          options.values.push_back(ParseBound(std::string(item)));
        }
      } else if (verb == "pages") {
        options.page_size = static_cast<uint32_t>(std::stoul(rest));
        all_pages = true;
      } else if (verb == "at") {
        options.timestamp = std::stoll(rest);
      } else if (verb == "sleep") {
        node_.world.RunFor(absl::Seconds(std::stoi(rest)));
      } else if (verb == "replica_rows") {
        node_.coordinator.rows_max = static_cast<uint32_t>(std::stoul(rest));
      } else {
        ADD_FAILURE() << "unknown directive " << directive;
      }
    }
    std::string shown;
    while (true) {
      auto result = prepared_ ? node_.ExecutePrepared(step.statement, options)
                              : node_.Execute(step.statement, options);
      base::StrAppend(&shown, shown.empty() ? "" : "\n", Show(result));
      const auto* rows = result.ok() ? std::get_if<RowsResult>(&result->result) : nullptr;
      if (!all_pages || rows == nullptr || rows->paging_state.empty()) return shown;
      options.paging_state = rows->paging_state;
    }
  }

 private:
  const bool prepared_;
  MemoryNode node_;
};

void RunTranscript(const std::filesystem::path& path, bool prepared) {
  std::string tail;
  const std::vector<Step> steps = ReadTranscript(path, &tail);
  ASSERT_FALSE(steps.empty()) << path;
  const bool update = std::getenv("THOLOS_UPDATE_TRANSCRIPTS") != nullptr && !prepared;
  Runner runner(prepared);
  std::string rewritten;
  for (const Step& step : steps) {
    const std::string given = runner.Run(step);
    if (update) {
      rewritten += step.before;
      for (const auto& line : absl::StrSplit(given, '\n')) {
        base::StrAppend(&rewritten, "-- ", line, "\n");
      }
      continue;
    }
    EXPECT_EQ(given, step.expected) << path.filename().string() << ":" << step.line
                                    << (prepared ? " (prepared): " : ": ") << step.statement;
  }
  if (update) std::ofstream(path) << rewritten << tail;
}

std::vector<std::filesystem::path> Transcripts() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(THOLOS_TRANSCRIPTS)) {
    if (entry.path().extension() == ".cql") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

class Transcript : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Transcript, Plain) { RunTranscript(GetParam(), false); }
TEST_P(Transcript, Prepared) { RunTranscript(GetParam(), true); }

INSTANTIATE_TEST_SUITE_P(All, Transcript, testing::ValuesIn(Transcripts()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace tholos::cql
