#include "coordinator/consistency.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "base/errors.h"
#include "base/strings.h"

namespace tholos::coordinator {
namespace {

struct Entry {
  ConsistencyLevel level;
  std::string_view name;
};

constexpr std::array<Entry, 11> kLevels = {{
    {ConsistencyLevel::kAny, "ANY"},
    {ConsistencyLevel::kOne, "ONE"},
    {ConsistencyLevel::kTwo, "TWO"},
    {ConsistencyLevel::kThree, "THREE"},
    {ConsistencyLevel::kQuorum, "QUORUM"},
    {ConsistencyLevel::kAll, "ALL"},
    {ConsistencyLevel::kLocalQuorum, "LOCAL_QUORUM"},
    {ConsistencyLevel::kEachQuorum, "EACH_QUORUM"},
    {ConsistencyLevel::kSerial, "SERIAL"},
    {ConsistencyLevel::kLocalSerial, "LOCAL_SERIAL"},
    {ConsistencyLevel::kLocalOne, "LOCAL_ONE"},
}};

}  // namespace

std::string_view ConsistencyName(ConsistencyLevel level) {
  for (const Entry& entry : kLevels) {
    if (entry.level == level) return entry.name;
  }
  return "UNKNOWN";
}

absl::StatusOr<ConsistencyLevel> ConsistencyFromName(std::string_view name) {
  const std::string upper = absl::AsciiStrToUpper(base::ToAbsl(name));
  for (const Entry& entry : kLevels) {
    if (entry.name == upper) return entry.level;
  }
  return base::InvalidRequest(
      base::StrCat("unknown consistency level '", name.substr(0, 40),
                   "': expected ANY, ONE, TWO, THREE, QUORUM, ALL, LOCAL_QUORUM, "
                   "EACH_QUORUM, SERIAL, LOCAL_SERIAL or LOCAL_ONE"));
}

absl::StatusOr<ConsistencyLevel> ConsistencyFromNumber(uint32_t number) {
  for (const Entry& entry : kLevels) {
    if (static_cast<uint32_t>(entry.level) == number) return entry.level;
  }
  return base::InvalidRequest(base::StrCat("unknown consistency level number ", number));
}

uint32_t RequiredAnswers(ConsistencyLevel level, uint32_t replication_factor) {
  switch (level) {
    case ConsistencyLevel::kAny:
    case ConsistencyLevel::kOne:
    case ConsistencyLevel::kLocalOne:
      return 1;
    case ConsistencyLevel::kTwo:
      return 2;
    case ConsistencyLevel::kThree:
      return 3;
    case ConsistencyLevel::kQuorum:
    case ConsistencyLevel::kLocalQuorum:
    case ConsistencyLevel::kEachQuorum:
    case ConsistencyLevel::kSerial:
    case ConsistencyLevel::kLocalSerial:
      return replication_factor / 2 + 1;
    case ConsistencyLevel::kAll:
      return std::max(replication_factor, 1u);
  }
  return std::max(replication_factor, 1u);
}

}  // namespace tholos::coordinator
