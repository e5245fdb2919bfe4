// Random messages for the tests of the protocol.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "cql/protocol/compression.h"
#include "cql/protocol/request.h"

namespace tholos::cql::protocol {

inline std::string RandomBytes(base::RandomStream& random, size_t max) {
  std::string bytes(random.Below(max + 1), '\0');
  for (char& byte : bytes) byte = static_cast<char>('a' + random.Below(4));
  return bytes;
}

inline BoundValue RandomValue(base::RandomStream& random, uint8_t version, bool named) {
  BoundValue value;
  const uint64_t kind = random.Below(8);
  if (kind == 0 && version >= 4) {
    value.unset = true;
  } else if (kind > 1) {
    value.value = RandomBytes(random, 40);
  }
  if (named) value.name = "n" + RandomBytes(random, 8);
  return value;
}

inline std::vector<BoundValue> RandomValues(base::RandomStream& random, uint8_t version,
                                            bool named) {
  std::vector<BoundValue> values;
  for (uint64_t n = random.Below(5); n > 0; --n) {
    values.push_back(RandomValue(random, version, named));
  }
  return values;
}

inline QueryParameters RandomParameters(base::RandomStream& random, uint8_t version) {
  QueryParameters parameters;
  parameters.consistency = static_cast<uint16_t>(random.Below(11));
  parameters.values = RandomValues(random, version, random.Below(2) == 0);
  parameters.skip_metadata = random.Below(2) == 0;
  if (random.Below(2) == 0) parameters.page_size = static_cast<int32_t>(random.Below(10'000));
  if (random.Below(3) == 0) parameters.paging_state = "p" + RandomBytes(random, 30);
  if (random.Below(3) == 0) parameters.serial_consistency = 8;
  if (random.Below(3) == 0) parameters.timestamp = static_cast<int64_t>(random.Next());
  if (version >= 5 && random.Below(3) == 0) parameters.keyspace = "ks";
  if (version >= 5 && random.Below(3) == 0) parameters.now_in_seconds = 1'700'000'000;
  return parameters;
}

inline BatchRequest RandomBatch(base::RandomStream& random, uint8_t version) {
  BatchRequest batch;
  batch.type = static_cast<uint8_t>(random.Below(3));
  for (uint64_t n = random.Below(6); n > 0; --n) {
    BatchRequest::Item& item = batch.items.emplace_back();
    item.prepared = random.Below(2) == 0;
    item.statement = RandomBytes(random, 60);
    item.values = RandomValues(random, version, false);
  }
  batch.parameters = RandomParameters(random, version);
  // A batch has none of these.
  batch.parameters.values.clear();
  batch.parameters.skip_metadata = false;
  batch.parameters.page_size.reset();
  batch.parameters.paging_state.clear();
  return batch;
}

inline Request RandomRequest(base::RandomStream& random, uint8_t version) {
  switch (random.Below(8)) {
    case 0:
      return StartupRequest{{{"CQL_VERSION", "3.0.0"}, {"COMPRESSION", RandomBytes(random, 5)}}};
    case 1:
      return OptionsRequest{};
    case 2:
      return AuthResponseRequest{RandomBytes(random, 30)};
    case 3:
      return RegisterRequest{{"STATUS_CHANGE", RandomBytes(random, 20)}};
    case 4: {
      PrepareRequest prepare{RandomBytes(random, 100), ""};
      if (version >= 5 && random.Below(2) == 0) prepare.keyspace = "ks";
      return prepare;
    }
    case 5:
      return QueryRequest{RandomBytes(random, 200), RandomParameters(random, version)};
    case 6: {
      ExecuteRequest execute{RandomBytes(random, 16), "", RandomParameters(random, version)};
      if (version >= 5) execute.result_metadata_id = RandomBytes(random, 16);
      return execute;
    }
    default:
      return RandomBatch(random, version);
  }
}

}  // namespace tholos::cql::protocol
