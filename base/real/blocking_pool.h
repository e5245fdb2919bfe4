// BlockingPool: threads for system calls that may block and that io_uring does not do (open,
// rename, directory sync), or all of them where it is refused.
//
//   int result = co_await pool.Run([&] { return ::rename(from.c_str(), to.c_str()) == 0 ? 0 :
//   -errno; });
//
// The calling task resumes on its own loop. At most `threads_max` calls run at a time, the others
// wait in a list threaded through their own frames, first come first served; its length is bounded
// by the requests that were admitted.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/async/loop.h"

namespace tholos::base {

// Thread-safe.
class BlockingPool {
 public:
  explicit BlockingPool(int threads_max) : threads_max_(threads_max) {}
  ~BlockingPool() { Stop(); }

  template <typename F>
  [[nodiscard]] auto Run(F function) {
    return Awaiter<F>(*this, std::move(function));
  }
  // Runs `function` without anyone to wait for it; at once on this thread if the pool was stopped.
  void RunDetached(absl::AnyInvocable<void()> function);

  // Finishes what was submitted and ends the threads. Nothing may be awaited on it afterwards.
  void Stop();

  size_t depth() const;

 private:
  class Call {
   public:
    virtual ~Call() = default;
    // On a thread of the pool; may destroy the call.
    virtual void Execute() = 0;
    Call* next = nullptr;
  };

  template <typename F>
  class Awaiter final : public Call {
   public:
    using Result = std::invoke_result_t<F>;
    Awaiter(BlockingPool& pool, F function) : pool_(pool), function_(std::move(function)) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      home_ = &Loop::Current();
      handle_ = handle;
      pool_.Submit(this);
    }
    Result await_resume() { return *std::move(result_); }
    void Execute() override {
      result_.emplace(function_());
      home_->PostResume(handle_);
    }

   private:
    BlockingPool& pool_;
    F function_;
    std::optional<Result> result_;
    Loop* home_ = nullptr;
    std::coroutine_handle<> handle_;
  };

  struct DetachedCall;
  void Submit(Call* call);
  bool TrySubmit(Call* call);
  void ThreadMain();

  const int threads_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Call* first_ = nullptr;
  Call* last_ = nullptr;
  size_t depth_ = 0;
  int idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tholos::base
