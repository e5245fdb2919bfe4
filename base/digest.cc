#include "base/digest.h"

#include <xxhash.h>

#include "base/check.h"

namespace tholos::base {

struct Digest64::State {
  State() { THOLOS_CHECK(xxh3 != nullptr && XXH3_64bits_reset(xxh3) == XXH_OK); }
  ~State() { XXH3_freeState(xxh3); }
  XXH3_state_t* const xxh3 = XXH3_createState();
};

Digest64::Digest64() : state_(std::make_unique<State>()) {}
Digest64::~Digest64() = default;

void Digest64::Add(std::string_view bytes) {
  THOLOS_CHECK(XXH3_64bits_update(state_->xxh3, bytes.data(), bytes.size()) == XXH_OK);
}

uint64_t Digest64::value() const { return XXH3_64bits_digest(state_->xxh3); }

}  // namespace tholos::base
