#include "base/real/threads.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>

#include <utility>

namespace tholos::base {

std::thread StartThread(std::string name, absl::AnyInvocable<void()> body) {
  name.resize(std::min<size_t>(name.size(), 15));
  // A new thread inherits the mask, so no signal finds it with an open one.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([name = std::move(name), body = std::move(body)]() mutable {
    pthread_setname_np(pthread_self(), name.c_str());
    body();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace tholos::base
