#include "ring/strategy.h"

#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::ring {
namespace {

constexpr std::string_view kCassandraPackage = "org.apache.cassandra.locator.";
constexpr std::string_view kSimpleStrategy = "SimpleStrategy";
constexpr std::string_view kClassOption = "class";
constexpr std::string_view kFactorOption = "replication_factor";

absl::Status CheckClass(const std::map<std::string, std::string>& replication) {
  const auto it = replication.find(std::string(kClassOption));
  if (it == replication.end()) {
    return base::InvalidRequest("replication has no 'class': expected 'SimpleStrategy'");
  }
  std::string_view name = it->second;
  if (name.starts_with(kCassandraPackage)) name.remove_prefix(kCassandraPackage.size());
  if (name == kSimpleStrategy) return absl::OkStatus();
  return base::InvalidRequest(base::StrCat("replication class '", std::string_view(it->second),
                                           "' is not supported: expected 'SimpleStrategy'"));
}

absl::StatusOr<uint32_t> ParseFactor(const std::map<std::string, std::string>& replication) {
  const auto it = replication.find(std::string(kFactorOption));
  if (it == replication.end()) {
    return base::InvalidRequest("SimpleStrategy needs a 'replication_factor'");
  }
  uint32_t factor = 0;
  if (!absl::SimpleAtoi(it->second, &factor) || factor < 1 ||
      factor > ReplicationStrategy::kFactorMax) {
    return base::InvalidRequest(base::StrCat("replication_factor '", it->second,
                                             "' is not a number from 1 to ",
                                             ReplicationStrategy::kFactorMax));
  }
  return factor;
}

}  // namespace

absl::StatusOr<ReplicationStrategy> ReplicationStrategy::Parse(
    const std::map<std::string, std::string>& replication) {
  THOLOS_RETURN_IF_ERROR(CheckClass(replication));
  THOLOS_ASSIGN_OR_RETURN(const uint32_t factor, ParseFactor(replication));
  for (const auto& [option, value] : replication) {
    if (option != kClassOption && option != kFactorOption) {
      return base::InvalidRequest(base::StrCat("SimpleStrategy has no option '", option, "'"));
    }
  }
  return ReplicationStrategy{factor};
}

}  // namespace tholos::ring
