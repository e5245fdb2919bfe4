// 128-bit identifiers: hosts, tables, and the values of CQL's uuid.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/random.h"

namespace tholos::base {

// A UUID as its 16 bytes in network order; compares bytewise.
struct Uuid {
  std::array<uint8_t, 16> bytes{};

  // Version 4 (random).
  static Uuid Random(RandomStream& random);
  // "8-4-4-4-12" hexadecimal digits.
  static absl::StatusOr<Uuid> Parse(std::string_view text);
  // Exactly 16 bytes.
  static absl::StatusOr<Uuid> FromBytes(std::string_view bytes);

  bool IsNil() const { return *this == Uuid{}; }
  std::string ToString() const;
  std::string_view AsBytes() const { return {reinterpret_cast<const char*>(bytes.data()), 16}; }

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Uuid& u) {
    return H::combine(std::move(h), u.bytes);
  }
};

}  // namespace tholos::base
