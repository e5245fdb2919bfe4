// JSON text (RFC 8259) to a tree.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace tholos::cql {

// Arrays and objects inside each other.
inline constexpr int kJsonDepthMax = 64;

struct JsonMember;
struct JsonValue;

struct JsonNull {
  friend bool operator==(JsonNull, JsonNull) { return true; }
};
// As it is written: no digit is lost.
struct JsonNumber {
  std::string text;
  bool is_integer() const { return text.find_first_of(".eE") == std::string::npos; }
  friend bool operator==(const JsonNumber&, const JsonNumber&) = default;
};
using JsonArray = std::vector<JsonValue>;
// In the order of the text; names may repeat.
using JsonObject = std::vector<JsonMember>;

struct JsonValue {
  std::variant<JsonNull, bool, JsonNumber, std::string, JsonArray, JsonObject> value;
  bool is_null() const { return std::holds_alternative<JsonNull>(value); }
  friend bool operator==(const JsonValue&, const JsonValue&);
};

struct JsonMember {
  std::string name;
  JsonValue value;
  friend bool operator==(const JsonMember&, const JsonMember&) = default;
};

// kInvalidArgument says what was expected, and at which byte.
absl::StatusOr<JsonValue> ParseJson(std::string_view text);

// The text as a JSON string, quotes included.
std::string QuoteJson(std::string_view text);

inline bool operator==(const JsonValue& a, const JsonValue& b) { return a.value == b.value; }

}  // namespace tholos::cql
