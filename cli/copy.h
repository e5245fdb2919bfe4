// COPY of the shell: its options, and what it says at the end.
#pragma once

#include <istream>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "cli/connection.h"
#include "cli/row_exporter.h"
#include "cli/row_loader.h"
#include "cli/shell_words.h"

namespace tholos::cli {

// The options of COPY, in upper case, for completion and help.
const std::vector<std::string>& CopyOptionNames();

// What COPY TO (FROM) does; the command says which. kInvalidArgument: "DELIMITER: expected one
// character, found 'ab'", an unknown option, one of the other direction.
absl::StatusOr<ExportOptions> ExportOptionsOf(const CopyCommand& command);
absl::StatusOr<LoadOptions> LoadOptionsOf(const CopyCommand& command);

// The command has its keyspace. Rows come from or go to its file, or `in` and `out`; figures go to
// standard output. A file of COPY TO appears when it is complete.
absl::Status RunCopy(const GlobalOptions& global, Connection& connection,
                     const CopyCommand& command, const std::string& consistency, std::istream* in,
                     std::ostream* out);

// "1,000 rows in 2.0 s, 500 rows/s"
std::string RowsPerSecond(uint64_t rows, double seconds);

}  // namespace tholos::cli
