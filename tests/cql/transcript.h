// Transcripts: the .cql files beside this one. Statements, each followed by what it must answer.
//
//   SELECT k, v FROM t WHERE k = 1;
//   -- k | v
//   -- 1 | 'one'
//
// An answer stands in comment lines: rows under a line of column names, OK, or the error. Lines
// that begin with `--!` direct what follows; lines that begin with `#` are remarks.
//
//   --! bind int:1, text:abc, null, unset    values of the next statement (name=int:1 by name)
//   --! pages 2                              the next SELECT in pages of two rows, to the end
//   --! at 1000                              the request's timestamp for the next statement
//   --! sleep 10                             that many seconds pass
//   --! replica_rows 1                       from here on a coordinator's page has at most so many
//                                            rows (over a node in memory; else it changes nothing)
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cql/query_processor.h"

namespace tholos::cql {

struct Step {
  int line = 0;
  std::string statement;
  std::string expected;  // lines joined by '\n'
  QueryOptions options;
  bool all_pages = false;
  int sleep_seconds = 0;
  std::optional<uint32_t> replica_rows;
  std::string before;  // text of the file from the last answer on, with the statement
};

struct TranscriptFile {
  std::vector<Step> steps;
  std::string tail;  // what follows the last answer
};

// Throws std::runtime_error, which names the line of a bad directive.
TranscriptFile ReadTranscript(const std::filesystem::path& path);
// With other answers, one for each step.
void WriteTranscript(const std::filesystem::path& path, const TranscriptFile& file,
                     const std::vector<std::string>& answers);
// In order of their names.
std::vector<std::filesystem::path> Transcripts();

// What the statements run on.
class TranscriptTarget {
 public:
  virtual ~TranscriptTarget() = default;
  // The keyspace of USE is kept for the statements that follow.
  virtual absl::StatusOr<QueryResult> Execute(const std::string& statement,
                                              QueryOptions options) = 0;
  virtual void Sleep(int seconds) = 0;
  virtual void SetReplicaRows(uint32_t) {}
};

// The answer, as a transcript shows it.
std::string RunStep(TranscriptTarget& target, const Step& step);

// The answer without the borders of its pages, which are where the storage likes them.
std::string WithoutPages(const std::string& answer);

}  // namespace tholos::cql
