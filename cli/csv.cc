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
  const auto end_field = [&] {
    record->push_back(std::move(field));
    field = CsvField();
    state = kStart;
  };
  const auto fail = [&](const char* what) {
    // The rest of the line belongs to nothing.
    for (int c = Get(); c != -1 && c != '\n'; c = Get()) {
    }
    return absl::InvalidArgumentError(absl::StrCat("line ", record_line_, ": ", what));
  };
  const auto is = [](int c, char what) { return c == static_cast<unsigned char>(what); };
  const bool has_escape = format_.escape != '\0' && format_.escape != format_.quote;
  const auto escapes = [&](int c) { return has_escape && is(c, format_.escape); };
  while (true) {
    const int c = Get();
    if (++record_bytes > kRecordBytesMax) {
      return fail("a record of more than 64 MiB (a quote that is never closed?)");
    }
    if (escapes(c) && state != kAfterQuote &&
        (is(in_.peek(), format_.quote) || escapes(in_.peek()))) {
      if (state == kStart) state = kBare;
      field.text.push_back(static_cast<char>(Get()));
      continue;
    }
    if (state == kQuoted) {
      if (c == -1) {
        return absl::InvalidArgumentError(
            absl::StrCat("line ", record_line_, ": a quote that is never closed"));
      }
      if (is(c, format_.quote)) {
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
    if (is(c, format_.delimiter)) {
      end_field();
      continue;
    }
    if (is(c, format_.quote)) {
      if (state == kBare) return fail("a quote inside a field that does not start with one");
      if (state == kAfterQuote) field.text.push_back(format_.quote);
      field.quoted = true;
      state = kQuoted;
      continue;
    }
    if (state == kAfterQuote) return fail("text after a closing quote");
    state = kBare;
    field.text.push_back(static_cast<char>(c));
  }
}

void AppendCsvField(const CsvFormat& format, std::string_view text, bool quoted, bool first,
                    std::string* line) {
  if (!first) line->push_back(format.delimiter);
  const bool escapes = format.escape != '\0' && format.escape != format.quote;
  const auto special = [&](char c) {
    return c == format.delimiter || c == format.quote || c == '\n' || c == '\r' ||
           (escapes && c == format.escape);
  };
  bool quote = quoted || text == format.null;
  for (const char c : text) quote = quote || special(c);
  // A blank line is no record: an empty field must show.
  quote = quote || text.empty();
  if (!quote) {
    line->append(text);
    return;
  }
  line->push_back(format.quote);
  for (const char c : text) {
    if (c == format.quote) line->push_back(escapes ? format.escape : format.quote);
    if (escapes && c == format.escape) line->push_back(format.escape);
    line->push_back(c);
  }
  line->push_back(format.quote);
}

void AppendCsvNull(const CsvFormat& format, bool first, std::string* line) {
  if (!first) line->push_back(format.delimiter);
  line->append(format.null);
}

}  // namespace tholos::cli
