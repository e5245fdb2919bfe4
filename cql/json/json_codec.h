// Values of every CQL type as JSON, and back, as Cassandra maps them:
//
//   ascii, text                        string
//   boolean                            true, false; read also from a string
//   the integers, varint, decimal      number; read also from a string
//   float, double                      number (NaN and infinities as null); read also from a string
//   blob                               string "0x..."
//   date, time, timestamp, duration,
//   inet, uuid, timeuuid               string; timestamp and date read also from a number
//   list, set, vector                  array
//   map                                object; keys that are no strings are strings of their JSON
//   tuple                              array; null for what is missing
//   UDT                                object by field names
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cql/json/json.h"
#include "data/types/data_type.h"

namespace tholos::cql {

// "null" for null.
std::string ToJson(const data::DataType& type, const data::Value& value);

// null for JSON's null. kInvalidArgument "Expected an int value, but got a string: \"x\"".
absl::StatusOr<data::Value> FromJson(const data::DataType& type, const JsonValue& json);

// The name of a column or field as a key in JSON: in double quotes inside the string unless it is
// all lower case.
std::string JsonName(std::string_view name);
// What such a key names: 'a', 'A' and '"A"' are a, a and A.
std::string NameOfJson(std::string_view key);

}  // namespace tholos::cql
