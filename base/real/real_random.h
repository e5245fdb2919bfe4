// Streams seeded by the kernel's random number generator; names play no part.
#pragma once

#include "base/random.h"

namespace tholos::base {

class RealRandom final : public Random {
 public:
  RandomStream Stream(std::string_view name) override;
};

}  // namespace tholos::base
