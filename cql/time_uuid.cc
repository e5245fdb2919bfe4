#include "cql/time_uuid.h"

#include <algorithm>

#include "base/coding.h"

namespace tholos::cql {
namespace {

uint64_t Load64(const base::Uuid& uuid) {
  return base::LoadBigEndian64(reinterpret_cast<const char*>(uuid.bytes.data()));
}

uint64_t TicksOf(int64_t unix_millis) {
  return static_cast<uint64_t>(unix_millis + kUuidEpochToUnixMillis) * kUuidTicksPerMilli;
}

}  // namespace

base::Uuid MakeTimeUuid(uint64_t ticks, uint64_t clock_and_node) {
  const uint64_t head = (ticks & 0xFFFFFFFF) << 32 | ((ticks >> 32) & 0xFFFF) << 16 | 0x1000 |
                        ((ticks >> 48) & 0x0FFF);
  base::Uuid uuid;
  for (size_t i = 0; i < 8; ++i) {
    uuid.bytes[i] = static_cast<uint8_t>(head >> (56 - 8 * i));
    uuid.bytes[8 + i] = static_cast<uint8_t>(clock_and_node >> (56 - 8 * i));
  }
  return uuid;
}

uint64_t TimeUuidTicks(const base::Uuid& uuid) {
  const uint64_t head = Load64(uuid);
  return (head & 0x0FFF) << 48 | ((head >> 16) & 0xFFFF) << 32 | head >> 32;
}

int64_t TimeUuidMillis(const base::Uuid& uuid) {
  return static_cast<int64_t>(TimeUuidTicks(uuid) / kUuidTicksPerMilli) - kUuidEpochToUnixMillis;
}

base::Uuid MinTimeUuid(int64_t unix_millis) {
  return MakeTimeUuid(TicksOf(unix_millis), 0x8080808080808080);
}

base::Uuid MaxTimeUuid(int64_t unix_millis) {
  return MakeTimeUuid(TicksOf(unix_millis) + kUuidTicksPerMilli - 1, 0x7F7F7F7F7F7F7F7F);
}

TimeUuidSource::TimeUuidSource(base::RandomStream& random) {
  // The variant, and a node id that is marked as random (the multicast bit).
  constexpr uint64_t kVariant = uint64_t{1} << 63;
  constexpr uint64_t kRandomNode = uint64_t{1} << 40;
  clock_and_node_ = (random.Next() >> 2) | kVariant | kRandomNode;
}

base::Uuid TimeUuidSource::Next(int64_t unix_micros) {
  const uint64_t now = (static_cast<uint64_t>(unix_micros) + kUuidEpochToUnixMillis * 1000) * 10;
  last_ticks_ = std::max(last_ticks_ + 1, now);
  return MakeTimeUuid(last_ticks_, clock_and_node_);
}

}  // namespace tholos::cql
