#include "cli/interrupt.h"

#include <signal.h>

namespace tholos::cli {
namespace {

volatile sig_atomic_t interrupted = 0;

void Note(int) { interrupted = 1; }

}  // namespace

void CatchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = Note;
  sigaction(SIGINT, &action, nullptr);
}

bool Interrupted() { return interrupted != 0; }

void ClearInterrupt() { interrupted = 0; }

}  // namespace tholos::cli
