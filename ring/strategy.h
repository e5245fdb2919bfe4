// How many copies of each partition a keyspace keeps, and where.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace tholos::ring {

// A keyspace's replication options, understood. SimpleStrategy puts the replicas on the next
// distinct nodes clockwise, whatever their datacenter and rack.
struct ReplicationStrategy {
  static constexpr uint32_t kFactorMax = 64;
  uint32_t factor = 1;

  // `replication` as CQL gives it: {"class": "SimpleStrategy", "replication_factor": "3"}; the
  // class may carry Cassandra's package name. kInvalid (base/errors.h) names an unknown class, a
  // bad factor or an unknown option.
  static absl::StatusOr<ReplicationStrategy> Parse(
      const std::map<std::string, std::string>& replication);
  friend bool operator==(const ReplicationStrategy&, const ReplicationStrategy&) = default;
};

}  // namespace tholos::ring
