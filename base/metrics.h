// Metrics: named counters, gauges and histograms with labels, rendered as Prometheus text.
//
// A node owns one registry and injects it. A component registers its instruments when it is built
// and keeps the references; they live as long as the registry and are bumped with one relaxed
// atomic instruction. Instruments that several shards bump often should carry a `shard` label, so
// that each shard has its own cache line.
//
// Names follow Prometheus: tholos_<part>_<what>_<unit>, counters end in _total. Registering the
// same name and labels again returns the same instrument; another kind or other label names under
// one name is a programming error. A name has at most kSeriesPerNameMax label sets: further ones
// share one series whose label values are all "other", so that no input can grow the registry
// without bound.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "base/mutex.h"

namespace tholos::base {

class alignas(64) Counter {
 public:
  void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

class alignas(64) Gauge {
 public:
  void Set(int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void Add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_ = 0;
};

// Counts observations in buckets; bucket i holds those <= bounds[i] and above bounds[i - 1], the
// last one those above all bounds.
class alignas(64) Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void Observe(double v);
  uint64_t count() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }
  uint64_t bucket(size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }
  const std::vector<double>& bounds() const { return bounds_; }

  // `count` bounds from `first` on, each `factor` times the one before.
  static std::vector<double> ExponentialBounds(double first, double factor, int count);
  // 20 bounds for latencies in seconds: 10 us, 20 us, ... 5.2 s.
  static std::vector<double> LatencySecondsBounds() { return ExponentialBounds(1e-5, 2, 20); }

 private:
  const std::vector<double> bounds_;
  const std::unique_ptr<std::atomic<uint64_t>[]> buckets_;
  std::atomic<double> sum_ = 0;
};

// Thread-safe.
class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;
  static constexpr size_t kSeriesPerNameMax = 1000;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // `help` is one line.
  Counter& AddCounter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& AddGauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram& AddHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                          Labels labels = {});

  // Prometheus text exposition format 0.0.4, sorted by name and labels.
  std::string RenderText() const;

 private:
  enum class Kind { kCounter, kGauge, kHistogram };
  struct Series;
  struct Family;
  static std::string_view KindName(Kind kind);
  static void RenderSeries(std::string* out, const std::string& name, const Series& series);
  Series& FindOrAdd(Kind kind, std::string_view name, std::string_view help, Labels labels,
                    std::vector<double> bounds);

  mutable Mutex mutex_;
  absl::btree_map<std::string, std::unique_ptr<Family>> families_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tholos::base
