#include "base/real/real_executor.h"

#include <stdlib.h>

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/real/threads.h"

namespace tholos::base {

std::unique_ptr<RealExecutor> RealExecutor::Start(const RealExecutorOptions& options,
                                                  const Clock& clock) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int shards = options.shards > 0 ? options.shards : cores;
  const int background = options.background > 0 ? options.background : std::max(1, cores / 2);
  const bool use_ring = options.use_io_uring && getenv("THOLOS_NO_IO_URING") == nullptr;

  std::unique_ptr<RealExecutor> executor(new RealExecutor);
  executor->blocking_ = std::make_shared<BlockingPool>(options.blocking_threads_max);
  auto start = [&](std::vector<std::unique_ptr<RealLoop>>& loops, const char* kind, int count,
                   bool is_shard) {
    for (int i = 0; i < count; ++i) {
      loops.push_back(std::make_unique<RealLoop>(std::string(kind) + "-" + std::to_string(i), clock,
                                                 use_ring, executor.get(), is_shard ? i : -1));
      RealLoop* loop = loops.back().get();
      executor->threads_.push_back(StartThread(loop->name(), [loop] { loop->Run(); }));
    }
  };
  start(executor->shards_, "shard", shards, true);
  start(executor->background_, "bg", background, false);
  return executor;
}

RealExecutor::~RealExecutor() {
  // The pool first: what it completes is delivered to loops that still run.
  blocking_->Stop();
  for (auto& loop : shards_) loop->RequestStop();
  for (auto& loop : background_) loop->RequestStop();
  for (std::thread& thread : threads_) thread.join();
}

Loop& RealExecutor::shard(int index) {
  THOLOS_CHECK(index >= 0 && index < shard_count()) << "shard " << index;
  return *shards_[index];
}

Loop& RealExecutor::background() {
  const uint32_t turn = next_background_.fetch_add(1, std::memory_order_relaxed);
  return *background_[turn % background_.size()];
}

int RealExecutor::current_shard() const {
  const RealLoop* current = RealLoop::CurrentOrNull();
  return current != nullptr && current->executor() == this ? current->shard() : -1;
}

}  // namespace tholos::base
