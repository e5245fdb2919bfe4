#include "cli/latency.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace tholos::cli {
namespace {

TEST(LatencyHistogram, QuantilesAreWithinABucketOfTheTruth) {
  std::mt19937_64 random(7);
  LatencyHistogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 20000; ++i) {
    const auto value =
        static_cast<int64_t>(std::exp2(std::uniform_real_distribution<>(0, 30)(random)));
    values.push_back(value);
    histogram.Record(absl::Microseconds(value));
  }
  std::sort(values.begin(), values.end());
  for (double q : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const double truth = static_cast<double>(values[static_cast<size_t>(q * (values.size() - 1))]);
    const double got = absl::ToDoubleMicroseconds(histogram.Quantile(q));
    EXPECT_GE(got, truth) << q;
    EXPECT_LE(got, truth * (1 + 1.0 / 32) + 1) << q;
  }
  EXPECT_EQ(histogram.count(), values.size());
}

TEST(LatencyHistogram, ExtremesStayInRange) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.Quantile(0.5), absl::ZeroDuration());
  histogram.Record(-absl::Seconds(1));
  histogram.Record(absl::Hours(100000));
  EXPECT_EQ(histogram.Quantile(0), absl::ZeroDuration());
  EXPECT_EQ(histogram.count(), 2u);
}

}  // namespace
}  // namespace tholos::cli
