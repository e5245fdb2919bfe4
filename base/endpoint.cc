#include "base/endpoint.h"

#include "absl/strings/numbers.h"
#include "base/strings.h"

namespace tholos::base {

absl::StatusOr<Endpoint> Endpoint::Parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return absl::InvalidArgumentError(StrCat("'", text, "' is not HOST:PORT"));
  }
  const std::string_view host = text.substr(0, colon);
  if (host.find(':') != std::string_view::npos && (host.front() != '[' || host.back() != ']')) {
    return absl::InvalidArgumentError(
        StrCat("'", text, "': an IPv6 address is written [ADDRESS]:PORT"));
  }
  uint32_t port = 0;
  if (!absl::SimpleAtoi(ToAbsl(text.substr(colon + 1)), &port) || port > 65535) {
    return absl::InvalidArgumentError(
        StrCat("'", text, "': the port is not a number from 0 to 65535"));
  }
  return Endpoint{std::string(host), static_cast<uint16_t>(port)};
}

std::string Endpoint::ToString() const { return StrCat(host, ":", port); }

}  // namespace tholos::base
