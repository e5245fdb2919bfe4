#include "base/async/run_now.h"

#include <utility>

namespace tholos::base {
namespace {

RunningNow Run(Task<void> task, [[maybe_unused]] Gate::Holder holder) {
  co_await std::move(task);
  // The task's frame goes before the gate opens: whoever waits may free what the frame refers to.
  {
    Task<void> ended = std::move(task);
  }
}

}  // namespace

bool RunNow(Gate& gate, Task<void> task) {
  Gate::Holder holder = gate.Enter();
  if (!holder) return false;
  Run(std::move(task), std::move(holder));
  return true;
}

}  // namespace tholos::base
