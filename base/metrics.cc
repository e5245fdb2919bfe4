#include "base/metrics.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "base/check.h"
#include "base/strings.h"

namespace tholos::base {
namespace {

bool IsValidName(std::string_view name) {
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) return false;
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

// {a="x",b="y"} or nothing; `extra` is one more label, already rendered.
std::string RenderLabels(const Metrics::Labels& labels, std::string_view extra = "") {
  if (labels.empty() && extra.empty()) return "";
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    StrAppend(&out, out.size() > 1 ? "," : "", name, "=\"",
              absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}), "\"");
  }
  StrAppend(&out, !extra.empty() && out.size() > 1 ? "," : "", extra, "}");
  return out;
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), buckets_(new std::atomic<uint64_t>[bounds_.size() + 1]()) {
  THOLOS_CHECK(std::is_sorted(bounds_.begin(), bounds_.end())) << "histogram bounds must ascend";
}

void Histogram::Observe(double v) {
  const size_t i = std::lower_bound(bounds_.begin(), bounds_.end(), v) - bounds_.begin();
  buckets_[i].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(v, std::memory_order_relaxed);
}

uint64_t Histogram::count() const {
  uint64_t total = 0;
  for (size_t i = 0; i <= bounds_.size(); ++i) total += bucket(i);
  return total;
}

std::vector<double> Histogram::ExponentialBounds(double first, double factor, int count) {
  std::vector<double> bounds;
  for (double bound = first; static_cast<int>(bounds.size()) < count; bound *= factor) {
    bounds.push_back(bound);
  }
  return bounds;
}

struct Metrics::Series {
  Labels labels;
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
  std::unique_ptr<Histogram> histogram;
};

struct Metrics::Family {
  Kind kind;
  std::string help;
  absl::btree_map<Labels, std::unique_ptr<Series>> series;
};

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

std::string_view Metrics::KindName(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kGauge:
      return "gauge";
    case Kind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

Metrics::Series& Metrics::FindOrAdd(Kind kind, std::string_view name, std::string_view help,
                                    Labels labels, std::vector<double> bounds) {
  THOLOS_CHECK(IsValidName(name)) << "metric name " << name;
  for (const auto& label : labels) {
    THOLOS_CHECK(IsValidName(label.first)) << "label of " << name << ": " << label.first;
  }
  std::sort(labels.begin(), labels.end());
  MutexLock lock(&mutex_);
  auto& family = families_[std::string(name)];
  if (family == nullptr) family.reset(new Family{kind, std::string(help), {}});
  THOLOS_CHECK(family->kind == kind) << name << " is a " << KindName(family->kind);
  if (!family->series.empty()) {
    const Labels& known = family->series.begin()->first;
    THOLOS_CHECK(std::equal(known.begin(), known.end(), labels.begin(), labels.end(),
                            [](const auto& a, const auto& b) { return a.first == b.first; }))
        << name << " has other labels";
  }
  if (family->series.size() >= kSeriesPerNameMax && !family->series.contains(labels)) {
    for (auto& label : labels) label.second = "other";
  }
  auto& series = family->series[labels];
  if (series != nullptr) return *series;
  series = std::make_unique<Series>();
  series->labels = std::move(labels);
  switch (kind) {
    case Kind::kCounter:
      series->counter = std::make_unique<Counter>();
      break;
    case Kind::kGauge:
      series->gauge = std::make_unique<Gauge>();
      break;
    case Kind::kHistogram:
      series->histogram = std::make_unique<Histogram>(std::move(bounds));
      break;
  }
  return *series;
}

Counter& Metrics::AddCounter(std::string_view name, std::string_view help, Labels labels) {
  return *FindOrAdd(Kind::kCounter, name, help, std::move(labels), {}).counter;
}

Gauge& Metrics::AddGauge(std::string_view name, std::string_view help, Labels labels) {
  return *FindOrAdd(Kind::kGauge, name, help, std::move(labels), {}).gauge;
}

Histogram& Metrics::AddHistogram(std::string_view name, std::string_view help,
                                 std::vector<double> bounds, Labels labels) {
  return *FindOrAdd(Kind::kHistogram, name, help, std::move(labels), std::move(bounds)).histogram;
}

void Metrics::RenderSeries(std::string* out, const std::string& name, const Series& series) {
  const std::string labels = RenderLabels(series.labels);
  if (series.counter != nullptr) {
    StrAppend(out, name, labels, " ", series.counter->value(), "\n");
    return;
  }
  if (series.gauge != nullptr) {
    StrAppend(out, name, labels, " ", series.gauge->value(), "\n");
    return;
  }
  const Histogram& histogram = *series.histogram;
  uint64_t total = 0;
  for (size_t i = 0; i <= histogram.bounds().size(); ++i) {
    total += histogram.bucket(i);
    const std::string bound =
        i < histogram.bounds().size() ? StrCat(histogram.bounds()[i]) : "+Inf";
    StrAppend(out, name, "_bucket", RenderLabels(series.labels, StrCat("le=\"", bound, "\"")), " ",
              total, "\n");
  }
  StrAppend(out, name, "_sum", labels, " ", histogram.sum(), "\n");
  StrAppend(out, name, "_count", labels, " ", total, "\n");
}

std::string Metrics::RenderText() const {
  std::string out;
  MutexLock lock(&mutex_);
  for (const auto& [name, family] : families_) {
    StrAppend(&out, "# HELP ", name, " ",
              absl::StrReplaceAll(family->help, {{"\\", "\\\\"}, {"\n", "\\n"}}), "\n");
    StrAppend(&out, "# TYPE ", name, " ", KindName(family->kind), "\n");
    for (const auto& [labels, series] : family->series) RenderSeries(&out, name, *series);
  }
  return out;
}

}  // namespace tholos::base
