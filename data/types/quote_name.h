// Names and strings as CQL writes them.
#pragma once

#include <string>
#include <string_view>

namespace tholos::data {

// A name: in double quotes unless it is in lower case and not reserved.
std::string QuoteName(std::string_view name);
// A string literal: 'it''s'.
std::string QuoteString(std::string_view text);

}  // namespace tholos::data
