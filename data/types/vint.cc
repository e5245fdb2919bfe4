#include "data/types/vint.h"

#include <bit>

namespace tholos::data {

void PutUnsignedVint(std::string* out, uint64_t v) {
  // Seven bits of payload a byte; nine bytes carry all 64.
  const int bits = 64 - std::countl_zero(v | 1);
  const int extra = bits > 56 ? 8 : (bits - 1) / 7;
  if (extra == 8) {
    out->push_back('\xFF');
  } else {
    const auto ones = static_cast<uint8_t>(~(0xFF >> extra));
    out->push_back(static_cast<char>(ones | static_cast<uint8_t>(v >> (8 * extra))));
  }
  for (int i = extra - 1; i >= 0; --i) out->push_back(static_cast<char>(v >> (8 * i)));
}

void PutVint(std::string* out, int64_t v) {
  PutUnsignedVint(out, static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63));
}

std::optional<uint64_t> TakeUnsignedVint(std::string_view* in) {
  if (in->empty()) return std::nullopt;
  const auto first = static_cast<uint8_t>(in->front());
  const size_t extra = static_cast<size_t>(std::countl_one(first));
  if (in->size() < 1 + extra) return std::nullopt;
  uint64_t v = extra == 8 ? 0 : first & (0xFF >> extra);
  for (size_t i = 1; i <= extra; ++i) v = v << 8 | static_cast<uint8_t>((*in)[i]);
  in->remove_prefix(1 + extra);
  return v;
}

std::optional<int64_t> TakeVint(std::string_view* in) {
  const std::optional<uint64_t> v = TakeUnsignedVint(in);
  if (!v.has_value()) return std::nullopt;
  return static_cast<int64_t>(*v >> 1 ^ (~(*v & 1) + 1));
}

}  // namespace tholos::data
