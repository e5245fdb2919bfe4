// Writes the rows of a table as CSV: COPY TO.
//
// The tokens are cut into ranges; several are read at a time, each page by page, and a page's rows
// are written together. So rows of a partition stay together and in order; partitions come in no
// order.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/connection.h"
#include "cli/csv.h"
#include "cli/shell_words.h"

namespace tholos::cli {

struct ExportOptions {
  TableName table;
  std::vector<std::string> columns;  // none: all, as SELECT * gives them
  CsvFormat format;
  bool header = false;
  std::string datetime_format;  // as of LoadOptions
  std::string consistency = "QUORUM";
  uint32_t page_rows = 1000;
  int ranges_at_once = 8;
  std::optional<int64_t> begin_token;  // exclusive
  std::optional<int64_t> end_token;    // inclusive
  uint64_t max_rows = std::numeric_limits<uint64_t>::max();
  bool shows_progress = true;  // on standard error, if that is a terminal
  std::function<bool()> interrupted = [] { return false; };
};

struct ExportReport {
  uint64_t rows = 0;
  double seconds = 0;
  bool interrupted = false;
};

// A range that fails for a passing reason is asked again; the error is what was said last. Then,
// and if the output fails, what was written is incomplete.
absl::StatusOr<ExportReport> ExportRows(const GlobalOptions& global, Connection& connection,
                                        std::ostream& out, const ExportOptions& options);

// (first, last] cut into `count` ranges of about one size, in order.
std::vector<std::pair<int64_t, int64_t>> CutTokens(int64_t first, int64_t last, int count);

}  // namespace tholos::cli
