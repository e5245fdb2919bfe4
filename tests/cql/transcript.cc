#include "tests/cql/transcript.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/strings.h"
#include "cql/testing/memory_node.h"
#include "data/types/type_parser.h"

namespace tholos::cql {
namespace {

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
  const absl::StatusOr<data::DataType> type = data::ParseType(text.substr(0, colon));
  if (!type.ok()) throw std::runtime_error(text + ": " + type.status().ToString());
  absl::StatusOr<std::string> value = type->FromText(text.substr(colon + 1));
  if (!value.ok()) throw std::runtime_error(text + ": " + value.status().ToString());
  bound.value = *std::move(value);
  return bound;
}

// At the commas outside of brackets: "list<int>:[1, 2], map<int, int>:{1: 2}" are two.
std::vector<std::string> SplitValues(const std::string& text) {
  std::vector<std::string> values(1);
  int depth = 0;
  for (const char c : text) {
    if (std::string_view("<[{(").find(c) != std::string_view::npos) ++depth;
    if (std::string_view(">]})").find(c) != std::string_view::npos) --depth;
    if (c == ',' && depth == 0) {
      values.emplace_back();
    } else if (c != ' ' || !values.back().empty()) {
      values.back().push_back(c);
    }
  }
  return values;
}

void ParseDirective(const std::string& directive, Step* step) {
  const size_t blank = directive.find(' ');
  const std::string verb = directive.substr(0, blank);
  const std::string rest = directive.substr(blank + 1);
  if (verb == "bind") {
    for (const std::string& item : SplitValues(rest)) {
      step->options.values.push_back(ParseBound(item));
    }
  } else if (verb == "pages") {
    step->options.page_size = static_cast<uint32_t>(std::stoul(rest));
    step->all_pages = true;
  } else if (verb == "at") {
    step->options.timestamp = std::stoll(rest);
  } else if (verb == "sleep") {
    step->sleep_seconds = std::stoi(rest);
  } else if (verb == "replica_rows") {
    step->replica_rows = static_cast<uint32_t>(std::stoul(rest));
  } else {
    throw std::runtime_error("unknown directive " + directive);
  }
}

}  // namespace

TranscriptFile ReadTranscript(const std::filesystem::path& path) {
  std::ifstream in(path);
  TranscriptFile file;
  std::string line;
  std::string before;
  Step step;
  bool in_statement = false;
  for (int number = 1; std::getline(in, line); ++number) {
    if (!in_statement && line.starts_with("-- ") && before.empty() && !file.steps.empty()) {
      std::string& expected = file.steps.back().expected;
      base::StrAppend(&expected, expected.empty() ? "" : "\n", line.substr(3));
      continue;
    }
    base::StrAppend(&before, line, "\n");
    if (!in_statement && line.starts_with("--! ")) ParseDirective(line.substr(4), &step);
    if (!in_statement && (line.empty() || line.starts_with("--") || line[0] == '#')) continue;
    if (!in_statement) step.line = number;
    in_statement = !line.ends_with(';');
    base::StrAppend(&step.statement, line, "\n");
    if (in_statement) continue;
    step.before = std::exchange(before, "");
    file.steps.push_back(std::exchange(step, Step()));
  }
  file.tail = before;
  return file;
}

void WriteTranscript(const std::filesystem::path& path, const TranscriptFile& file,
                     const std::vector<std::string>& answers) {
  std::ofstream out(path);
  for (size_t i = 0; i < file.steps.size(); ++i) {
    out << file.steps[i].before;
    for (const auto& line : absl::StrSplit(answers[i], '\n')) out << "-- " << line << "\n";
  }
  out << file.tail;
}

std::vector<std::filesystem::path> Transcripts() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(THOLOS_TRANSCRIPTS)) {
    if (entry.path().extension() == ".cql") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string RunStep(TranscriptTarget& target, const Step& step) {
  if (step.sleep_seconds > 0) target.Sleep(step.sleep_seconds);
  if (step.replica_rows) target.SetReplicaRows(*step.replica_rows);
  QueryOptions options = step.options;
  std::string shown;
  while (true) {
    const absl::StatusOr<QueryResult> result = target.Execute(step.statement, options);
    base::StrAppend(&shown, shown.empty() ? "" : "\n", Show(result));
    const auto* rows = result.ok() ? std::get_if<RowsResult>(&result->result) : nullptr;
    if (!step.all_pages || rows == nullptr || rows->paging_state.empty()) return shown;
    options.paging_state = rows->paging_state;
  }
}

std::string WithoutPages(const std::string& answer) {
  std::vector<std::string> lines;
  bool new_page = false;
  for (std::string line : std::vector<std::string>(absl::StrSplit(answer, '\n'))) {
    const bool header_again = std::exchange(new_page, false);
    if (line == "(more)") {
      new_page = true;
    } else if (!header_again && line != "(no rows)") {
      lines.push_back(std::move(line));
    }
  }
  return absl::StrJoin(lines, "\n");
}

}  // namespace tholos::cql
