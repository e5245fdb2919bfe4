// CSV: records of fields, quoted where a field holds a delimiter, a quote or a line break (which
// may stand inside quotes); lines end with LF or CRLF.
//
// Without an escape character a quote inside quotes is doubled (RFC 4180). With one, it stands
// before a quote or itself and takes away its meaning, and n, r and t behind it stay the letters
// they are; doubled quotes are read all the same.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tholos::cli {

struct CsvFormat {
  char delimiter = ',';
  char quote = '"';
  char escape = '\0';  // none
  // A field that is this, without quotes, is null. What is no null is quoted if it looks like one.
  std::string null;
};

struct CsvField {
  std::string text;
  bool quoted = false;  // then it is no null, whatever it says
};

class CsvReader {
 public:
  // A record longer than this is an error: a forgotten quote would otherwise swallow the file.
  static constexpr size_t kRecordBytesMax = 64u << 20;

  explicit CsvReader(std::istream& in, CsvFormat format = {})
      : in_(in), format_(std::move(format)) {}

  // The next record into `*record`; false at the end. kInvalidArgument "line N: ..." for broken
  // quoting; reading may go on after it with the next line.
  absl::StatusOr<bool> Next(std::vector<CsvField>* record);

  // The line on which the last record started (1-based), and bytes consumed so far.
  uint64_t line() const { return record_line_; }
  uint64_t bytes() const { return bytes_; }

 private:
  int Get();
  std::istream& in_;
  const CsvFormat format_;
  uint64_t next_line_ = 1;
  uint64_t record_line_ = 0;
  uint64_t bytes_ = 0;
};

// Adds a field, and the delimiter before it unless the record in `*line` is empty so far: `first`
// says so. Quotes it where it must be, or where `quoted` says so.
void AppendCsvField(const CsvFormat& format, std::string_view text, bool quoted, bool first,
                    std::string* line);
// The same for a null.
void AppendCsvNull(const CsvFormat& format, bool first, std::string* line);

}  // namespace tholos::cli
