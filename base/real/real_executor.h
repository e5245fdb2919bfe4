// The executor on real threads: one loop a shard, a few loops for background work, and a pool for
// blocking system calls.
//
//   auto executor = RealExecutor::Start({}, clock);
//   BlockOn(executor->shard(0), node.Start());
//
// Threads are named shard-N, bg-N and io-N. Destroying the executor lets the loops finish the work
// that is ready and then joins them; a detached task (Scope, SpawnDetached) that still waits for
// something by then is a bug and aborts the process.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/real/blocking_pool.h"
#include "base/real/real_loop.h"

namespace tholos::base {

struct RealExecutorOptions {
  int shards = 0;      // 0: one a core
  int background = 0;  // 0: half as many as cores, at least one
  // Threads for blocking calls. Most are metadata of files; without io_uring they are all file
  // operations.
  int blocking_threads_max = 8;
  // False, or the environment variable THOLOS_NO_IO_URING: files go through the blocking threads.
  bool use_io_uring = true;
};

class RealExecutor final : public Executor {
 public:
  static std::unique_ptr<RealExecutor> Start(const RealExecutorOptions& options,
                                             const Clock& clock);
  ~RealExecutor() override;

  int shard_count() const override { return static_cast<int>(shards_.size()); }
  Loop& shard(int index) override;
  Loop& background() override;
  int current_shard() const override;

  int background_count() const { return static_cast<int>(background_.size()); }
  BlockingPool& blocking() { return *blocking_; }
  std::shared_ptr<BlockingPool> shared_blocking() { return blocking_; }

 private:
  RealExecutor() = default;
  std::vector<std::unique_ptr<RealLoop>> shards_;
  std::vector<std::unique_ptr<RealLoop>> background_;
  std::atomic<uint32_t> next_background_ = 0;
  std::shared_ptr<BlockingPool> blocking_;
  std::vector<std::thread> threads_;
};

}  // namespace tholos::base
