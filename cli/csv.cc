#include "cli/csv.h"

#include "absl/strings/str_cat.h"

namespace tholos::cli {

int CsvReader::Get() {
  const int c = in_.get();
  if (c == std::istream::traits_type::eof()) return -1;
  ++bytes_;
  if (c == '\n') ++next_line_;
  return c;
}

absl::StatusOr<bool> CsvReader::Next(std::vector<CsvField>* record) {
  record->clear();
  // Blank lines between records are skipped.
  while (in_.peek() == '\n' || in_.peek() == '\r') Get();
  record_line_ = next_line_;
  if (in_.peek() == std::istream::traits_type::eof()) return false;

  CsvField field;
  size_t record_bytes = 0;
  enum { kStart, kBare, kQuoted, kAfterQuote } state = kStart;
  auto end_field = [&] {
    record->push_back(std::move(field));
    field = CsvField();
    state = kStart;
  };
  auto fail = [&](const char* what) {
    // The rest of the line belongs to nothing.
    for (int c = Get(); c != -1 && c != '\n'; c = Get()) {
    }
    return absl::InvalidArgumentError(absl::StrCat("line ", record_line_, ": ", what));
  };
  while (true) {
    const int c = Get();
    if (++record_bytes > kRecordBytesMax)
      return fail("a record of more than 64 MiB (a quote that is never closed?)");
    if (state == kQuoted) {
      if (c == -1)
        return absl::InvalidArgumentError(
            absl::StrCat("line ", record_line_, ": a quote that is never closed"));
      if (c == '"') {
        state = kAfterQuote;
      } else {
        field.text.push_back(static_cast<char>(c));
      }
      continue;
    }
    if (c == '\r' && in_.peek() == '\n') continue;
    if (c == -1 || c == '\n') {
      end_field();
      return true;
    }
    if (c == ',') {
      end_field();
      continue;
    }
    if (c == '"') {
      if (state == kBare) return fail("a quote inside a field that does not start with one");
      if (state == kAfterQuote) field.text.push_back('"');
      field.quoted = true;
      state = kQuoted;
      continue;
    }
    if (state == kAfterQuote) return fail("text after a closing quote");
    state = kBare;
    field.text.push_back(static_cast<char>(c));
  }
}

}  // namespace tholos::cli
