#include "cql/protocol/type.h"

#include "cql/protocol/wire.h"

namespace tholos::cql::protocol {

void PutType(uint8_t version, const data::DataType& type, std::string* out) {
  (void)version;
  PutShort(out, static_cast<uint16_t>(type.id()));
}

std::string TypeClassName(const data::DataType& type) {
  (void)type;
  return "org.apache.cassandra.db.marshal.BytesType";
}

}  // namespace tholos::cql::protocol
