#include "data/types/type_parser.h"

#include <charconv>
#include <vector>

#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "data/types/shown.h"
#include "data/types/type_rules.h"

namespace tholos::data {
namespace {

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

class TypeParser {
 public:
  TypeParser(std::string_view text, const UserTypeResolver& resolver)
      : text_(text), rest_(text), resolver_(resolver) {}

  absl::StatusOr<DataType> ParseAll() {
    THOLOS_ASSIGN_OR_RETURN(DataType type, Parse(1, false));
    SkipBlanks();
    if (!rest_.empty()) return Expected("nothing more");
    return type;
  }

 private:
  struct Name {
    std::string text;
    bool quoted = false;
  };

  absl::Status Expected(std::string_view what) const {
    return absl::InvalidArgumentError(base::StrCat("expected ", what, " at character ",
                                                   text_.size() - rest_.size() + 1, " of ",
                                                   Shown(text_)));
  }

  void SkipBlanks() {
    while (!rest_.empty() && absl::ascii_isspace(static_cast<unsigned char>(rest_.front()))) {
      rest_.remove_prefix(1);
    }
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

  absl::StatusOr<Name> TakeName() {
    Name name;
    if (Take('"')) {
      name.quoted = true;
      while (true) {
        const size_t quote = rest_.find('"');
        if (quote == std::string_view::npos) return Expected("a closing quote");
        name.text += rest_.substr(0, quote);
        rest_.remove_prefix(quote + 1);
        if (!rest_.starts_with('"')) break;
        name.text.push_back('"');
        rest_.remove_prefix(1);
      }
      return name;
    }
    size_t size = 0;
    while (size < rest_.size() && IsNameCharacter(rest_[size])) ++size;
    if (size == 0) return Expected("a type");
    name.text = absl::AsciiStrToLower(base::ToAbsl(rest_.substr(0, size)));
    rest_.remove_prefix(size);
    return name;
  }

  // `in_frozen`: a frozen<> encloses this type, at whatever distance, and freezes it.
  absl::StatusOr<DataType> Parse(uint32_t depth, bool in_frozen) {
    if (depth > kTypeDepthMax) {
      return absl::InvalidArgumentError(
          base::StrCat("a type nests more than ", kTypeDepthMax, " deep"));
    }
    THOLOS_ASSIGN_OR_RETURN(DataType type, ParseOne(depth, in_frozen));
    return in_frozen ? InsideFrozen(type) : std::move(type);
  }

  absl::StatusOr<DataType> ParseOne(uint32_t depth, bool in_frozen) {
    THOLOS_ASSIGN_OR_RETURN(const Name name, TakeName());
    if (!name.quoted && Take('<')) return ParseParameters(name.text, depth, in_frozen);
    if (Take('.')) {
      THOLOS_ASSIGN_OR_RETURN(const Name type, TakeName());
      return Resolve(name.text, type.text);
    }
    if (!name.quoted) {
      if (absl::StatusOr<DataType> simple = DataType::FromName(name.text); simple.ok()) {
        return simple;
      }
    }
    return Resolve("", name.text);
  }

  absl::StatusOr<DataType> Resolve(std::string_view keyspace, std::string_view name) {
    std::optional<UserType> definition = resolver_ ? resolver_(keyspace, name) : std::nullopt;
    if (!definition.has_value()) {
      return absl::InvalidArgumentError(base::StrCat("unknown type ", Shown(name)));
    }
    return DataType::Udt(*std::move(definition), false);
  }

  absl::StatusOr<DataType> ParseParameters(std::string_view name, uint32_t depth, bool in_frozen) {
    if (name == "vector") return ParseVector(depth);
    const bool frozen = name == "frozen";
    // A tuple freezes its fields.
    const bool freezes = in_frozen || frozen || name == "tuple";
    std::vector<DataType> arguments;
    do {
      THOLOS_ASSIGN_OR_RETURN(DataType argument, Parse(depth + 1, freezes));
      arguments.push_back(std::move(argument));
    } while (Take(','));
    THOLOS_RETURN_IF_ERROR(Require('>'));
    const size_t expected = name == "map" ? 2 : 1;
    if (name != "tuple" && arguments.size() != expected) {
      return absl::InvalidArgumentError(
          base::StrCat(name, "<> takes ", expected, " types, not ", arguments.size()));
    }
    if (frozen) return MakeFrozen(arguments[0]);
    if (name == "list") return MakeList(arguments[0]);
    if (name == "set") return MakeSet(arguments[0]);
    if (name == "map") return MakeMap(arguments[0], arguments[1]);
    if (name == "tuple") return MakeTuple(std::move(arguments));
    return absl::InvalidArgumentError(base::StrCat("unknown type ", Shown(name)));
  }

  absl::StatusOr<DataType> ParseVector(uint32_t depth) {
    THOLOS_ASSIGN_OR_RETURN(DataType element, Parse(depth + 1, true));
    THOLOS_RETURN_IF_ERROR(Require(','));
    SkipBlanks();
    int64_t dimension = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dimension);
    if (error != std::errc()) return Expected("a number of dimensions");
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    THOLOS_RETURN_IF_ERROR(Require('>'));
    return MakeVector(std::move(element), dimension);
  }

  const std::string_view text_;
  std::string_view rest_;
  const UserTypeResolver& resolver_;
};

}  // namespace

absl::StatusOr<DataType> ParseType(std::string_view text, const UserTypeResolver& resolver) {
  return TypeParser(text, resolver).ParseAll();
}

}  // namespace tholos::data
