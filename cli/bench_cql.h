// tholos bench --protocol cql: the native protocol from one thread, as cheap as it can be, so that
// the client does not hide the server: requests are a template in which stream, key and value are
// patched; all that is due goes out with one write; answers are looked at no further than their
// header.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "cli/latency.h"

namespace tholos::cli {

struct CqlBenchOptions {
  std::vector<base::Endpoint> nodes;  // native doors; connections go to them in turn
  int connections = 1;
  int in_flight = 256;  // of all connections together
  double seconds = 10;
  double rate = 0;  // operations offered per second; 0: as fast as answers come
  uint64_t rows = 100'000;
  uint32_t value_bytes = 100;
  uint16_t consistency = 4;
  uint8_t version = 4;
  uint64_t seed = 1;
  // Of the keyspace and table, when they are made.
  uint32_t replication_factor = 3;
};

struct CqlBenchResult {
  uint64_t done = 0;
  uint64_t errors = 0;
  std::string first_error;
  double seconds = 0;
  double client_cpu_seconds = 0;
};

// Makes the table if it is missing and runs `write` or reads. Fails the program if a node cannot be
// reached. `started` is called when the connections stand and the statement is prepared.
CqlBenchResult RunCqlBench(const CqlBenchOptions& options, bool write, LatencyHistogram* latencies,
                           const std::function<void()>& started);

}  // namespace tholos::cli
