// What the seeded bugs about expiry (faults.h) do to data. Nothing else calls this.
#pragma once

#include <cstdint>

#include "data/partition.h"
#include "data/read.h"

namespace tholos::coordinator {

// Values live for ever.
void ForgetTtls(data::Partition* partition);
// The same, and what has expired is a deletion of no time.
void ForgetExpiry(data::ReadResult* result);
// What has not expired lives for its TTL from now on.
void RestartTtls(data::Partition* partition, int64_t now_seconds);
// Of two values of one cell with one timestamp both become the one that expires later. Rows ascend.
void PreferLaterExpiry(data::Partition* a, data::Partition* b);

}  // namespace tholos::coordinator
