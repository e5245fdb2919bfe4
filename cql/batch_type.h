// What a batch promises.
#pragma once

#include <cstdint>

namespace tholos::cql {

//   kLogged    once one of its writes is acknowledged all of them will be applied (batch log)
//   kUnlogged  each partition's writes are applied together; between partitions nothing is promised
//   kCounter   increments of counters
//
// The values are those of the native protocol.
enum class BatchType : uint8_t { kLogged = 0, kUnlogged = 1, kCounter = 2 };

}  // namespace tholos::cql
