#include "cql/text.h"

#include <cstdint>

#include "absl/strings/str_format.h"

namespace tholos::cql {

std::string UndoubleQuotes(std::string_view text, char quote) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    result.push_back(text[i]);
    if (text[i] == quote) ++i;
  }
  return result;
}

std::string DoubleQuotes(std::string_view text, char quote) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    result.push_back(c);
    if (c == quote) result.push_back(c);
  }
  return result;
}

std::string Abbreviate(std::string_view text, size_t bytes_max) {
  std::string result;
  size_t end = text.size();
  if (end > bytes_max) {
    end = bytes_max;
    while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  }
  for (const char c : text.substr(0, end)) {
    switch (c) {
      case '\n':
        result.append("\\n");
        break;
      case '\r':
        result.append("\\r");
        break;
      case '\t':
        result.append("\\t");
        break;
      default:
        if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
          absl::StrAppendFormat(&result, "\\x%02x", static_cast<uint8_t>(c));
        } else {
          result.push_back(c);
        }
    }
  }
  if (end < text.size()) result.append("...");
  return result;
}

}  // namespace tholos::cql
