// The values of inet: 4 bytes (IPv4) or 16 (IPv6).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tholos::data {

// "127.0.0.1", "::1", "2001:db8::1.2.3.4"; never a name. An IPv4 address mapped to IPv6
// (::ffff:1.2.3.4) is the IPv4 address, as Cassandra has it.
absl::StatusOr<std::string> ParseInet(std::string_view text);
// IPv6 as RFC 5952 recommends: lower case, the longest run of zeros as "::". Of no bytes, "".
std::string FormatInet(std::string_view bytes);

}  // namespace tholos::data
