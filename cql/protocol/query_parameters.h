// What QUERY and EXECUTE say beside the statement:
//
//   <consistency><flags>[<n><values>][<page size>][<paging state>][<serial consistency>]
//   [<timestamp>][<keyspace>][<now in seconds>]
//
//   flag    field                                  flags are one byte; an [int] from version 5 on
//   0x01    values: [short] n, n [value]           0x40: each value has a [string] name before it
//   0x02    the result needs no metadata
//   0x04    page size: [int] rows
//   0x08    paging state: [bytes]
//   0x10    serial consistency
//   0x20    default timestamp: [long] microseconds
//   0x80    keyspace: [string]                     version 5
//   0x100   now in seconds: [int]                  version 5
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/coding.h"
#include "cql/query_processor.h"

namespace tholos::cql::protocol {

inline constexpr uint32_t kQueryValues = 0x01;
inline constexpr uint32_t kQuerySkipMetadata = 0x02;
inline constexpr uint32_t kQueryPageSize = 0x04;
inline constexpr uint32_t kQueryPagingState = 0x08;
inline constexpr uint32_t kQuerySerialConsistency = 0x10;
inline constexpr uint32_t kQueryTimestamp = 0x20;
inline constexpr uint32_t kQueryNames = 0x40;
inline constexpr uint32_t kQueryKeyspace = 0x80;
inline constexpr uint32_t kQueryNowInSeconds = 0x100;

struct QueryParameters {
  uint16_t consistency = 1;
  std::vector<BoundValue> values;
  bool skip_metadata = false;
  std::optional<int32_t> page_size;
  std::string paging_state;
  std::optional<uint16_t> serial_consistency;
  std::optional<int64_t> timestamp;
  std::string keyspace;
  std::optional<int32_t> now_in_seconds;
};

// One [value]; "not set" only from version 4 on.
BoundValue ReadValue(uint8_t version, base::Reader& in);
void PutValue(uint8_t version, const BoundValue& value, std::string* out);
// [short] n and n values, each after its name if `named`.
std::vector<BoundValue> ReadValues(uint8_t version, bool named, base::Reader& in);
void PutValues(uint8_t version, const std::vector<BoundValue>& values, std::string* out);

// The flags of a query or batch.
uint32_t ReadQueryFlags(uint8_t version, base::Reader& in);
// The fields that a batch has too: serial consistency, timestamp, keyspace, now.
void ReadCommonParameters(uint8_t version, uint32_t flags, base::Reader& in, QueryParameters* out);
uint32_t CommonFlags(const QueryParameters& parameters);
void PutQueryFlags(uint8_t version, uint32_t flags, std::string* out);
void PutCommonParameters(const QueryParameters& parameters, std::string* out);

QueryParameters ReadQueryParameters(uint8_t version, base::Reader& in);
void PutQueryParameters(uint8_t version, const QueryParameters& parameters, std::string* out);

}  // namespace tholos::cql::protocol
