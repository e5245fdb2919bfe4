// XXH3 (64 bits) of a long run of bytes, piece by piece: what Checksum64 gives for all of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace tholos::base {

class Digest64 {
 public:
  Digest64();
  ~Digest64();
  Digest64(const Digest64&) = delete;
  Digest64& operator=(const Digest64&) = delete;

  void Add(std::string_view bytes);
  // Of everything so far.
  uint64_t value() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace tholos::base
