#include "data/types/inet.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/strings.h"
#include "data/types/shown.h"

namespace tholos::data {
namespace {

constexpr size_t kGroups = 8;

// Four numbers of up to 255, in one to three digits.
std::optional<std::string> ParseV4(std::string_view text) {
  std::string bytes;
  while (true) {
    const size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (part.empty() || part.size() > 3 || error != std::errc() ||
        end != part.data() + part.size() || number > 255) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(number));
    if (dot == std::string_view::npos) break;
    if (bytes.size() == 4) return std::nullopt;
    text.remove_prefix(dot + 1);
  }
  if (bytes.size() != 4) return std::nullopt;
  return bytes;
}

// Groups of one to four hexadecimal digits between colons, the last perhaps in IPv4 form: as bytes.
std::optional<std::string> ParseGroups(std::string_view text) {
  std::string bytes;
  if (text.empty()) return bytes;
  while (true) {
    const size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    if (colon == std::string_view::npos && part.find('.') != std::string_view::npos) {
      const std::optional<std::string> v4 = ParseV4(part);
      if (!v4.has_value()) return std::nullopt;
      return bytes + *v4;
    }
    uint32_t group = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), group, 16);
    if (part.empty() || part.size() > 4 || error != std::errc() ||
        end != part.data() + part.size() || bytes.size() == 2 * kGroups) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(group >> 8));
    bytes.push_back(static_cast<char>(group));
    if (colon == std::string_view::npos) return bytes;
    text.remove_prefix(colon + 1);
  }
}

std::optional<std::string> ParseV6(std::string_view text) {
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    std::optional<std::string> bytes = ParseGroups(text);
    return bytes.has_value() && bytes->size() == 16 ? bytes : std::nullopt;
  }
  const std::string_view head = text.substr(0, gap);
  if (head.find('.') != std::string_view::npos) return std::nullopt;
  const std::optional<std::string> before = ParseGroups(head);
  const std::optional<std::string> after = ParseGroups(text.substr(gap + 2));
  if (!before.has_value() || !after.has_value() || before->size() + after->size() > 14) {
    return std::nullopt;
  }
  return *before + std::string(16 - before->size() - after->size(), '\0') + *after;
}

bool IsMappedV4(std::string_view bytes) {
  return bytes.substr(0, 12) == std::string_view("\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12);
}

std::string FormatV6(std::string_view bytes) {
  std::array<uint32_t, kGroups> groups{};
  for (size_t i = 0; i < kGroups; ++i) {
    groups[i] =
        uint32_t{static_cast<uint8_t>(bytes[2 * i])} << 8 | static_cast<uint8_t>(bytes[2 * i + 1]);
  }
  // The first of the longest runs of two zeros or more.
  size_t run = kGroups;
  size_t run_size = 1;
  for (size_t i = 0; i < kGroups; ++i) {
    size_t end = i;
    while (end < kGroups && groups[end] == 0) ++end;
    if (end - i > run_size) {
      run = i;
      run_size = end - i;
    }
  }
  std::string out;
  for (size_t i = 0; i < kGroups; ++i) {
    if (i == run) {
      out += "::";
      i += run_size - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ":";
    out += absl::StrFormat("%x", groups[i]);
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> ParseInet(std::string_view text) {
  const bool v6 = text.find(':') != std::string_view::npos;
  std::optional<std::string> bytes = v6 ? ParseV6(text) : ParseV4(text);
  if (!bytes.has_value()) {
    return absl::InvalidArgumentError(
        base::StrCat("expected an IPv4 or IPv6 address, not ", Shown(text)));
  }
  if (bytes->size() == 16 && IsMappedV4(*bytes)) return bytes->substr(12);
  return *std::move(bytes);
}

std::string FormatInet(std::string_view bytes) {
  if (bytes.size() == 16) return FormatV6(bytes);
  std::string out;
  for (const char c : bytes)
    base::StrAppend(&out, out.empty() ? "" : ".", int{static_cast<uint8_t>(c)});
  return out;
}

}  // namespace tholos::data
