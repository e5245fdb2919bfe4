// The text of a CQL map of strings, as table options are kept.
#include "absl/strings/ascii.h"
#include "base/strings.h"
#include "sstable/compaction/strategy.h"

namespace tholos::sstable {
namespace {

class MapParser {
 public:
  explicit MapParser(std::string_view text) : rest_(text) {}

  absl::StatusOr<std::map<std::string, std::string>> Parse() {
    std::map<std::string, std::string> out;
    if (!Take('{')) return Wrong("'{'");
    if (Take('}')) return AtEnd(std::move(out));
    while (true) {
      std::string key;
      std::string value;
      if (!TakeToken(&key)) return Wrong("a key");
      if (!Take(':')) return Wrong("':'");
      if (!TakeToken(&value)) return Wrong("a value");
      out[key] = value;
      if (Take(',')) continue;
      if (Take('}')) return AtEnd(std::move(out));
      return Wrong("',' or '}'");
    }
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && absl::ascii_isspace(static_cast<unsigned char>(rest_.front()))) {
      rest_.remove_prefix(1);
    }
  }

  bool Take(char c) {
    SkipSpace();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // 'text' with '' for a quote, or a bare word (numbers, true, false).
  bool TakeToken(std::string* out) {
    SkipSpace();
    if (rest_.empty()) return false;
    if (rest_.front() == '\'') return TakeQuoted(out);
    while (!rest_.empty() && IsBare(rest_.front())) {
      out->push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    return !out->empty();
  }

  bool TakeQuoted(std::string* out) {
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c != '\'') {
        out->push_back(c);
      } else if (!rest_.empty() && rest_.front() == '\'') {
        out->push_back('\'');
        rest_.remove_prefix(1);
      } else {
        return true;
      }
    }
    return false;
  }

  static bool IsBare(char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_' ||
           c == '+';
  }

  absl::StatusOr<std::map<std::string, std::string>> AtEnd(std::map<std::string, std::string> out) {
    SkipSpace();
    if (!rest_.empty()) return Wrong("the end");
    return out;
  }

  absl::Status Wrong(std::string_view expected) const {
    return absl::InvalidArgumentError(
        base::StrCat("a map of strings: expected ", expected, " before '", rest_, "'"));
  }

  std::string_view rest_;
};

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> ParseOptionMap(std::string_view text) {
  return MapParser(text).Parse();
}

}  // namespace tholos::sstable
