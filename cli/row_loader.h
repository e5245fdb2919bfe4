// Loads the records of a CSV text into a table: what `tholos load` and COPY FROM share.
//
//   reader -> records -> INSERTs, many in flight -> settled records -> progress file
//                    \-> bad records, with the reason -> bad file
//
// INSERT is idempotent, so what fails for a passing reason is sent again. Which records are settled
// is known although answers come in any order: the progress file says how long the prefix of them
// is, and the same load goes on from there after an interruption.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/connection.h"
#include "cli/csv.h"
#include "cli/shell_words.h"

namespace tholos::cli {

struct LoadOptions {
  TableName table;
  // The columns of the fields, in their order. None: those of the header, or, without a header, all
  // of the table's as SELECT * gives them.
  std::vector<std::string> columns;
  CsvFormat format;
  bool header = false;          // the first record names columns; with `columns` it is skipped
  std::string datetime_format;  // of timestamps, for absl::ParseTime; empty: as CQL writes them
  std::optional<int32_t> ttl_seconds;
  std::string consistency = "QUORUM";
  int in_flight = 512;
  uint64_t skip_rows = 0;  // the first records, after the header
  uint64_t max_rows = std::numeric_limits<uint64_t>::max();
  uint64_t max_errors = std::numeric_limits<uint64_t>::max();  // more bad records end the load

  uint64_t file_bytes = 0;    // 0: not known
  std::string progress_file;  // empty: an interrupted load cannot go on
  bool again = false;         // starts from the first record, whatever the progress file says
  bool once = false;          // what is loaded already is not loaded again
  std::string bad_file;       // bad records and why, in the same format; empty: not kept
  std::function<bool()> interrupted = [] { return false; };
};

struct LoadReport {
  uint64_t resumed_after = 0;  // records that an earlier run settled
  uint64_t read = 0;           // by this run
  uint64_t loaded = 0;
  uint64_t bad = 0;
  double seconds = 0;
  bool loaded_before = false;  // with `once`
  bool interrupted = false;
  bool too_many_errors = false;
};

// Progress and complaints go to standard error. The error names what cannot be loaded at all: the
// table, a column, an empty input.
absl::StatusOr<LoadReport> LoadRows(const GlobalOptions& global, Connection& connection,
                                    std::istream& in, const LoadOptions& options);

}  // namespace tholos::cli
