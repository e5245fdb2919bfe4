// The notations of the native protocol ([string], [bytes], ...) on top of base::Reader.
//
//   [short] 2 bytes   [int] 4   [long] 8   [string] [short] n and n bytes of UTF-8
//   [long string] [int] n ...   [bytes] [int] n, null if n < 0   [short bytes] [short] n ...
//   [string list] [short] n, n [string]   [string map] [short] n, n pairs of [string]
//   [value] [bytes] where n = -2 means "not set" (from version 4 on)
//   [inet] [byte] n (4 or 16), the address, [int] port
//
// A read that does not fit makes the reader fail (base/coding.h); counts are checked against what
// can still follow before anything is reserved for them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/endpoint.h"

namespace tholos::cql::protocol {

uint16_t ReadShort(base::Reader& in);
int32_t ReadInt(base::Reader& in);
int64_t ReadLong(base::Reader& in);
std::string_view ReadString(base::Reader& in);
std::string_view ReadLongString(base::Reader& in);
std::string_view ReadShortBytes(base::Reader& in);
std::optional<std::string_view> ReadBytes(base::Reader& in);
std::vector<std::string> ReadStringList(base::Reader& in);
// A key that comes twice: the last one counts.
std::map<std::string, std::string> ReadStringMap(base::Reader& in);

inline void PutShort(std::string* out, uint16_t v) { base::PutBigEndian16(out, v); }
inline void PutInt(std::string* out, int32_t v) {
  base::PutBigEndian32(out, static_cast<uint32_t>(v));
}
// Cut to 65,535 bytes.
void PutString(std::string* out, std::string_view text);
void PutLongString(std::string* out, std::string_view text);
void PutShortBytes(std::string* out, std::string_view bytes);
void PutBytesValue(std::string* out, std::string_view bytes);
void PutStringList(std::string* out, const std::vector<std::string>& list);
// A host that is no literal address is sent as 0.0.0.0.
void PutInet(std::string* out, const base::Endpoint& endpoint);
void PutInetAddress(std::string* out, std::string_view host);
// The bytes of a literal address: 4, 16, or none.
std::string AddressBytes(std::string_view host);

}  // namespace tholos::cql::protocol
