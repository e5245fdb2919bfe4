#include "data/types/quote_name.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"

namespace tholos::data {
namespace {

// CQL's reserved words (those of Cassandra 5.0, TRUE and FALSE); sorted.
constexpr std::string_view kReserved[] = {
    "add",      "allow",    "alter",    "and",          "apply",    "asc",    "authorize",
    "batch",    "begin",    "by",       "columnfamily", "create",   "delete", "desc",
    "describe", "drop",     "entries",  "execute",      "false",    "from",   "full",
    "grant",    "if",       "in",       "index",        "infinity", "insert", "into",
    "is",       "keyspace", "limit",    "materialized", "modify",   "nan",    "norecursive",
    "not",      "null",     "of",       "on",           "or",       "order",  "primary",
    "rename",   "revoke",   "schema",   "select",       "set",      "table",  "to",
    "token",    "true",     "truncate", "unlogged",     "update",   "use",    "using",
    "view",     "where",    "with"};
static_assert(std::is_sorted(std::begin(kReserved), std::end(kReserved)));

bool IsPlainName(std::string_view name) {
  return !name.empty() && absl::ascii_islower(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) {
                       return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
                     }) &&
         !std::binary_search(std::begin(kReserved), std::end(kReserved), name);
}

std::string Doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out.push_back(c);
    out.push_back(c);
  }
  out.push_back(quote);
  return out;
}

}  // namespace

std::string QuoteName(std::string_view name) {
  return IsPlainName(name) ? std::string(name) : Doubled(name, '"');
}

std::string QuoteString(std::string_view text) { return Doubled(text, '\''); }

}  // namespace tholos::data
