#include "cql/keywords.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/ascii.h"

namespace tholos::cql {
namespace {

struct Entry {
  std::string_view spelling;
  bool reserved;
};

constexpr Entry kEntries[] = {
#define X(enumerator, spelling, reserved) {#spelling, reserved},
    THOLOS_CQL_KEYWORDS(X)
#undef X
};

constexpr size_t kSpellingBytesMax = 12;

static_assert(std::ranges::is_sorted(kEntries, std::ranges::less(), &Entry::spelling));
static_assert(std::ranges::all_of(kEntries, [](const Entry& entry) {
  return entry.spelling.size() <= kSpellingBytesMax;
}));

const Entry& EntryOf(Keyword keyword) { return kEntries[static_cast<size_t>(keyword) - 1]; }

}  // namespace

Keyword FindKeyword(std::string_view word) {
  if (word.size() > kSpellingBytesMax) return Keyword::kNone;
  std::array<char, kSpellingBytesMax> buffer;
  std::ranges::transform(word, buffer.begin(), absl::ascii_toupper);
  const std::string_view upper(buffer.data(), word.size());
  const auto* entry =
      std::ranges::lower_bound(kEntries, upper, std::ranges::less(), &Entry::spelling);
  if (entry == std::end(kEntries) || entry->spelling != upper) return Keyword::kNone;
  return static_cast<Keyword>(entry - std::begin(kEntries) + 1);
}

std::string_view Spelling(Keyword keyword) {
  return keyword == Keyword::kNone ? std::string_view() : EntryOf(keyword).spelling;
}

bool IsReserved(Keyword keyword) { return keyword != Keyword::kNone && EntryOf(keyword).reserved; }

}  // namespace tholos::cql
