#include "cql/json/json.h"

#include <cstdint>

#include "absl/strings/str_format.h"
#include "base/strings.h"
#include "data/types/data_type.h"

namespace tholos::cql {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendUtf8(uint32_t code, std::string* out) {
  const auto put = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<JsonValue> Parse() {
    JsonValue value;
    if (!Value(&value)) return Error();
    SkipBlanks();
    if (at_ == text_.size()) return value;
    Unexpected("the end of the text");
    return Error();
  }

 private:
  absl::Status Error() const {
    return absl::InvalidArgumentError(
        base::StrCat("JSON: expected ", expected_, " at byte ", failed_at_));
  }
  bool Unexpected(std::string_view expected) {
    expected_ = expected;
    failed_at_ = at_;
    return false;
  }

  void SkipBlanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    SkipBlanks();
    if (Peek() != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return Unexpected("a value");
    at_ += word.size();
    return true;
  }

  bool Value(JsonValue* out) {
    SkipBlanks();
    switch (Peek()) {
      case '{':
        return Nested(&Parser::Object, out);
      case '[':
        return Nested(&Parser::Array, out);
      case '"':
        return String(&out->value.emplace<std::string>());
      case 't':
        out->value = true;
        return TakeWord("true");
      case 'f':
        out->value = false;
        return TakeWord("false");
      case 'n':
        out->value = JsonNull();
        return TakeWord("null");
      default:
        return Number(&out->value.emplace<JsonNumber>().text);
    }
  }

  bool Nested(bool (Parser::*parse)(JsonValue*), JsonValue* out) {
    if (depth_ == kJsonDepthMax) return Unexpected("fewer arrays and objects inside each other");
    ++depth_;
    const bool parsed = (this->*parse)(out);
    --depth_;
    return parsed;
  }

  bool Object(JsonValue* out) {
    auto& members = out->value.emplace<JsonObject>();
    Take('{');
    if (Take('}')) return true;
    do {
      SkipBlanks();
      auto& [name, value] = members.emplace_back();
      if (Peek() != '"') return Unexpected("a name in double quotes");
      if (!String(&name)) return false;
      if (!Take(':')) return Unexpected("':'");
      if (!Value(&value)) return false;
    } while (Take(','));
    return Take('}') || Unexpected("',' or '}'");
  }

  bool Array(JsonValue* out) {
    auto& elements = out->value.emplace<JsonArray>();
    Take('[');
    if (Take(']')) return true;
    do {
      if (!Value(&elements.emplace_back())) return false;
    } while (Take(','));
    return Take(']') || Unexpected("',' or ']'");
  }

  bool Digits() {
    if (!IsDigit(Peek())) return Unexpected("a digit");
    while (IsDigit(Peek())) ++at_;
    return true;
  }

  bool Number(std::string* out) {
    const size_t start = at_;
    if (Peek() == '-') ++at_;
    if (!IsDigit(Peek())) return Unexpected("a value");
    const bool zero = Peek() == '0';
    if (!Digits()) return false;
    const size_t digits = at_ - start - (text_[start] == '-' ? 1 : 0);
    if (zero && digits > 1) return Unexpected("a number without leading zeros");
    if (Peek() == '.') {
      ++at_;
      if (!Digits()) return false;
    }
    if (Peek() == 'e' || Peek() == 'E') {
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      if (!Digits()) return false;
    }
    *out = text_.substr(start, at_ - start);
    return true;
  }

  bool String(std::string* out) {
    ++at_;
    while (true) {
      if (at_ == text_.size()) return Unexpected("'\"'");
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<uint8_t>(c) < 0x20) return Unexpected("no control character");
      if (c != '\\') {
        out->push_back(c);
      } else if (!Escape(out)) {
        return false;
      }
    }
  }

  bool Escape(std::string* out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const char c = Peek();
    ++at_;
    if (c == 'u') return Unicode(out);
    const size_t which = kNames.find(c);
    if (c == '\0' || which == std::string_view::npos) return Unexpected("an escape");
    out->push_back(kMeanings[which]);
    return true;
  }

  bool Hex4(uint32_t* out) {
    *out = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = Peek();
      const bool lower = c >= 'a' && c <= 'f';
      const bool upper = c >= 'A' && c <= 'F';
      if (!IsDigit(c) && !lower && !upper) return Unexpected("four hexadecimal digits");
      const int digit = IsDigit(c) ? c - '0' : lower ? c - 'a' + 10 : c - 'A' + 10;
      *out = *out << 4 | static_cast<uint32_t>(digit);
      ++at_;
    }
    return true;
  }

  bool Unicode(std::string* out) {
    uint32_t code = 0;
    if (!Hex4(&code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
      uint32_t low = 0;
      if (!TakeWord("\\u") || !Hex4(&low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return Unexpected("the second half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
      return Unexpected("the first half of a surrogate pair");
    }
    AppendUtf8(code, out);
    return true;
  }

  const std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  std::string expected_;
  size_t failed_at_ = 0;
};

}  // namespace

absl::StatusOr<JsonValue> ParseJson(std::string_view text) {
  if (!data::IsValidUtf8(text)) return absl::InvalidArgumentError("JSON: not valid UTF-8");
  return Parser(text).Parse();
}

std::string QuoteJson(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    constexpr std::string_view kNames = "\"\\bfnrt";
    constexpr std::string_view kMeanings = "\"\\\b\f\n\r\t";
    const size_t which = kMeanings.find(c);
    if (which != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kNames[which]);
    } else if (static_cast<uint8_t>(c) < 0x20) {
      out += absl::StrFormat("\\u%04x", static_cast<int>(c));
    } else {
      out.push_back(c);
    }
  }
  return out + '"';
}

}  // namespace tholos::cql
