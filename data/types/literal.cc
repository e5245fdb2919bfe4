#include "data/types/literal.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/elements.h"
#include "data/types/quote_name.h"
#include "data/types/shown.h"

namespace tholos::data {
namespace {

bool IsBlank(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }

// A recursive descent; the type bounds its depth.
class LiteralParser {
 public:
  explicit LiteralParser(std::string_view text) : text_(text), rest_(text) {}

  absl::StatusOr<std::string> ParseAll(const DataType& type) {
    THOLOS_ASSIGN_OR_RETURN(std::string bytes, Parse(type));
    SkipBlanks();
    if (!rest_.empty()) return Expected("nothing more");
    return bytes;
  }

 private:
  absl::Status Expected(std::string_view what) const {
    return absl::InvalidArgumentError(base::StrCat("expected ", what, " at character ",
                                                   text_.size() - rest_.size() + 1, " of ",
                                                   Shown(text_)));
  }

  void SkipBlanks() {
    while (!rest_.empty() && IsBlank(rest_.front())) rest_.remove_prefix(1);
  }

  bool Take(char c) {
    SkipBlanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  absl::Status Require(char c) {
    if (Take(c)) return absl::OkStatus();
    return Expected(base::StrCat("'", std::string(1, c), "'"));
  }

  absl::StatusOr<std::string> Parse(const DataType& type) {
    switch (type.id()) {
      case TypeId::kList:
      case TypeId::kVector:
        return ParseSequence(type, '[', ']');
      case TypeId::kSet:
        return ParseSequence(type, '{', '}');
      case TypeId::kMap:
        return ParseMap(type);
      case TypeId::kTuple:
        return ParseTuple(type);
      case TypeId::kUdt:
        return ParseUdt(type);
      default:
        return ParseSimple(type);
    }
  }

  // 'it''s', or all up to what ends an element.
  absl::StatusOr<std::string> ParseSimple(const DataType& type) {
    SkipBlanks();
    if (rest_.starts_with('\'')) {
      THOLOS_ASSIGN_OR_RETURN(const std::string text, TakeQuoted('\''));
      return text.empty() && type.has_empty_value() ? std::string() : type.FromText(text);
    }
    std::string_view word = rest_.substr(0, rest_.find_first_of(",()[]{}'\""));
    // Times and addresses without quotes have colons themselves; nothing else has.
    const bool colons =
        type.id() == TypeId::kTime || type.id() == TypeId::kTimestamp || type.id() == TypeId::kInet;
    if (!colons) word = word.substr(0, word.find(':'));
    while (!word.empty() && IsBlank(word.back())) word.remove_suffix(1);
    if (word.empty()) return Expected(base::StrCat("a value of ", type.name()));
    absl::StatusOr<std::string> bytes = type.FromText(word);
    if (bytes.ok()) rest_.remove_prefix(word.size());
    return bytes;
  }

  absl::StatusOr<std::string> TakeQuoted(char quote) {
    std::string out;
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] != quote) {
        out.push_back(rest_[i]);
      } else if (i + 1 < rest_.size() && rest_[i + 1] == quote) {
        out.push_back(quote);
        ++i;
      } else {
        rest_.remove_prefix(i + 1);
        return out;
      }
    }
    return Expected("a closing quote");
  }

  // "null", where a field of a tuple or UDT may be it.
  bool TakeNull() {
    SkipBlanks();
    if (!absl::StartsWithIgnoreCase(base::ToAbsl(rest_), "null")) return false;
    const std::string_view after = rest_.substr(4);
    if (!after.empty() && after.find_first_of(",)} \t\r\n") != 0) return false;
    rest_ = after;
    return true;
  }

  absl::StatusOr<Value> ParseField(const DataType& type) {
    if (TakeNull()) return Value();
    THOLOS_ASSIGN_OR_RETURN(std::string bytes, Parse(type));
    return Value(std::move(bytes));
  }

  absl::StatusOr<std::string> ParseSequence(const DataType& type, char open, char close) {
    THOLOS_RETURN_IF_ERROR(Require(open));
    std::vector<std::string> elements;
    if (!Take(close)) {
      do {
        THOLOS_ASSIGN_OR_RETURN(std::string element, Parse(type.arguments()[0]));
        elements.push_back(std::move(element));
      } while (Take(','));
      THOLOS_RETURN_IF_ERROR(Require(close));
    }
    std::vector<std::string_view> views(elements.begin(), elements.end());
    if (type.id() == TypeId::kSet) return EncodeSet(type, std::move(views));
    if (type.id() == TypeId::kList) return EncodeList(views);
    if (views.size() != type.dimension()) {
      return absl::InvalidArgumentError(
          base::StrCat(type.name(), " takes ", type.dimension(), " elements, not ", views.size()));
    }
    return EncodeVector(type, views);
  }

  absl::StatusOr<std::string> ParseMap(const DataType& type) {
    THOLOS_RETURN_IF_ERROR(Require('{'));
    std::vector<std::pair<std::string, std::string>> entries;
    if (!Take('}')) {
      do {
        THOLOS_ASSIGN_OR_RETURN(std::string key, Parse(type.arguments()[0]));
        THOLOS_RETURN_IF_ERROR(Require(':'));
        THOLOS_ASSIGN_OR_RETURN(std::string value, Parse(type.arguments()[1]));
        entries.emplace_back(std::move(key), std::move(value));
      } while (Take(','));
      THOLOS_RETURN_IF_ERROR(Require('}'));
    }
    std::vector<std::pair<std::string_view, std::string_view>> views(entries.begin(),
                                                                     entries.end());
    return EncodeMap(type, std::move(views));
  }

  absl::StatusOr<std::string> ParseTuple(const DataType& type) {
    THOLOS_RETURN_IF_ERROR(Require('('));
    std::vector<Value> fields;
    do {
      if (fields.size() == type.arguments().size()) return Expected("no further field");
      THOLOS_ASSIGN_OR_RETURN(Value field, ParseField(type.arguments()[fields.size()]));
      fields.push_back(std::move(field));
    } while (Take(','));
    THOLOS_RETURN_IF_ERROR(Require(')'));
    return EncodeTuple(fields);
  }

  absl::StatusOr<std::string> TakeName() {
    SkipBlanks();
    if (rest_.starts_with('"')) return TakeQuoted('"');
    size_t size = 0;
    while (size < rest_.size() &&
           (absl::ascii_isalnum(static_cast<unsigned char>(rest_[size])) || rest_[size] == '_')) {
      ++size;
    }
    if (size == 0) return Expected("the name of a field");
    std::string name = absl::AsciiStrToLower(base::ToAbsl(rest_.substr(0, size)));
    rest_.remove_prefix(size);
    return name;
  }

  absl::StatusOr<std::string> ParseUdt(const DataType& type) {
    THOLOS_RETURN_IF_ERROR(Require('{'));
    std::vector<Value> fields(type.arguments().size());
    if (!Take('}')) {
      do {
        THOLOS_ASSIGN_OR_RETURN(const std::string name, TakeName());
        const std::optional<size_t> field = type.user_type().FindField(name);
        if (!field.has_value()) {
          return absl::InvalidArgumentError(
              base::StrCat(type.name(), " has no field ", Shown(name)));
        }
        THOLOS_RETURN_IF_ERROR(Require(':'));
        THOLOS_ASSIGN_OR_RETURN(fields[*field], ParseField(type.arguments()[*field]));
      } while (Take(','));
      THOLOS_RETURN_IF_ERROR(Require('}'));
    }
    return EncodeTuple(fields);
  }

  const std::string_view text_;
  std::string_view rest_;
};

std::string FormatPart(const ElementReader& in) {
  return in.part().has_value() ? in.type().ToCqlLiteral(*in.part()) : "null";
}

}  // namespace

bool IsQuoted(const DataType& type) {
  switch (type.id()) {
    case TypeId::kText:
    case TypeId::kAscii:
    case TypeId::kTimestamp:
    case TypeId::kDate:
    case TypeId::kTime:
    case TypeId::kInet:
      return true;
    default:
      return false;
  }
}

std::string FormatLiteral(const DataType& type, std::string_view bytes) {
  const bool map = type.id() == TypeId::kMap;
  const bool udt = type.id() == TypeId::kUdt;
  const bool braces = map || udt || type.id() == TypeId::kSet;
  const bool tuple = type.id() == TypeId::kTuple;
  std::string out = braces ? "{" : tuple ? "(" : "[";
  ElementReader in(type, bytes);
  for (size_t i = 0; in.Next(); ++i) {
    if (i > 0) out += map && i % 2 == 1 ? ": " : ", ";
    if (udt) base::StrAppend(&out, QuoteName(type.user_type().field_names[i]), ": ");
    out += FormatPart(in);
  }
  return out + (braces ? "}" : tuple ? ")" : "]");
}

absl::StatusOr<std::string> ParseLiteral(const DataType& type, std::string_view text) {
  return LiteralParser(text).ParseAll(type);
}

}  // namespace tholos::data
