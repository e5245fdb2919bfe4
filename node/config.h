// The settings of a node: a YAML file of flat keys; the command line overrides it. Everything has
// a default that works.
//
//   key               default     meaning
//   cluster_name      tholos      nodes of another cluster are refused
//   data_directory    .           everything the node keeps
//   listen            127.0.0.1   address of all doors
//   internode_port    7000        other nodes
//   client_port       9043        gRPC clients
//   native_port       9042        clients with Cassandra's drivers
//   native_shard_aware_port  0    native clients that choose their shard; 0: none
//   seeds             []          HOST[:PORT] of nodes to join; none: a cluster of its own
//   datacenter        dc1         where the node stands
//   rack              rack1       and in which rack
//   shards            0           threads that own data; 0: one a core
//   memtable_memory   256MiB      memtables of the node
//   commitlog_memory  512MiB      commit log on disk, a shard
//   partition_reads_per_second, partition_writes_per_second
//                     0           most requests of one partition on a shard; 0: no limit
//   slow_request      500ms       requests that take longer are logged and counted; from 1ms to 1h
//   clock_skew_max    10s         beyond it the node's clock gives no timestamps and TTLs; 0: it
//                                 always does
//   client_memory     256MiB      requests and answers of native clients; half as much of gRPC clients
//   open_network      false       allows `listen` beyond loopback, without authentication
//   authenticator     allow_all   native clients' roles: allow_all, or password
//   superuser         tholos      the first role, made when there are none
//   superuser_password            its password; also THOLOS_SUPERUSER_PASSWORD; empty: one is made
//                                 up and logged once
//   native_tls        off         off, optional (on the same port), required
//   native_tls_certificate        PEM file: the node's certificate and those that lead to its root
//   native_tls_key                PEM file
//   native_tls_client_ca          PEM file: who signs clients' certificates; each must show one
//   log_level         info        debug, info, warn, error
//
// and the limits of statements, named and explained in cql/limits.h: statement_bytes_max,
// nesting_depth_max, relations_max, value_bytes_max, key_bytes_max, collection_elements_warn and
// _max, in_product_max, batch_statements_max, batch_bytes_warn and _max, batch_partitions_warn,
// selectors_max, table_columns_max, page_rows_max, page_bytes_max, filtered_rows_max,
// tombstones_warn and _max, prepared_bytes_max, prepared_plan_bytes_max.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/endpoint.h"
#include "cql/limits.h"

namespace tholos::node {

struct Config {
  std::string cluster_name = "tholos";
  std::string data_directory = ".";
  std::string listen = "127.0.0.1";
  uint16_t internode_port = 7000;
  uint16_t client_port = 9043;
  uint16_t native_port = 9042;
  uint16_t native_shard_aware_port = 0;
  std::vector<base::Endpoint> seeds;
  std::string datacenter = "dc1";
  std::string rack = "rack1";
  int shards = 0;
  uint64_t memtable_memory = 256u << 20;
  uint64_t commitlog_memory = 512u << 20;
  uint32_t partition_reads_per_second = 0;
  uint32_t partition_writes_per_second = 0;
  absl::Duration slow_request = absl::Milliseconds(500);
  absl::Duration clock_skew_max = absl::Seconds(10);  // infinite: given as 0
  uint64_t client_memory = 256u << 20;
  bool open_network = false;
  std::string authenticator = "allow_all";
  std::string native_tls = "off";
  std::string native_tls_certificate;
  std::string native_tls_key;
  std::string native_tls_client_ca;
  std::string superuser = "tholos";
  std::string superuser_password;
  std::string log_level = "info";
  cql::QueryLimits limits;

  base::Endpoint internode() const { return {listen, internode_port}; }
  base::Endpoint client() const { return {listen, client_port}; }
  base::Endpoint native() const { return {listen, native_port}; }
};

// Sets one key from its text, as the file or the command line gives it. kInvalidArgument: "unknown
// key 'sheds' (did you mean 'shards'?)" or "shards: expected a number from 0 to 256, found 'many'".
absl::Status SetConfigKey(std::string_view key, const std::string& value, Config* config);

// Reads `text` over `*config`. Errors name `file` and the line: "tholos.yaml:3: unknown key 'sheds'
// ...".
absl::Status ParseConfig(const std::string& text, const std::string& file, Config* config);

// What single keys cannot see: a `listen` beyond loopback without `open_network`, equal ports, a
// warning threshold above its limit.
absl::Status ValidateConfig(const Config& config);

// "256MiB", "1GiB", "4096" (bytes); KiB, MiB, GiB.
absl::StatusOr<uint64_t> ParseByteSize(std::string_view text);

}  // namespace tholos::node
