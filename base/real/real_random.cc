#include "base/real/real_random.h"

#include <sys/random.h>

#include "base/check.h"

namespace tholos::base {

RandomStream RealRandom::Stream(std::string_view) {
  uint64_t seed = 0;
  // Up to 256 bytes are never cut short by a signal once the generator is initialised
  // (getrandom(2)).
  THOLOS_CHECK(getrandom(&seed, sizeof(seed), 0) == sizeof(seed)) << "getrandom failed";
  return RandomStream(seed);
}

}  // namespace tholos::base
