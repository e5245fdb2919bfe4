// How many copies of each partition a keyspace keeps, and where.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tholos::ring {

// A keyspace's replication options, understood; a regular value.
//
// SimpleStrategy puts the replicas on the next distinct nodes clockwise, whatever their datacenter
// and rack. NetworkTopologyStrategy keeps a number of its own in each datacenter, there on distinct
// racks as long as there are enough (placement.h).
struct ReplicationStrategy {
  enum class Kind : uint8_t { kSimple, kNetworkTopology };
  static constexpr uint32_t kFactorMax = 64;  // in one datacenter

  Kind kind = Kind::kSimple;
  uint32_t factor = 1;                            // copies in all datacenters together
  std::map<std::string, uint32_t> by_datacenter;  // NetworkTopologyStrategy; none is zero

  // The number that levels count with inside `datacenter`: SimpleStrategy does not know
  // datacenters, there it is the factor.
  uint32_t FactorIn(std::string_view datacenter) const;

  // `replication` as CQL gives it: {"class": "SimpleStrategy", "replication_factor": "3"} or
  // {"class": "NetworkTopologyStrategy", "dc1": "3", "dc2": "2"}; the class may carry Cassandra's
  // package name. kConfig (base/errors.h) names an unknown class, a bad factor or an unknown
  // option. Whether datacenters exist is CheckDatacenters' question.
  static absl::StatusOr<ReplicationStrategy> Parse(
      const std::map<std::string, std::string>& replication);
  friend auto operator<=>(const ReplicationStrategy&, const ReplicationStrategy&) = default;
};

// The options of a keyspace that is to be created in a cluster with these `datacenters`:
// NetworkTopologyStrategy's 'replication_factor' becomes that factor in each datacenter that is not
// named. kConfig if a datacenter is named that does not exist, or as Parse.
absl::StatusOr<std::map<std::string, std::string>> ExpandReplication(
    std::map<std::string, std::string> replication, const std::vector<std::string>& datacenters);

}  // namespace tholos::ring
