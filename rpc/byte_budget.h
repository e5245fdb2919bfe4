// ByteBudget: what bounds a queue in bytes.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "base/metrics.h"

namespace tholos::rpc {

// Thread-safe. Shared by those who fill a queue and what lies in it.
class ByteBudget {
 public:
  // `depth`, if any, follows what is used. `on_room`, if any, is called whenever the use falls from
  // `max` or more to less; on any thread.
  explicit ByteBudget(size_t max, base::Gauge* depth = nullptr, std::function<void()> on_room = {})
      : max_(max), depth_(depth), on_room_(std::move(on_room)) {}

  size_t used() const { return used_.load(std::memory_order_acquire); }
  size_t max() const { return max_; }
  bool HasRoom() const { return used() < max_; }

  // Bytes taken from a budget; the destructor gives them back.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& o) noexcept : budget_(std::move(o.budget_)), bytes_(std::exchange(o.bytes_, 0)) {}
    Hold& operator=(Hold&& o) noexcept {
      Release();
      budget_ = std::move(o.budget_);
      bytes_ = std::exchange(o.bytes_, 0);
      return *this;
    }
    ~Hold() { Release(); }
    explicit operator bool() const { return budget_ != nullptr; }
    size_t bytes() const { return bytes_; }
    void Release();
    // Takes over what `other` holds, which is of the same budget if this one holds anything.
    void Merge(Hold other);

   private:
    friend class ByteBudget;
    void Grow(const std::shared_ptr<ByteBudget>& budget, size_t bytes);
    Hold(std::shared_ptr<ByteBudget> budget, size_t bytes)
        : budget_(std::move(budget)), bytes_(bytes) {}
    std::shared_ptr<ByteBudget> budget_;
    size_t bytes_ = 0;
  };

  // Nothing if they do not fit. A message larger than the whole budget fits when nothing is used.
  static Hold TryTake(const std::shared_ptr<ByteBudget>& budget, size_t bytes);
  // The same into a hold of this budget, or one that holds nothing. False: they do not fit.
  static bool TryTake(const std::shared_ptr<ByteBudget>& budget, size_t bytes, Hold* into);
  // Whether they fit or not.
  static Hold Take(const std::shared_ptr<ByteBudget>& budget, size_t bytes);
  static void Take(const std::shared_ptr<ByteBudget>& budget, size_t bytes, Hold* into);

 private:
  bool TryAdd(size_t bytes);
  void Subtract(size_t bytes);

  const size_t max_;
  base::Gauge* const depth_;
  const std::function<void()> on_room_;
  std::atomic<size_t> used_ = 0;
};

}  // namespace tholos::rpc
