#include "cql/protocol/query_parameters.h"

#include "cql/protocol/wire.h"

namespace tholos::cql::protocol {

BoundValue ReadValue(uint8_t version, base::Reader& in) {
  BoundValue value;
  const int32_t length = ReadInt(in);
  if (length >= 0) {
    value.value.emplace(in.Raw(static_cast<size_t>(length)));
  } else if (version >= 4) {
    value.unset = length == -2;
    if (length < -2) in.Fail();
  }
  return value;
}

void PutValue(uint8_t version, const BoundValue& value, std::string* out) {
  if (value.value.has_value()) {
    PutBytesValue(out, *value.value);
  } else {
    PutInt(out, value.unset && version >= 4 ? -2 : -1);
  }
}

std::vector<BoundValue> ReadValues(uint8_t version, bool named, base::Reader& in) {
  std::vector<BoundValue> values;
  const size_t count = ReadShort(in);
  if (count * (named ? 6 : 4) > in.remaining()) in.Fail();
  if (!in.ok()) return values;
  values.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view name = named ? ReadString(in) : std::string_view();
    values.push_back(ReadValue(version, in));
    values.back().name = name;
  }
  return values;
}

void PutValues(uint8_t version, const std::vector<BoundValue>& values, std::string* out) {
  const bool named = !values.empty() && !values.front().name.empty();
  PutShort(out, static_cast<uint16_t>(values.size()));
  for (const BoundValue& value : values) {
    if (named) PutString(out, value.name);
    PutValue(version, value, out);
  }
}

uint32_t ReadQueryFlags(uint8_t version, base::Reader& in) {
  return version >= 5 ? static_cast<uint32_t>(ReadInt(in)) : in.U8();
}

void PutQueryFlags(uint8_t version, uint32_t flags, std::string* out) {
  if (version >= 5) {
    base::PutBigEndian32(out, flags);
  } else {
    base::PutU8(out, static_cast<uint8_t>(flags));
  }
}

void ReadCommonParameters(uint8_t version, uint32_t flags, base::Reader& in, QueryParameters* out) {
  if ((flags & kQuerySerialConsistency) != 0) out->serial_consistency = ReadShort(in);
  if ((flags & kQueryTimestamp) != 0) out->timestamp = ReadLong(in);
  if (version < 5) return;
  if ((flags & kQueryKeyspace) != 0) out->keyspace = ReadString(in);
  if ((flags & kQueryNowInSeconds) != 0) out->now_in_seconds = ReadInt(in);
}

uint32_t CommonFlags(const QueryParameters& parameters) {
  return (parameters.serial_consistency ? kQuerySerialConsistency : 0) |
         (parameters.timestamp ? kQueryTimestamp : 0) |
         (!parameters.keyspace.empty() ? kQueryKeyspace : 0) |
         (parameters.now_in_seconds ? kQueryNowInSeconds : 0);
}

void PutCommonParameters(const QueryParameters& parameters, std::string* out) {
  if (parameters.serial_consistency) PutShort(out, *parameters.serial_consistency);
  if (parameters.timestamp) {
    base::PutBigEndian64(out, static_cast<uint64_t>(*parameters.timestamp));
  }
  if (!parameters.keyspace.empty()) PutString(out, parameters.keyspace);
  if (parameters.now_in_seconds) PutInt(out, *parameters.now_in_seconds);
}

QueryParameters ReadQueryParameters(uint8_t version, base::Reader& in) {
  QueryParameters parameters;
  parameters.consistency = ReadShort(in);
  const uint32_t flags = ReadQueryFlags(version, in);
  if ((flags & kQueryValues) != 0) {
    parameters.values = ReadValues(version, (flags & kQueryNames) != 0, in);
  }
  parameters.skip_metadata = (flags & kQuerySkipMetadata) != 0;
  if ((flags & kQueryPageSize) != 0) parameters.page_size = ReadInt(in);
  if ((flags & kQueryPagingState) != 0) {
    parameters.paging_state = ReadBytes(in).value_or(std::string_view());
  }
  ReadCommonParameters(version, flags, in, &parameters);
  return parameters;
}

void PutQueryParameters(uint8_t version, const QueryParameters& parameters, std::string* out) {
  const bool named = !parameters.values.empty() && !parameters.values.front().name.empty();
  uint32_t flags = CommonFlags(parameters);
  if (version < 5) flags &= ~(kQueryKeyspace | kQueryNowInSeconds);
  if (!parameters.values.empty()) flags |= kQueryValues;
  if (named) flags |= kQueryNames;
  if (parameters.skip_metadata) flags |= kQuerySkipMetadata;
  if (parameters.page_size) flags |= kQueryPageSize;
  if (!parameters.paging_state.empty()) flags |= kQueryPagingState;
  PutShort(out, parameters.consistency);
  PutQueryFlags(version, flags, out);
  if (!parameters.values.empty()) PutValues(version, parameters.values, out);
  if (parameters.page_size) PutInt(out, *parameters.page_size);
  if (!parameters.paging_state.empty()) PutBytesValue(out, parameters.paging_state);
  QueryParameters common = parameters;
  if (version < 5) {
    common.keyspace.clear();
    common.now_in_seconds.reset();
  }
  PutCommonParameters(common, out);
}

}  // namespace tholos::cql::protocol
