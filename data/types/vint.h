// Variable-length integers as Cassandra writes them: the first byte has as many leading ones as
// bytes follow it, the rest is the number, big-endian. Signed ones are zigzag. (Not the varints of
// base/coding.h.)
//
//   0xxxxxxx                     up to 2^7 - 1
//   10xxxxxx xxxxxxxx            up to 2^14 - 1
//   11111111 and 8 bytes         up to 2^64 - 1
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tholos::data {

void PutUnsignedVint(std::string* out, uint64_t v);
void PutVint(std::string* out, int64_t v);
// Takes one from the front of `*in`; nothing if it is cut short.
std::optional<uint64_t> TakeUnsignedVint(std::string_view* in);
std::optional<int64_t> TakeVint(std::string_view* in);

}  // namespace tholos::data
