#include "data/types/shown.h"

#include "absl/strings/escaping.h"
#include "base/strings.h"
#include "data/types/data_type.h"

namespace tholos::data {
namespace {

constexpr size_t kShownBytesMax = 40;

// Up to three bytes less, so that no UTF-8 sequence is cut.
std::string_view Cut(std::string_view text) {
  size_t size = kShownBytesMax;
  for (int i = 0; i < 3 && (static_cast<uint8_t>(text[size]) & 0xC0) == 0x80; ++i) --size;
  return text.substr(0, size);
}

}  // namespace

std::string Shown(std::string_view text) {
  const bool cut = text.size() > kShownBytesMax;
  if (cut) text = Cut(text);
  const std::string escaped = IsValidUtf8(text) ? absl::Utf8SafeCHexEscape(base::ToAbsl(text))
                                                : absl::CHexEscape(base::ToAbsl(text));
  return base::StrCat("\"", escaped, cut ? "...\"" : "\"");
}

}  // namespace tholos::data
