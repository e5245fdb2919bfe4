// The compact encoding of a type (varint: base/coding.h; bytes: varint length, bytes):
//
//   type       id (varint) and
//     simple          nothing
//     list, set       frozen (1) | element
//     map             frozen (1) | key | value
//     tuple           field count (varint) | fields
//     vector          dimension (varint) | element
//     UDT             frozen (1) | keyspace (bytes) | name (bytes) | field count (varint) | fields
//       field         name (bytes) | type
//
// Equal types have equal encodings: what is inside a frozen type is frozen, except that the fields
// of a UDT are written as they were declared.
#include "data/types/data_type.h"
#include "data/types/type_info.h"

namespace tholos::data {
namespace {

constexpr size_t kTypeBytesMin = 1;
constexpr size_t kFieldBytesMin = 2;

// Counts the nodes while it reads: what would expand beyond the limit is never built.
class TypeReader {
 public:
  explicit TypeReader(base::Reader* in) : in_(*in) {}

  DataType Take(uint32_t depth) {
    if (depth > kTypeDepthMax || ++nodes_ > kTypeNodesMax) in_.Fail();
    const uint64_t id = in_.Varint();
    if (!in_.ok()) return DataType();
    switch (static_cast<TypeId>(id)) {
      case TypeId::kList: {
        const bool frozen = TakeBool();
        return Checked(DataType::List(Take(depth + 1), frozen));
      }
      case TypeId::kSet: {
        const bool frozen = TakeBool();
        return Checked(DataType::Set(Take(depth + 1), frozen));
      }
      case TypeId::kMap: {
        const bool frozen = TakeBool();
        DataType key = Take(depth + 1);
        return Checked(DataType::Map(std::move(key), Take(depth + 1), frozen));
      }
      case TypeId::kTuple:
        return TakeTuple(depth);
      case TypeId::kVector: {
        const uint64_t dimension = in_.Varint();
        if (dimension == 0 || dimension > kVectorDimensionMax) in_.Fail();
        return Checked(DataType::Vector(Take(depth + 1), static_cast<uint32_t>(dimension)));
      }
      case TypeId::kUdt:
        return TakeUdt(depth);
      default:
        if (id > 0xFFFF || FindSimple(static_cast<TypeId>(id)) == nullptr) in_.Fail();
        return in_.ok() ? DataType(static_cast<TypeId>(id)) : DataType();
    }
  }

 private:
  bool TakeBool() {
    const uint8_t byte = in_.U8();
    if (byte > 1) in_.Fail();
    return byte == 1;
  }

  DataType Checked(DataType type) const { return in_.ok() ? std::move(type) : DataType(); }

  DataType TakeTuple(uint32_t depth) {
    const size_t count = in_.Count(kTypeBytesMin);
    std::vector<DataType> fields;
    for (size_t i = 0; i < count && in_.ok(); ++i) fields.push_back(Take(depth + 1));
    if (fields.empty()) in_.Fail();
    return in_.ok() ? DataType::Tuple(std::move(fields)) : DataType();
  }

  DataType TakeUdt(uint32_t depth) {
    UserType definition;
    const bool frozen = TakeBool();
    definition.keyspace = in_.Bytes();
    definition.name = in_.Bytes();
    const size_t count = in_.Count(kFieldBytesMin);
    for (size_t i = 0; i < count && in_.ok(); ++i) {
      definition.field_names.emplace_back(in_.Bytes());
      definition.field_types.push_back(Take(depth + 1));
    }
    if (definition.name.empty()) in_.Fail();
    return in_.ok() ? DataType::Udt(std::move(definition), frozen) : DataType();
  }

  base::Reader& in_;
  uint32_t nodes_ = 0;
};

}  // namespace

void DataType::AppendTo(std::string* out) const {
  base::PutVarint(out, static_cast<uint64_t>(id_));
  switch (id_) {
    case TypeId::kList:
    case TypeId::kSet:
    case TypeId::kMap:
      base::PutU8(out, frozen_ ? 1 : 0);
      break;
    case TypeId::kTuple:
      base::PutVarint(out, arguments().size());
      break;
    case TypeId::kVector:
      base::PutVarint(out, dimension());
      break;
    case TypeId::kUdt: {
      const UserType& definition = user_type();
      base::PutU8(out, frozen_ ? 1 : 0);
      base::PutBytes(out, definition.keyspace);
      base::PutBytes(out, definition.name);
      base::PutVarint(out, definition.field_names.size());
      for (size_t i = 0; i < definition.field_names.size(); ++i) {
        base::PutBytes(out, definition.field_names[i]);
        definition.field_types[i].AppendTo(out);
      }
      return;
    }
    default:
      return;
  }
  for (const DataType& argument : arguments()) argument.AppendTo(out);
}

DataType DataType::TakeFrom(base::Reader* in) { return TypeReader(in).Take(1); }

}  // namespace tholos::data
