// The figures of hinted handoff.
#pragma once

#include "base/metrics.h"

namespace tholos::coordinator {

struct HintMetrics {
  explicit HintMetrics(base::Metrics& metrics)
      : written(metrics.AddCounter("tholos_hints_written_total", "Hints that are durable")),
        delivered(metrics.AddCounter("tholos_hints_delivered_total",
                                     "Hints that their node has applied")),
        dropped_full(Dropped(metrics, "full")),
        dropped_old(Dropped(metrics, "old")),
        dropped_corrupt(Dropped(metrics, "corrupt")),
        dropped_refused(Dropped(metrics, "refused")),
        dropped_truncated(Dropped(metrics, "truncated")),
        dropped_error(Dropped(metrics, "error")),
        dropped_removed(Dropped(metrics, "removed")),
        bytes(metrics.AddGauge("tholos_hints_bytes", "Hints on disk")) {}

  base::Counter& written;
  base::Counter& delivered;
  base::Counter& dropped_full;       // a bound was reached
  base::Counter& dropped_old;        // or a whole file of them: counted once
  base::Counter& dropped_corrupt;    // did not verify; torn tails too
  base::Counter& dropped_refused;    // nobody can apply it: its table was dropped, or its node says
                                     // that it is malformed
  base::Counter& dropped_truncated;  // its table was emptied since
  base::Counter& dropped_error;      // the disk failed
  base::Counter& dropped_removed;    // a whole file, of a node that has left: counted once
  base::Gauge& bytes;

 private:
  static base::Counter& Dropped(base::Metrics& metrics, std::string_view reason) {
    return metrics.AddCounter("tholos_hints_dropped_total", "Hints that will not be delivered",
                              {{"reason", std::string(reason)}});
  }
};

}  // namespace tholos::coordinator
