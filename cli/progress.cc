#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/table.h"

namespace tholos::cli {

ProgressBar::ProgressBar(uint64_t total_bytes)
    : terminal_(isatty(STDERR_FILENO) == 1), total_bytes_(total_bytes), started_(absl::Now()) {}

void ProgressBar::Update(uint64_t bytes, uint64_t rows) {
  const absl::Time now = absl::Now();
  if (!terminal_ || now - drawn_ < absl::Milliseconds(100)) return;
  drawn_ = now;
  constexpr int kWidth = 30;
  const double share =
      total_bytes_ == 0
          ? 1
          : std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total_bytes_));
  const double seconds = absl::ToDoubleSeconds(now - started_);
  const int filled = static_cast<int>(share * kWidth);
  const std::string bar = std::string(filled, '=') + (filled < kWidth ? ">" : "") +
                          std::string(std::max(0, kWidth - filled - 1), ' ');
  absl::FPrintF(stderr, "\r[%s] %3.0f%%  %s rows  %s rows/s  ETA %.0f s\x1b[K", bar, share * 100,
                FormatCount(rows),
                FormatCount(static_cast<uint64_t>(rows / std::max(seconds, 0.001))),
                share > 0 ? seconds * (1 - share) / share : 0.0);
  std::fflush(stderr);
}

void ProgressBar::Clear() {
  if (terminal_) std::fputs("\r\x1b[K", stderr);
}

}  // namespace tholos::cli
