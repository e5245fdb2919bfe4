// Future<T>: an answer that is on its way. One of three ways takes it, once:
//
//   T answer = std::move(future).Get();                     blocks this thread
//   std::move(future).Then([](T answer) { ... });           calls back
//   T answer = co_await std::move(future);                  in any C++20 coroutine
//
// Then calls on the thread that brings the answer (one of gRPC's), or at once if it is there: what
// is called must not block, for it holds up other answers. co_await continues on the base::Loop it
// was awaited on; in a coroutine that runs on no loop, on the thread that brings the answer. Get is
// not for a loop's thread, a callback or such a coroutine: it would wait for itself.
//
// A future that is dropped loses its answer; what it stands for goes on.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "base/async/loop.h"
#include "base/check.h"

namespace tholos::client {

template <typename T>
class Future;

// The other end. Movable; Set is called once, from any thread.
template <typename T>
class Promise {
 public:
  Promise() : state_(std::make_shared<typename Future<T>::State>()) {}
  Future<T> future() const { return Future<T>(state_); }
  void Set(T value) const { state_->Set(std::move(value)); }

 private:
  std::shared_ptr<typename Future<T>::State> state_;
};

template <typename T>
class [[nodiscard]] Future {
 public:
  using Callback = absl::AnyInvocable<void(T)>;

  // With a value that is there already.
  static Future Ready(T value) {
    Promise<T> promise;
    promise.Set(std::move(value));
    return promise.future();
  }

  bool ready() const {
    std::lock_guard lock(state_->mutex);
    return state_->value.has_value();
  }

  T Get() && {
    THOLOS_CHECK(base::Loop::CurrentOrNull() == nullptr) << "Get() would block a loop";
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->value.has_value(); });
    return *std::move(state_->value);
  }

  void Then(Callback callback) && { state_->Then(std::move(callback)); }

  auto operator co_await() && {
    struct Awaiter {
      std::shared_ptr<State> state;
      std::optional<T> value;
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<> handle) {
        base::Loop* const loop = base::Loop::CurrentOrNull();
        state->Then([this, handle, loop](T answer) {
          value.emplace(std::move(answer));
          loop == nullptr ? handle.resume() : loop->PostResume(handle);
        });
      }
      T await_resume() { return *std::move(value); }
    };
    return Awaiter{state_, std::nullopt};
  }

 private:
  friend class Promise<T>;
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<T> value;
    Callback callback;

    void Set(T answer) {
      Callback call;
      {
        std::lock_guard lock(mutex);
        if (!callback) {
          value.emplace(std::move(answer));
          changed.notify_all();
          return;
        }
        call = std::exchange(callback, nullptr);
      }
      call(std::move(answer));
    }

    void Then(Callback then) {
      {
        std::lock_guard lock(mutex);
        if (!value.has_value()) {
          callback = std::move(then);
          return;
        }
      }
      then(*std::move(value));
    }
  };
  explicit Future(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace tholos::client
