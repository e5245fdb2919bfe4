// RunNow: Scope::Spawn for callbacks, without the ready queue. The task runs at once up to where it
// first waits; one that waits for nothing has ended when this returns, and the frames of the next
// one are those that it has just left.
#pragma once

#include "base/async/scope.h"
#include "base/async/task.h"

namespace tholos::base {

// The task is inside `gate` until it ends. False, and the task is dropped unstarted, if the gate is
// closed. From plain functions on the current loop only: a coroutine would run it on its own stack.
bool RunNow(Gate& gate, Task<void> task);

}  // namespace tholos::base
