#include "cql/protocol/type.h"

#include "gtest/gtest.h"

namespace tholos::cql::protocol {
namespace {

using data::DataType;
using data::TypeId;

std::string Encoded(uint8_t version, const DataType& type) {
  std::string out;
  PutType(version, type, &out);
  return out;
}

std::string Bytes(std::initializer_list<int> bytes) {
  std::string out;
  for (const int byte : bytes) out.push_back(static_cast<char>(byte));
  return out;
}

std::string Custom(std::string_view name) {
  return Bytes({0, 0, 0, static_cast<int>(name.size())}).append(name);
}

TEST(ProtocolType, OptionsOfEveryVersion) {
  for (const TypeId id : data::kSimpleTypes) {
    EXPECT_EQ(Encoded(5, DataType(id)), Bytes({0, static_cast<int>(id)}));
  }
  const DataType text(TypeId::kText);
  const DataType number(TypeId::kInt);
  EXPECT_EQ(Encoded(4, DataType::Map(text, DataType::List(number, true), false)),
            Bytes({0, 0x21, 0, 0x0D, 0, 0x20, 0, 9}));
  EXPECT_EQ(Encoded(4, DataType::Set(number, false)), Bytes({0, 0x22, 0, 9}));
  EXPECT_EQ(Encoded(3, DataType::Tuple({number, text})), Bytes({0, 0x31, 0, 2, 0, 9, 0, 0x0D}));
  EXPECT_EQ(Encoded(4, DataType::Udt({"k", "u", {"f", "g"}, {number, text}}, true)),
            Bytes({0, 0x30, 0, 1, 'k', 0, 1, 'u', 0, 2, 0, 1, 'f', 0, 9, 0, 1, 'g', 0, 0x0D}));
  EXPECT_EQ(Encoded(4, DataType(TypeId::kDuration)),
            Custom("org.apache.cassandra.db.marshal.DurationType"));
  EXPECT_EQ(Encoded(3, DataType(TypeId::kTinyint)),
            Custom("org.apache.cassandra.db.marshal.ByteType"));
  EXPECT_EQ(Encoded(5, DataType::Vector(DataType(TypeId::kFloat), 3)),
            Custom("org.apache.cassandra.db.marshal.VectorType(org.apache.cassandra.db.marshal."
                   "FloatType , 3)"));
}

TEST(ProtocolType, ClassNames) {
  const DataType number(TypeId::kInt);
  EXPECT_EQ(TypeClassName(DataType::List(number, true)),
            "org.apache.cassandra.db.marshal.FrozenType(org.apache.cassandra.db.marshal.ListType("
            "org.apache.cassandra.db.marshal.Int32Type))");
  EXPECT_EQ(TypeClassName(DataType::Tuple({number, number})),
            "org.apache.cassandra.db.marshal.TupleType(org.apache.cassandra.db.marshal.Int32Type,"
            "org.apache.cassandra.db.marshal.Int32Type)");
  EXPECT_EQ(TypeClassName(DataType::Udt({"k", "ab", {"f"}, {number}}, false)),
            "org.apache.cassandra.db.marshal.UserType(k,6162,66:org.apache.cassandra.db.marshal."
            "Int32Type)");
}

}  // namespace
}  // namespace tholos::cql::protocol
