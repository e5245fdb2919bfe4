#include "base/sim/trace.h"

#include "absl/strings/str_format.h"
#include "base/checksum.h"
#include "base/strings.h"

namespace tholos::base::sim {

void Trace::Fold(MonotonicTime now, std::string_view who, std::string_view what, uint64_t a,
                 uint64_t b) {
  const uint64_t numbers[] = {static_cast<uint64_t>(now.nanos), a, b};
  hash_ = Checksum64({reinterpret_cast<const char*>(numbers), sizeof(numbers)}, hash_);
  hash_ = Checksum64(who, hash_);
  hash_ = Checksum64(what, hash_);
  ++entries_;
  if (!sink_) return;
  sink_(absl::StrFormat("%14.6fms %-10s %s %d %d", static_cast<double>(now.nanos) / 1e6,
                        ToAbsl(who), ToAbsl(what), a, b));
}

}  // namespace tholos::base::sim
