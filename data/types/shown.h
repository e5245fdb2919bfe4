// Bad input in error messages.
#pragma once

#include <string>
#include <string_view>

namespace tholos::data {

// The first 40 bytes or so of `text` in double quotes, with control characters (and all bytes that
// are no ASCII, if it is not UTF-8) escaped: always valid UTF-8 itself.
std::string Shown(std::string_view text);

}  // namespace tholos::data
