// Where a node listens: a host (a name, an IPv4 address, or an IPv6 address in brackets) and a
// port.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tholos::base {

struct Endpoint {
  std::string host;
  uint16_t port = 0;

  // "host:port"; kInvalidArgument names what is wrong.
  static absl::StatusOr<Endpoint> Parse(std::string_view text);
  std::string ToString() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Endpoint& e) {
    return H::combine(std::move(h), e.host, e.port);
  }
};

}  // namespace tholos::base
