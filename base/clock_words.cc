#include "base/clock_words.h"

#include "base/strings.h"

namespace tholos::base {

std::string AheadOfClusters(absl::Duration ahead) {
  const absl::Duration shown = absl::Trunc(absl::AbsDuration(ahead), absl::Milliseconds(1));
  return StrCat(absl::FormatDuration(shown), ahead < absl::ZeroDuration() ? " behind" : " ahead of",
                " the cluster's");
}

}  // namespace tholos::base
