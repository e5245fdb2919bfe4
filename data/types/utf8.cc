#include <cstdint>

#include "data/types/data_type.h"

namespace tholos::data {
namespace {

// How many continuation bytes follow, and between which bounds the first of them lies (table 3-7 of
// the Unicode standard: the bounds exclude overlong forms, surrogates and what is beyond U+10FFFF).
struct Sequence {
  int continuation = -1;  // -1: no sequence starts with this byte
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
};

Sequence SequenceOf(uint8_t lead) {
  if (lead < 0xC2) return {};
  if (lead < 0xE0) return {1};
  if (lead == 0xE0) return {2, 0xA0};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead < 0xF0) return {2};
  if (lead == 0xF0) return {3, 0x90};
  if (lead < 0xF4) return {3};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  return {};
}

}  // namespace

bool IsValidUtf8(std::string_view bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    const uint8_t lead = static_cast<uint8_t>(bytes[i++]);
    if (lead < 0x80) continue;
    Sequence sequence = SequenceOf(lead);
    if (sequence.continuation < 0) return false;
    for (int n = 0; n < sequence.continuation; ++n) {
      if (i == bytes.size()) return false;
      const uint8_t byte = static_cast<uint8_t>(bytes[i++]);
      if (byte < sequence.low || byte > sequence.high) return false;
      sequence.low = 0x80;
      sequence.high = 0xBF;
    }
  }
  return true;
}

}  // namespace tholos::data
