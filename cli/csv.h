// Reads CSV (RFC 4180: quotes, doubled quotes, line breaks inside quotes; LF or CRLF) record by
// record.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tholos::cli {

struct CsvField {
  std::string text;
  bool quoted = false;  // an empty quoted field is an empty text, an empty bare one is null
};

class CsvReader {
 public:
  // A record longer than this is an error: a forgotten quote would otherwise swallow the file.
  static constexpr size_t kRecordBytesMax = 64u << 20;

  explicit CsvReader(std::istream& in) : in_(in) {}

  // The next record into `*record`; false at the end. kInvalidArgument "line N: ..." for broken
  // quoting; reading may go on after it with the next line.
  absl::StatusOr<bool> Next(std::vector<CsvField>* record);

  // The line on which the last record started (1-based), and bytes consumed so far.
  uint64_t line() const { return record_line_; }
  uint64_t bytes() const { return bytes_; }

 private:
  int Get();
  std::istream& in_;
  uint64_t next_line_ = 1;
  uint64_t record_line_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace tholos::cli
