// BATCH:
//
//   <type: byte><n: short> n times <statement> <consistency><flags>[<serial consistency>]
//   [<timestamp>][<keyspace>][<now in seconds>]
//
//   statement: <kind: byte> 0: [long string] text, 1: [short bytes] id; then <values>
//
// Values with names (flag 0x40) cannot be decoded: the flag follows the values. Cassandra refuses
// the flag, and so is done here.
#include "base/coding.h"
#include "cql/protocol/request.h"
#include "cql/protocol/wire.h"

namespace tholos::cql::protocol {
namespace {

// Kind, the shorter kind of id, and the count of values.
constexpr size_t kItemBytesMin = 1 + 2 + 2;

}  // namespace

absl::StatusOr<BatchRequest> DecodeBatch(uint8_t version, std::string_view body) {
  base::Reader in(body);
  BatchRequest batch;
  batch.type = in.U8();
  if (in.ok() && batch.type > 2) return absl::DataLossError("Invalid BATCH message type");
  const size_t count = ReadShort(in);
  if (count * kItemBytesMin > in.remaining()) in.Fail();
  if (!in.ok()) return in.status("BATCH");
  batch.items.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    BatchRequest::Item& item = batch.items.emplace_back();
    const uint8_t kind = in.U8();
    if (kind > 1) {
      return absl::DataLossError("Invalid query kind in BATCH messages. Must be 0 or 1");
    }
    item.prepared = kind == 1;
    item.statement = item.prepared ? ReadShortBytes(in) : ReadLongString(in);
    item.values = ReadValues(version, false, in);
  }
  batch.parameters.consistency = ReadShort(in);
  const uint32_t flags = ReadQueryFlags(version, in);
  if ((flags & kQueryNames) != 0) {
    return absl::DataLossError("named values in a BATCH are not supported by the protocol");
  }
  ReadCommonParameters(version, flags, in, &batch.parameters);
  if (!in.ok()) return in.status("BATCH");
  return batch;
}

void EncodeBatch(uint8_t version, const BatchRequest& batch, std::string* out) {
  base::PutU8(out, batch.type);
  PutShort(out, static_cast<uint16_t>(batch.items.size()));
  for (const BatchRequest::Item& item : batch.items) {
    base::PutU8(out, item.prepared ? 1 : 0);
    if (item.prepared) {
      PutShortBytes(out, item.statement);
    } else {
      PutLongString(out, item.statement);
    }
    PutValues(version, item.values, out);
  }
  QueryParameters common = batch.parameters;
  if (version < 5) {
    common.keyspace.clear();
    common.now_in_seconds.reset();
  }
  PutShort(out, common.consistency);
  PutQueryFlags(version, CommonFlags(common), out);
  PutCommonParameters(common, out);
}

}  // namespace tholos::cql::protocol
