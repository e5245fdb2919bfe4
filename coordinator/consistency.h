// Consistency levels: how many replicas must have answered before the client hears "done".
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace tholos::coordinator {

// The numbers of the CQL native protocol.
enum class ConsistencyLevel : uint16_t {
  kAny = 0,  // writes: a durable hint suffices
  kOne = 1,
  kTwo = 2,
  kThree = 3,
  kQuorum = 4,  // replication factor / 2 + 1
  kAll = 5,
  kLocalQuorum = 6,
  kEachQuorum = 7,
  kSerial = 8,       // of conditional writes and of reads that see them
  kLocalSerial = 9,  // the same within the coordinator's datacenter
  kLocalOne = 10,
};

// SERIAL or LOCAL_SERIAL.
inline bool IsSerial(ConsistencyLevel level) {
  return level == ConsistencyLevel::kSerial || level == ConsistencyLevel::kLocalSerial;
}

std::string_view ConsistencyName(ConsistencyLevel level);                     // "QUORUM"
absl::StatusOr<ConsistencyLevel> ConsistencyFromName(std::string_view name);  // any case
absl::StatusOr<ConsistencyLevel> ConsistencyFromNumber(uint32_t number);

// Answers needed with `replication_factor` copies (one datacenter: the LOCAL and EACH forms are as
// their plain ones). At least 1. May exceed the factor (THREE with two copies): then the request is
// unavailable.
uint32_t RequiredAnswers(ConsistencyLevel level, uint32_t replication_factor);

}  // namespace tholos::coordinator
