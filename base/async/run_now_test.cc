#include "base/async/run_now.h"

#include <utility>

#include "base/async/event.h"
#include "base/sim/test_world.h"
#include "gtest/gtest.h"

namespace tholos::base {
namespace {

Task<void> CountAfter(Event* event, int* ended) {
  if (event != nullptr) co_await event->Wait();
  ++*ended;
}

TEST(RunNow, RunsUpToTheFirstWait) {
  sim::RunTask([]() -> Task<void> {
    Gate gate;
    Event go;
    Event posted;
    int ended = 0;
    Loop::Current().Post([&] {
      EXPECT_TRUE(RunNow(gate, CountAfter(nullptr, &ended)));
      EXPECT_EQ(ended, 1);
      EXPECT_EQ(gate.inside(), 0);
      EXPECT_TRUE(RunNow(gate, CountAfter(&go, &ended)));
      EXPECT_EQ(ended, 1);
      EXPECT_EQ(gate.inside(), 1);
      posted.Set();
    });
    co_await posted.Wait();
    go.Set();
    co_await gate.Close();
    EXPECT_EQ(ended, 2);
    Event refused;
    Loop::Current().Post([&] {
      EXPECT_FALSE(RunNow(gate, CountAfter(nullptr, &ended)));
      refused.Set();
    });
    co_await refused.Wait();
    EXPECT_EQ(ended, 2);
  });
}

// Tells when it goes.
struct Parting {
  explicit Parting(int* gone) : gone(gone) {}
  Parting(Parting&& o) noexcept : gone(std::exchange(o.gone, nullptr)) {}
  ~Parting() {
    if (gone != nullptr) ++*gone;
  }
  int* gone;
};

RunningNow WaitFor(Gate::Holder, Event* event, Parting) { co_await event->Wait(); }

TEST(RunNow, ACoroutineOfItsOwnKeepsItsGateUntilItsFrameHasGone) {
  sim::RunTask([]() -> Task<void> {
    Gate gate;
    Event go;
    Event posted;
    int gone = 0;
    Loop::Current().Post([&] {
      WaitFor(gate.Enter(), &go, Parting(&gone));
      EXPECT_EQ(gate.inside(), 1);
      posted.Set();
    });
    co_await posted.Wait();
    EXPECT_EQ(gone, 0);
    go.Set();
    co_await gate.Close();
    EXPECT_EQ(gone, 1);
  });
}

TEST(Gate, WhoIsInsideLetsOthersInAfterItWasClosed) {
  sim::RunTask([]() -> Task<void> {
    Scope scope;
    Gate::Holder inside = scope.Enter();
    Scope closing;
    int ended = 0;
    bool closed = false;
    closing.Spawn([](Scope* scope, bool* closed) -> Task<void> {
      co_await scope->Stop();
      *closed = true;
    }(&scope, &closed));
    while (!scope.stopped()) co_await Yield();
    EXPECT_FALSE(static_cast<bool>(scope.Enter()));
    Event go;
    Scope::Spawn(CountAfter(&go, &ended), inside.Another());
    {
      const Gate::Holder left = std::move(inside);
    }
    for (int i = 0; i < 100; ++i) co_await Yield();
    EXPECT_FALSE(closed);
    go.Set();
    co_await closing.Stop();
    EXPECT_EQ(ended, 1);
    EXPECT_TRUE(closed);
  });
}

}  // namespace
}  // namespace tholos::base
