#include "coordinator/read/read_memory.h"

#include "base/async/loop.h"
#include "base/errors.h"

namespace tholos::coordinator {

void ReadMemory::Room::Release() {
  if (memory_ == nullptr) return;
  ReadMemory* memory = std::exchange(memory_, nullptr);
  const int64_t bytes = std::exchange(bytes_, 0);
  if (base::Loop::CurrentCrashed()) return;
  memory->Hold(-bytes);
  memory->Grant();
}

void ReadMemory::Hold(int64_t bytes) {
  held_ += bytes;
  held_gauge_.Set(static_cast<double>(held_));
  if (held_ <= held_max_) return;
  held_max_ = held_;
  held_max_gauge_.Set(static_cast<double>(held_));
}

ReadMemory::Room ReadMemory::Take(int64_t bytes) {
  Hold(bytes);
  return Room(this, bytes);
}

ReadMemory::Room ReadMemory::TryTake(int64_t bytes) {
  if (!waiting_.empty() || !Fits(bytes)) return Room();
  return Take(bytes);
}

base::Task<absl::StatusOr<ReadMemory::Room>> ReadMemory::Wait(int64_t bytes,
                                                              base::Deadline deadline) {
  if (Room now = TryTake(bytes)) co_return now;
  if (waiting_.size() >= kWaitingMax) {
    co_return base::Overloaded("too many reads wait for memory on this node");
  }
  Waiter waiter{bytes, {}};
  waiting_.push_back(&waiter);
  co_await waiter.granted.WaitUntil(deadline);
  if (waiter.has) co_return Room(this, bytes);
  waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &waiter));
  Grant();
  co_return base::Overloaded("no memory on this node for the read's result within its time");
}

void ReadMemory::Grant() {
  while (!waiting_.empty() && Fits(waiting_.front()->bytes)) {
    Waiter* waiter = waiting_.front();
    waiting_.pop_front();
    Hold(waiter->bytes);
    waiter->has = true;
    waiter->granted.Set();
  }
}

int64_t ReadSizes::Expected(const data::TableId& table, Kind kind) const {
  const auto found = expected_.find({table, kind});
  return found == expected_.end() ? Unknown(kind) : found->second;
}

void ReadSizes::Observe(const data::TableId& table, Kind kind, int64_t bytes) {
  const std::pair<data::TableId, Kind> key{table, kind};
  auto found = expected_.find(key);
  if (found == expected_.end()) {
    if (expected_.size() >= kTablesMax) expected_.clear();
    found = expected_.emplace(key, Unknown(kind)).first;
  }
  found->second = std::max(bytes, found->second - found->second / 8);
}

// A row that is larger than a page is much as large as the one before it.
int64_t ReadSizes::LimitFor(int64_t expected, int64_t page_bytes) {
  const int64_t limit =
      expected <= page_bytes ? std::min(2 * expected, page_bytes) : expected + expected / 8;
  return std::min(std::max(limit, kSmallRead), static_cast<int64_t>(kRowBytesMax));
}

}  // namespace tholos::coordinator
