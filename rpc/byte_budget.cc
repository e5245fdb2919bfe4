#include "rpc/byte_budget.h"

#include "base/check.h"

namespace tholos::rpc {

bool ByteBudget::TryAdd(size_t bytes) {
  size_t used = used_.load(std::memory_order_relaxed);
  do {
    if (used != 0 && (bytes > max_ || used > max_ - bytes)) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_acq_rel));
  if (depth_ != nullptr) depth_->Add(static_cast<int64_t>(bytes));
  return true;
}

ByteBudget::Hold ByteBudget::TryTake(const std::shared_ptr<ByteBudget>& budget, size_t bytes) {
  return budget->TryAdd(bytes) ? Hold(budget, bytes) : Hold();
}

bool ByteBudget::TryTake(const std::shared_ptr<ByteBudget>& budget, size_t bytes, Hold* into) {
  if (!budget->TryAdd(bytes)) return false;
  into->Grow(budget, bytes);
  return true;
}

ByteBudget::Hold ByteBudget::Take(const std::shared_ptr<ByteBudget>& budget, size_t bytes) {
  Hold hold;
  Take(budget, bytes, &hold);
  return hold;
}

void ByteBudget::Take(const std::shared_ptr<ByteBudget>& budget, size_t bytes, Hold* into) {
  budget->used_.fetch_add(bytes, std::memory_order_acq_rel);
  if (budget->depth_ != nullptr) budget->depth_->Add(static_cast<int64_t>(bytes));
  into->Grow(budget, bytes);
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

void ByteBudget::Hold::Grow(const std::shared_ptr<ByteBudget>& budget, size_t bytes) {
  THOLOS_CHECK(budget_ == nullptr || budget_ == budget);
  if (budget_ == nullptr) budget_ = budget;
  bytes_ += bytes;
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
