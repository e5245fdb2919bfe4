#include "cql/protocol/wire.h"

#include <arpa/inet.h>

#include <algorithm>

namespace tholos::cql::protocol {
namespace {
constexpr size_t kShortMax = 65535;
}  // namespace

uint16_t ReadShort(base::Reader& in) {
  const std::string_view bytes = in.Raw(2);
  if (bytes.size() != 2) return 0;
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 |
                               static_cast<uint8_t>(bytes[1]));
}

int32_t ReadInt(base::Reader& in) {
  const std::string_view bytes = in.Raw(4);
  return bytes.size() == 4 ? static_cast<int32_t>(base::LoadBigEndian32(bytes.data())) : 0;
}

int64_t ReadLong(base::Reader& in) {
  const std::string_view bytes = in.Raw(8);
  return bytes.size() == 8 ? static_cast<int64_t>(base::LoadBigEndian64(bytes.data())) : 0;
}

std::string_view ReadString(base::Reader& in) { return in.Raw(ReadShort(in)); }

std::string_view ReadShortBytes(base::Reader& in) { return in.Raw(ReadShort(in)); }

std::string_view ReadLongString(base::Reader& in) {
  const int32_t length = ReadInt(in);
  if (length < 0) in.Fail();
  return length < 0 ? std::string_view() : in.Raw(static_cast<size_t>(length));
}

std::optional<std::string_view> ReadBytes(base::Reader& in) {
  const int32_t length = ReadInt(in);
  if (length < 0) return std::nullopt;
  return in.Raw(static_cast<size_t>(length));
}

std::vector<std::string> ReadStringList(base::Reader& in) {
  const size_t count = ReadShort(in);
  std::vector<std::string> list;
  if (count * 2 > in.remaining()) in.Fail();
  for (size_t i = 0; i < count && in.ok(); ++i) list.emplace_back(ReadString(in));
  return list;
}

std::map<std::string, std::string> ReadStringMap(base::Reader& in) {
  const size_t count = ReadShort(in);
  std::map<std::string, std::string> map;
  if (count * 4 > in.remaining()) in.Fail();
  for (size_t i = 0; i < count && in.ok(); ++i) {
    std::string key(ReadString(in));
    map[std::move(key)] = ReadString(in);
  }
  return map;
}

void PutString(std::string* out, std::string_view text) {
  text = text.substr(0, kShortMax);
  PutShort(out, static_cast<uint16_t>(text.size()));
  out->append(text);
}

void PutLongString(std::string* out, std::string_view text) {
  PutInt(out, static_cast<int32_t>(text.size()));
  out->append(text);
}

void PutShortBytes(std::string* out, std::string_view bytes) { PutString(out, bytes); }

void PutBytesValue(std::string* out, std::string_view bytes) { PutLongString(out, bytes); }

void PutStringList(std::string* out, const std::vector<std::string>& list) {
  const size_t count = std::min(list.size(), kShortMax);
  PutShort(out, static_cast<uint16_t>(count));
  for (size_t i = 0; i < count; ++i) PutString(out, list[i]);
}

std::string AddressBytes(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string text(host == "localhost" ? "127.0.0.1" : host);
  char bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) return std::string(bytes, 4);
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) return std::string(bytes, 16);
  return "";
}

void PutInetAddress(std::string* out, std::string_view host) {
  std::string address = AddressBytes(host);
  if (address.empty()) address.assign(4, '\0');
  base::PutU8(out, static_cast<uint8_t>(address.size()));
  out->append(address);
}

void PutInet(std::string* out, const base::Endpoint& endpoint) {
  PutInetAddress(out, endpoint.host);
  PutInt(out, endpoint.port);
}

}  // namespace tholos::cql::protocol
