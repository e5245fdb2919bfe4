// Ctrl-C, as a flag that long work looks at.
#pragma once

namespace tholos::cli {

// From now on Ctrl-C sets the flag and does nothing else.
void CatchInterrupts();
bool Interrupted();
void ClearInterrupt();

}  // namespace tholos::cli
