#include "client/timers.h"

#include <algorithm>
#include <chrono>

#include "base/real/threads.h"

namespace tholos::client {

Timers::Timers() : thread_(base::StartThread("tholos-client", [this] { Run(); })) {}

Timers::~Timers() { Stop(); }

void Timers::At(base::MonotonicTime when, absl::AnyInvocable<void()> call) {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  calls_.emplace(std::pair(when, next_++), std::move(call));
  changed_.notify_one();
}

void Timers::Stop() {
  decltype(calls_) dropped;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(calls_);
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Timers::Run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (calls_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const int64_t wait = calls_.begin()->first.first.nanos - clock_.Now().nanos;
    if (wait > 0) {
      changed_.wait_for(lock, std::chrono::nanoseconds(std::min<int64_t>(wait, 1'000'000'000)));
      continue;
    }
    auto due = calls_.extract(calls_.begin());
    lock.unlock();
    due.mapped()();
    due = {};
    lock.lock();
  }
}

}  // namespace tholos::client
