#include "cli/copy.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "cli/interrupt.h"
#include "cli/table.h"
#include "cql/limits.h"

namespace tholos::cli {
namespace {

// Bad records end a COPY FROM unless it is told otherwise: a wrong file is noticed early.
constexpr uint64_t kErrorsMaxDefault = 1000;
constexpr int kInFlightMax = 100'000;

absl::Status Expected(std::string_view what, const std::string& found) {
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", std::string(what), ", found '", found, "'"));
}

absl::Status SetCharacter(const std::string& value, char* out) {
  const std::string unescaped = value == "\\t" ? "\t" : value;
  if (unescaped.size() != 1 || unescaped[0] == '\n' || unescaped[0] == '\r') {
    return Expected("one character of one byte", value);
  }
  *out = unescaped[0];
  return absl::OkStatus();
}

absl::Status SetBool(const std::string& value, bool* out) {
  std::string lower = value;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  if (lower != "true" && lower != "false") return Expected("TRUE or FALSE", value);
  *out = lower == "true";
  return absl::OkStatus();
}

template <typename T>
absl::Status SetNumber(const std::string& value, T low, T high, T* out) {
  T number = 0;
  if (!absl::SimpleAtoi(value, &number) || number < low || number > high) {
    return Expected(absl::StrCat("a number from ", low, " to ", high), value);
  }
  *out = number;
  return absl::OkStatus();
}

// -1: all.
absl::Status SetCount(const std::string& value, uint64_t* out) {
  if (value == "-1") {
    *out = std::numeric_limits<uint64_t>::max();
    return absl::OkStatus();
  }
  if (!absl::SimpleAtoi(value, out)) return Expected("a number of rows, or -1", value);
  return absl::OkStatus();
}

absl::Status SetToken(const std::string& value, std::optional<int64_t>* out) {
  int64_t token = 0;
  if (!absl::SimpleAtoi(value, &token)) return Expected("a token", value);
  *out = token;
  return absl::OkStatus();
}

using Setter = std::function<absl::Status(const std::string& value)>;
struct Option {
  std::string_view name;
  Setter set;
};

// Applies what the command gives; the first that fails is named.
absl::Status Apply(const CopyCommand& command, const std::vector<Option>& options) {
  for (const auto& [name, value] : command.options) {
    const auto found = std::find_if(options.begin(), options.end(),
                                    [&](const Option& option) { return option.name == name; });
    if (found == options.end()) {
      std::vector<std::string> known;
      for (const Option& option : options) known.emplace_back(option.name);
      return absl::InvalidArgumentError(absl::StrCat("COPY ", command.from ? "FROM" : "TO",
                                                     " has no option ", name, "; it has ",
                                                     absl::StrJoin(known, ", ")));
    }
    const absl::Status status = found->set(value);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFormat(const CsvFormat& format) {
  if (format.delimiter == format.quote || format.delimiter == format.escape) {
    return absl::InvalidArgumentError("DELIMITER is the same character as QUOTE or ESCAPE");
  }
  for (const char c : format.null) {
    if (c == format.delimiter || c == format.quote || c == '\n' || c == '\r') {
      return absl::InvalidArgumentError("NULL has a delimiter, a quote or a line break in it");
    }
  }
  return absl::OkStatus();
}

// As cqlsh has it.
CsvFormat DefaultFormat() { return {.escape = '\\'}; }

template <typename T>
std::vector<Option> FormatOptions(T* options) {
  CsvFormat* format = &options->format;
  return {
      {"HEADER", [=](auto& v) { return SetBool(v, &options->header); }},
      {"DELIMITER", [=](auto& v) { return SetCharacter(v, &format->delimiter); }},
      {"QUOTE", [=](auto& v) { return SetCharacter(v, &format->quote); }},
      {"ESCAPE", [=](auto& v) { return SetCharacter(v, &format->escape); }},
      {"NULL",
       [=](auto& v) {
         format->null = v;
         return absl::OkStatus();
       }},
      {"DATETIMEFORMAT",
       [=](auto& v) {
         options->datetime_format = v;
         return absl::OkStatus();
       }},
      {"MAXROWS", [=](auto& v) { return SetCount(v, &options->max_rows); }},
  };
}

absl::Status CopyTo(const GlobalOptions& global, Connection& connection, const CopyCommand& command,
                    const std::string& consistency, std::ostream* standard) {
  THOLOS_ASSIGN_OR_RETURN(ExportOptions options, ExportOptionsOf(command));
  options.consistency = consistency;
  options.interrupted = Interrupted;
  if (!command.file) {
    options.shows_progress = false;  // it would be among the rows
    THOLOS_ASSIGN_OR_RETURN(const ExportReport report,
                            ExportRows(global, connection, *standard, options));
    return report.interrupted ? absl::CancelledError("interrupted") : absl::OkStatus();
  }
  // Whoever sees the file sees all of it.
  const std::string partial = *command.file + ".partial";
  std::ofstream out(partial, std::ios::trunc | std::ios::binary);
  if (!out) return absl::InvalidArgumentError(CannotOpen("write", partial));
  absl::StatusOr<ExportReport> report = ExportRows(global, connection, out, options);
  out.close();
  std::error_code error;
  if (report.ok() && !report->interrupted && out) {
    std::filesystem::rename(partial, *command.file, error);
    if (!error) {
      std::cout << RowsPerSecond(report->rows, report->seconds) << ", written to " << *command.file
                << "\n";
      return absl::OkStatus();
    }
    report = absl::InternalError(absl::StrCat("cannot rename ", partial, ": ", error.message()));
  }
  std::error_code ignored;
  std::filesystem::remove(partial, ignored);
  if (!report.ok()) return report.status();
  return report->interrupted ? absl::CancelledError("interrupted; nothing was written")
                             : absl::DataLossError(absl::StrCat("cannot write ", partial));
}

absl::Status CopyFrom(const GlobalOptions& global, Connection& connection,
                      const CopyCommand& command, const std::string& consistency,
                      std::istream* standard) {
  THOLOS_ASSIGN_OR_RETURN(LoadOptions options, LoadOptionsOf(command));
  options.consistency = consistency;
  options.interrupted = Interrupted;
  std::ifstream file;
  if (command.file) {
    file.open(*command.file, std::ios::binary);
    if (!file) return absl::InvalidArgumentError(CannotOpen("read", *command.file));
    std::error_code error;
    options.file_bytes = std::filesystem::file_size(*command.file, error);
    if (error) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot read ", *command.file, ": ", error.message()));
    }
    options.progress_file = *command.file + ".tholos-load";
  }
  THOLOS_ASSIGN_OR_RETURN(
      const LoadReport report,
      LoadRows(global, connection, command.file ? static_cast<std::istream&>(file) : *standard,
               options));
  std::cout << RowsPerSecond(report.loaded, report.seconds) << "\n";
  const std::string resume =
      options.progress_file.empty() ? std::string() : "; the same COPY goes on from there";
  if (report.interrupted) return absl::CancelledError("interrupted" + resume);
  if (report.too_many_errors) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", options.max_errors,
                                                   " bad rows, kept in ", options.bad_file,
                                                   " with the reasons", resume));
  }
  // Done: the next COPY of this file starts from its first row.
  std::error_code ignored;
  if (!options.progress_file.empty()) std::filesystem::remove(options.progress_file, ignored);
  if (report.bad > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(FormatCount(report.bad), report.bad == 1 ? " row was" : " rows were",
                     " not loaded, kept in ", options.bad_file, " with the reasons"));
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<std::string>& CopyOptionNames() {
  static const auto* names = new std::vector<std::string>{
      "BEGINTOKEN", "DATETIMEFORMAT", "DELIMITER", "ENDTOKEN",  "ERRFILE",
      "ESCAPE",     "HEADER",         "INFLIGHT",  "MAXERRORS", "MAXROWS",
      "NULL",       "PAGESIZE",       "QUOTE",     "SKIPROWS",  "TTL"};
  return *names;
}

absl::StatusOr<ExportOptions> ExportOptionsOf(const CopyCommand& command) {
  ExportOptions options;
  options.table = command.table;
  options.columns = command.columns;
  options.format = DefaultFormat();
  std::vector<Option> known = FormatOptions(&options);
  known.push_back({"PAGESIZE", [&](auto& v) {
                     return SetNumber<uint32_t>(v, 1, 100'000, &options.page_rows);
                   }});
  known.push_back(
      {"INFLIGHT", [&](auto& v) { return SetNumber<int>(v, 1, 256, &options.ranges_at_once); }});
  known.push_back({"BEGINTOKEN", [&](auto& v) { return SetToken(v, &options.begin_token); }});
  known.push_back({"ENDTOKEN", [&](auto& v) { return SetToken(v, &options.end_token); }});
  THOLOS_RETURN_IF_ERROR(Apply(command, known));
  THOLOS_RETURN_IF_ERROR(CheckFormat(options.format));
  return options;
}

absl::StatusOr<LoadOptions> LoadOptionsOf(const CopyCommand& command) {
  LoadOptions options;
  options.table = command.table;
  options.columns = command.columns;
  options.format = DefaultFormat();
  options.max_errors = kErrorsMaxDefault;
  options.bad_file = command.file ? *command.file + ".bad"
                                  : absl::StrCat("import_", command.table.keyspace, "_",
                                                 command.table.table, ".bad");
  std::vector<Option> known = FormatOptions(&options);
  known.push_back({"SKIPROWS", [&](auto& v) { return SetCount(v, &options.skip_rows); }});
  known.push_back({"MAXERRORS", [&](auto& v) { return SetCount(v, &options.max_errors); }});
  known.push_back({"INFLIGHT", [&](auto& v) {
                     return SetNumber<int>(v, 1, kInFlightMax, &options.in_flight);
                   }});
  known.push_back({"TTL", [&](auto& v) {
                     return SetNumber<int32_t>(v, 0, cql::kTtlSecondsMax,
                                               &options.ttl_seconds.emplace());
                   }});
  known.push_back({"ERRFILE", [&](auto& v) {
                     options.bad_file = v;
                     return absl::OkStatus();
                   }});
  THOLOS_RETURN_IF_ERROR(Apply(command, known));
  THOLOS_RETURN_IF_ERROR(CheckFormat(options.format));
  return options;
}

absl::Status RunCopy(const GlobalOptions& global, Connection& connection,
                     const CopyCommand& command, const std::string& consistency, std::istream* in,
                     std::ostream* out) {
  return command.from ? CopyFrom(global, connection, command, consistency, in)
                      : CopyTo(global, connection, command, consistency, out);
}

std::string RowsPerSecond(uint64_t rows, double seconds) {
  const double rate = static_cast<double>(rows) / std::max(seconds, 0.001);
  return absl::StrFormat("%s %s in %.1f s, %s rows/s", FormatCount(rows),
                         rows == 1 ? "row" : "rows", seconds,
                         FormatCount(static_cast<uint64_t>(rate)));
}

}  // namespace tholos::cli
