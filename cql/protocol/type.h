// [option]: how the native protocol writes a type.
//
//   a simple type         [short] id
//   list, set             0x0020, 0x0022, then the element's [option]
//   map                   0x0021, then those of key and value
//   user type             0x0030, [string] keyspace, [string] name, [short] n, n times [string]
//                         field name and its [option]
//   tuple                 0x0031, [short] n, n [option]
//   custom                0x0000, [string] name of a Java class
//
// What a version does not know goes as the class that Cassandra has for it: vectors always,
// durations before version 5, dates, times, smallint and tinyint before version 4. Drivers parse
// these names.
#pragma once

#include <cstdint>
#include <string>

#include "data/types/data_type.h"

namespace tholos::cql::protocol {

void PutType(uint8_t version, const data::DataType& type, std::string* out);

// "org.apache.cassandra.db.marshal.Int32Type", "...VectorType(...FloatType , 3)", ...
std::string TypeClassName(const data::DataType& type);

}  // namespace tholos::cql::protocol
