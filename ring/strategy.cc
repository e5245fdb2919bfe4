#include "ring/strategy.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::ring {
namespace {

using Options = std::map<std::string, std::string>;

constexpr std::string_view kCassandraPackage = "org.apache.cassandra.locator.";
constexpr std::string_view kSimpleStrategy = "SimpleStrategy";
constexpr std::string_view kNetworkTopologyStrategy = "NetworkTopologyStrategy";
constexpr std::string_view kExpected = "expected 'SimpleStrategy' or 'NetworkTopologyStrategy'";
constexpr char kClassOption[] = "class";
constexpr char kFactorOption[] = "replication_factor";

absl::StatusOr<ReplicationStrategy::Kind> ParseClass(const Options& replication) {
  const auto it = replication.find(kClassOption);
  if (it == replication.end()) {
    return base::ConfigError(base::StrCat("replication has no 'class': ", kExpected));
  }
  std::string_view name = it->second;
  if (name.starts_with(kCassandraPackage)) name.remove_prefix(kCassandraPackage.size());
  if (name == kSimpleStrategy) return ReplicationStrategy::Kind::kSimple;
  if (name == kNetworkTopologyStrategy) return ReplicationStrategy::Kind::kNetworkTopology;
  return base::ConfigError(base::StrCat("replication class '", std::string_view(it->second),
                                        "' is not supported: ", kExpected));
}

absl::StatusOr<uint32_t> ParseFactor(std::string_view option, const std::string& text,
                                     uint32_t min) {
  uint32_t factor = 0;
  if (!absl::SimpleAtoi(text, &factor) || factor < min ||
      factor > ReplicationStrategy::kFactorMax) {
    return base::ConfigError(base::StrCat(option, " '", text, "' is not a number from ", min,
                                          " to ", ReplicationStrategy::kFactorMax));
  }
  return factor;
}

absl::StatusOr<ReplicationStrategy> ParseSimple(const Options& replication) {
  const auto it = replication.find(kFactorOption);
  if (it == replication.end()) {
    return base::ConfigError("SimpleStrategy needs a 'replication_factor'");
  }
  for (const auto& [option, value] : replication) {
    if (option != kClassOption && option != kFactorOption) {
      return base::ConfigError(base::StrCat("SimpleStrategy has no option '", option, "'"));
    }
  }
  ReplicationStrategy strategy;
  THOLOS_ASSIGN_OR_RETURN(strategy.factor, ParseFactor(kFactorOption, it->second, 1));
  return strategy;
}

absl::StatusOr<ReplicationStrategy> ParseNetworkTopology(const Options& replication) {
  ReplicationStrategy strategy{.kind = ReplicationStrategy::Kind::kNetworkTopology, .factor = 0};
  for (const auto& [option, value] : replication) {
    if (option == kClassOption) continue;
    if (option == kFactorOption) {
      return base::ConfigError(
          "NetworkTopologyStrategy keeps a factor for each datacenter: 'replication_factor' is "
          "for CREATE and ALTER, which name the datacenters");
    }
    THOLOS_ASSIGN_OR_RETURN(const uint32_t factor, ParseFactor(option, value, 0));
    if (factor > 0) strategy.by_datacenter.emplace(option, factor);
    strategy.factor += factor;
  }
  if (strategy.factor == 0) {
    return base::ConfigError(
        "NetworkTopologyStrategy needs a replication factor for at least one datacenter");
  }
  return strategy;
}

}  // namespace

uint32_t ReplicationStrategy::FactorIn(std::string_view datacenter) const {
  if (kind == Kind::kSimple) return factor;
  const auto it = by_datacenter.find(std::string(datacenter));
  return it == by_datacenter.end() ? 0 : it->second;
}

absl::StatusOr<ReplicationStrategy> ReplicationStrategy::Parse(const Options& replication) {
  THOLOS_ASSIGN_OR_RETURN(const Kind kind, ParseClass(replication));
  return kind == Kind::kSimple ? ParseSimple(replication) : ParseNetworkTopology(replication);
}

absl::StatusOr<Options> ExpandReplication(Options replication,
                                          const std::vector<std::string>& datacenters) {
  THOLOS_ASSIGN_OR_RETURN(const ReplicationStrategy::Kind kind, ParseClass(replication));
  if (kind == ReplicationStrategy::Kind::kNetworkTopology) {
    if (const auto it = replication.find(kFactorOption); it != replication.end()) {
      for (const std::string& datacenter : datacenters) {
        replication.emplace(datacenter, it->second);
      }
      replication.erase(it);
    }
    for (const auto& [option, value] : replication) {
      if (option == kClassOption) continue;
      if (std::find(datacenters.begin(), datacenters.end(), option) == datacenters.end()) {
        return base::ConfigError(base::StrCat("there is no datacenter '", option, "'"));
      }
    }
  }
  THOLOS_RETURN_IF_ERROR(ReplicationStrategy::Parse(replication).status());
  return replication;
}

}  // namespace tholos::ring
