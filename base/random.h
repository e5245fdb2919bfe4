// The randomness door: named streams, so that what one component draws does not shift another's.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace tholos::base {

// A stream of random numbers: xoshiro256** (Blackman and Vigna, 2018). Not for secrets. Confined to
// the thread that uses it; a C++ UniformRandomBitGenerator.
class RandomStream {
 public:
  using result_type = uint64_t;
  explicit RandomStream(uint64_t seed);
  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return ~uint64_t{0}; }
  uint64_t operator()() { return Next(); }
  uint64_t Next();
  // Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound);
  // Uniform in [low, high].
  int64_t Between(int64_t low, int64_t high);
  // Uniform in [0, 1).
  double Unit();
  bool Chance(double probability) { return Unit() < probability; }

 private:
  uint64_t state_[4];
};

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  // A new stream for `name`. Two calls with one name give different streams; in the simulator the
  // n-th call for a name gives the same stream in every run of a seed.
  virtual RandomStream Stream(std::string_view name) = 0;
};

}  // namespace tholos::base
