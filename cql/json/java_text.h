// Values as the texts that Cassandra makes of them in CAST and JSON, where they differ from those
// of CQL literals.
#pragma once

#include <string>
#include <string_view>

#include "data/types/data_type.h"

namespace tholos::cql {

// Of a simple type: a double is 1.0, 0.001 or 1.0E10; a timestamp 2026-01-31T10:00:00.000Z.
std::string JavaText(data::TypeId type, std::string_view bytes);
// 1.0, 0.1, 1.0E10, NaN, Infinity.
std::string JavaText(double v);
std::string JavaText(float v);

}  // namespace tholos::cql
