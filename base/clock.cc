#include "base/clock.h"

#include "base/async/event.h"

namespace tholos::base {

Task<void> SleepUntil(MonotonicTime when) {
  Event never;
  co_await never.WaitUntil(when);
}

Task<void> SleepFor(absl::Duration span) {
  return SleepUntil(Loop::Current().clock().Now() + span);
}

}  // namespace tholos::base
