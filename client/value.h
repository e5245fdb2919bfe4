// Values of statements, and what becomes of them.
//
// A Value is made from the C++ type at hand; what bytes it has is decided when the statement is
// prepared and its markers' types are known:
//
//   C++                                    CQL
//   bool                                   boolean
//   any integer                            tinyint, smallint, int, bigint, counter, varint, decimal
//                                          (out of range: an error); float, double; time
//                                          (nanoseconds), timestamp (milliseconds)
//   float, double                          float, double
//   std::string, string_view, const char*  text, ascii; of every other type but blob, what CQL
//                                          writes in its place: "2026-01-31", "1.50", "2h30m"
//   Value::Blob                            blob
//   base::Uuid                             uuid, timeuuid
//   absl::Time                             timestamp (cut to milliseconds), date
//   std::vector<T>, Value::List            list, set, vector, tuple
//   std::map<K, V>, Value::Map             map; a user type, by the names of its fields
//   Value::Tuple                           tuple, user type, in order; null fields are allowed
//   std::optional<T>, Value::Null          null where there is nothing
//   Value::Unset                           leaves the column as it is
//   Value::Raw                             the bytes of the CQL native protocol, as they are
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/uuid.h"
#include "data/types/data_type.h"

namespace tholos::client {

// A regular value. An unsigned 64-bit integer above 2^63 - 1 does not fit: give it as text.
class Value {
 public:
  Value() = default;  // null
  Value(bool v) : kind_(v) {}
  template <std::integral T>
    requires(!std::same_as<T, bool> && (sizeof(T) < 8 || std::is_signed_v<T>))
  Value(T v) : kind_(static_cast<int64_t>(v)) {}
  Value(double v) : kind_(v) {}
  Value(float v) : kind_(static_cast<double>(v)) {}
  Value(std::string v) : kind_(Text{std::move(v)}) {}
  Value(std::string_view v) : Value(std::string(v)) {}
  Value(const char* v) : Value(std::string(v)) {}
  Value(base::Uuid v) : kind_(v) {}
  Value(absl::Time v) : kind_(v) {}
  template <typename T>
  Value(std::optional<T> v) {
    if (v.has_value()) *this = Value(*std::move(v));
  }
  template <typename T>
  Value(std::vector<T> elements) {
    std::vector<Value> values;
    values.reserve(elements.size());
    for (auto&& element : elements) values.emplace_back(T(std::move(element)));
    kind_ = Parts{std::move(values), false};
  }
  template <typename K, typename V>
  Value(std::map<K, V> entries) {
    std::vector<std::pair<Value, Value>> values;
    values.reserve(entries.size());
    for (auto& [key, value] : entries) values.emplace_back(Value(key), Value(std::move(value)));
    *this = Map(std::move(values));
  }

  static Value Null() { return Value(); }
  static Value Unset() { return Value(Kind(UnsetKind{})); }
  static Value Blob(std::string bytes) { return Value(Kind(BlobKind{std::move(bytes)})); }
  static Value Raw(std::string cql_bytes) { return Value(Kind(RawKind{std::move(cql_bytes)})); }
  static Value List(std::vector<Value> elements) {
    return Value(Kind(Parts{std::move(elements), false}));
  }
  static Value Tuple(std::vector<Value> fields) {
    return Value(Kind(Parts{std::move(fields), true}));
  }
  static Value Map(std::vector<std::pair<Value, Value>> entries);

  bool is_null() const { return std::holds_alternative<std::monostate>(kind_); }
  bool is_unset() const { return std::holds_alternative<UnsetKind>(kind_); }

  // The bytes of a value of `type`; nothing for null. kInvalid (base/errors.h) says what does not
  // fit, or that an unset value stands inside another.
  absl::StatusOr<data::Value> Encode(const data::DataType& type) const;

 private:
  struct UnsetKind {};
  struct Text {
    std::string text;
  };
  struct BlobKind {
    std::string bytes;
  };
  struct RawKind {
    std::string bytes;
  };
  struct Parts {
    std::vector<Value> values;
    bool tuple;
  };
  struct Entries {
    std::vector<Value> keys_and_values;  // in turns
  };
  using Kind = std::variant<std::monostate, UnsetKind, bool, int64_t, double, Text, BlobKind,
                            base::Uuid, absl::Time, Parts, Entries, RawKind>;
  struct Encoder;

  explicit Value(Kind kind) : kind_(std::move(kind)) {}
  Kind kind_;
};

// From the bytes of a value of `type` to C++: each type from the CQL types that the table above
// gives it, and a string from any of them (a type that is no text as CQL writes it); a
// std::vector from list, set and vector, a std::map from map. kInvalid names both types if they do
// not go together, or a number that does not fit.
absl::Status Decode(const data::DataType& type, std::string_view bytes, bool* out);
absl::Status Decode(const data::DataType& type, std::string_view bytes, int64_t* out);
absl::Status Decode(const data::DataType& type, std::string_view bytes, double* out);
absl::Status Decode(const data::DataType& type, std::string_view bytes, std::string* out);
absl::Status Decode(const data::DataType& type, std::string_view bytes, base::Uuid* out);
absl::Status Decode(const data::DataType& type, std::string_view bytes, absl::Time* out);

namespace internal {
absl::Status DoesNotFit(int64_t number, std::string_view where);
absl::Status IsNull();
// The parts of a list, set, vector or map (`pairs`); the types are those of `type`.
absl::StatusOr<std::vector<std::string_view>> Parts(const data::DataType& type,
                                                    std::string_view bytes, bool pairs);
const data::DataType& PartType(const data::DataType& type, size_t index);
}  // namespace internal

template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, int64_t>)
absl::Status Decode(const data::DataType& type, std::string_view bytes, T* out) {
  int64_t number = 0;
  if (absl::Status status = Decode(type, bytes, &number); !status.ok()) return status;
  if (!std::in_range<T>(number)) return internal::DoesNotFit(number, type.name());
  *out = static_cast<T>(number);
  return absl::OkStatus();
}

inline absl::Status Decode(const data::DataType& type, std::string_view bytes, float* out) {
  double number = 0;
  absl::Status status = Decode(type, bytes, &number);
  *out = static_cast<float>(number);
  return status;
}

template <typename T>
absl::Status Decode(const data::DataType& type, std::string_view bytes, std::vector<T>* out) {
  auto parts = internal::Parts(type, bytes, false);
  if (!parts.ok()) return parts.status();
  out->clear();
  for (const std::string_view part : *parts) {
    T element{};
    absl::Status status = Decode(internal::PartType(type, 0), part, &element);
    if (!status.ok()) return status;
    out->push_back(std::move(element));
  }
  return absl::OkStatus();
}

template <typename K, typename V>
absl::Status Decode(const data::DataType& type, std::string_view bytes, std::map<K, V>* out) {
  auto parts = internal::Parts(type, bytes, true);
  if (!parts.ok()) return parts.status();
  out->clear();
  for (size_t i = 0; i + 1 < parts->size(); i += 2) {
    K key{};
    absl::Status status = Decode(internal::PartType(type, 0), (*parts)[i], &key);
    if (status.ok()) status = Decode(internal::PartType(type, 1), (*parts)[i + 1], &(*out)[key]);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace tholos::client
