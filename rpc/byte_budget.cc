#include "rpc/byte_budget.h"

#include "base/check.h"

namespace tholos::rpc {

ByteBudget::Hold ByteBudget::TryTake(const std::shared_ptr<ByteBudget>& budget, size_t bytes) {
  size_t used = budget->used_.load(std::memory_order_relaxed);
  do {
    if (used != 0 && (bytes > budget->max_ || used > budget->max_ - bytes)) return Hold();
  } while (!budget->used_.compare_exchange_weak(used, used + bytes, std::memory_order_acq_rel));
  if (budget->depth_ != nullptr) budget->depth_->Add(static_cast<int64_t>(bytes));
  return Hold(budget, bytes);
}

ByteBudget::Hold ByteBudget::Take(const std::shared_ptr<ByteBudget>& budget, size_t bytes) {
  budget->used_.fetch_add(bytes, std::memory_order_acq_rel);
  if (budget->depth_ != nullptr) budget->depth_->Add(static_cast<int64_t>(bytes));
  return Hold(budget, bytes);
}

void ByteBudget::Subtract(size_t bytes) {
  const size_t before = used_.fetch_sub(bytes, std::memory_order_acq_rel);
  THOLOS_CHECK(before >= bytes) << "a byte budget got back more than it gave";
  if (depth_ != nullptr) depth_->Add(-static_cast<int64_t>(bytes));
  if (on_room_ && before >= max_ && before - bytes < max_) on_room_();
}

void ByteBudget::Hold::Release() {
  if (budget_ == nullptr) return;
  const std::shared_ptr<ByteBudget> budget = std::move(budget_);
  budget_ = nullptr;
  budget->Subtract(std::exchange(bytes_, 0));
}

void ByteBudget::Hold::Merge(Hold other) {
  if (budget_ == nullptr) {
    *this = std::move(other);
    return;
  }
  THOLOS_CHECK(other.budget_ == nullptr || other.budget_ == budget_);
  bytes_ += std::exchange(other.bytes_, 0);
  other.budget_ = nullptr;
}

}  // namespace tholos::rpc
