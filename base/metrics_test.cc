#include "base/metrics.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace tholos::base {
namespace {

TEST(Metrics, RendersPrometheusText) {
  Metrics metrics;
  metrics.AddCounter("tholos_writes_total", "Writes.", {{"shard", "1"}}).Add(3);
  metrics.AddCounter("tholos_writes_total", "Writes.", {{"shard", "0"}}).Add();
  metrics.AddGauge("tholos_depth", "Queue \\ depth.").Set(-5);
  Histogram& h = metrics.AddHistogram("tholos_bytes", "Sizes.", {1, 10}, {{"t", "a\"b\n"}});
  h.Observe(1);
  h.Observe(2.5);
  h.Observe(100);
  EXPECT_EQ(metrics.RenderText(),
            "# HELP tholos_bytes Sizes.\n"
            "# TYPE tholos_bytes histogram\n"
            "tholos_bytes_bucket{t=\"a\\\"b\\n\",le=\"1\"} 1\n"
            "tholos_bytes_bucket{t=\"a\\\"b\\n\",le=\"10\"} 2\n"
            "tholos_bytes_bucket{t=\"a\\\"b\\n\",le=\"+Inf\"} 3\n"
            "tholos_bytes_sum{t=\"a\\\"b\\n\"} 103.5\n"
            "tholos_bytes_count{t=\"a\\\"b\\n\"} 3\n"
            "# HELP tholos_depth Queue \\\\ depth.\n"
            "# TYPE tholos_depth gauge\n"
            "tholos_depth -5\n"
            "# HELP tholos_writes_total Writes.\n"
            "# TYPE tholos_writes_total counter\n"
            "tholos_writes_total{shard=\"0\"} 1\n"
            "tholos_writes_total{shard=\"1\"} 3\n");
  EXPECT_EQ(h.count(), 3u);
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameInstrument) {
  Metrics metrics;
  Counter& a = metrics.AddCounter("c_total", "", {{"x", "1"}, {"y", "2"}});
  EXPECT_EQ(&a, &metrics.AddCounter("c_total", "", {{"y", "2"}, {"x", "1"}}));
  EXPECT_NE(&a, &metrics.AddCounter("c_total", "", {{"x", "1"}, {"y", "3"}}));
}

TEST(Metrics, LabelSetsAreBounded) {
  Metrics metrics;
  for (size_t i = 0; i < Metrics::kSeriesPerNameMax; ++i) {
    metrics.AddCounter("c_total", "", {{"table", absl::StrCat(i)}});
  }
  Counter& other = metrics.AddCounter("c_total", "", {{"table", "one too many"}});
  EXPECT_EQ(&other, &metrics.AddCounter("c_total", "", {{"table", "and another"}}));
  other.Add(9);
  EXPECT_NE(metrics.RenderText().find("c_total{table=\"other\"} 9"), std::string::npos);
}

TEST(MetricsDeathTest, AnotherKindOrOtherLabelsUnderOneNameIsABug) {
  Metrics metrics;
  metrics.AddCounter("c_total", "", {{"x", "1"}});
  EXPECT_DEATH(metrics.AddGauge("c_total", "", {{"x", "1"}}), "is a counter");
  EXPECT_DEATH(metrics.AddCounter("c_total", "", {{"y", "1"}}), "other labels");
  EXPECT_DEATH(metrics.AddCounter("0bad", ""), "metric name");
}

}  // namespace
}  // namespace tholos::base
