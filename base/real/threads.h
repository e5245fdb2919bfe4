// How the threads of this process are started.
#pragma once

#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"

namespace tholos::base {

// A thread named `name` (cut to 15 bytes) that no signal is delivered to: signals are main()'s.
std::thread StartThread(std::string name, absl::AnyInvocable<void()> body);

}  // namespace tholos::base
