// Whatever parses prints as CQL that parses to an equal tree, and prints alike. Errors name a
// place. Splitting a script loses no statement that parses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cql/parser.h"
#include "cql/script.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tholos::cql;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Script script = SplitScript(text);
  const auto parsed = Parse(text);
  if (!parsed.ok()) {
    if (std::string(parsed.status().message()).find("line ") != 0) std::abort();
    return 0;
  }
  if (script.statements.size() + !script.tail.text.empty() != 1) std::abort();
  const std::string printed = ToCql(parsed->statement);
  const auto again = Parse(printed);
  if (!again.ok()) std::abort();
  if (ToCql(again->statement) != printed) std::abort();
  if (!(again->statement == parsed->statement) || again->markers != parsed->markers) std::abort();
  return 0;
}
