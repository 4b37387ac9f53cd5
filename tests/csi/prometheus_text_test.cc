// SPDX-License-Identifier: Apache-2.0
// PrometheusText: the lines that Prometheus reads.
#include "csi/prometheus_text.h"

#include <gtest/gtest.h>

namespace downwardfs {
namespace {

using Type = PrometheusText::Type;
using std::chrono::milliseconds;

TEST(PrometheusTextTest, AFamilyHasItsHeadAndASampleForEachSetOfLabels) {
  PrometheusText out;
  out.Family("volumes", Type::kGauge, "Volumes.");
  out.Sample({{"state", "current"}, {"layout", "live"}}, 3);
  out.Sample({{"state", "lost"}}, 0);
  out.Family("calls_total", Type::kCounter, "Calls.", 12345678901);
  EXPECT_EQ(out.text(),
            "# HELP volumes Volumes.\n"
            "# TYPE volumes gauge\n"
            "volumes{layout=\"live\",state=\"current\"} 3\n"
            "volumes{state=\"lost\"} 0\n"
            "# HELP calls_total Calls.\n"
            "# TYPE calls_total counter\n"
            "calls_total 12345678901\n");
}

TEST(PrometheusTextTest, ALabelMayHoldAnything) {
  PrometheusText out;
  out.Family("x", Type::kGauge, "X.");
  out.Sample({{"name", "a\"b\\c\nd"}}, 0.25);
  EXPECT_NE(out.text().find("x{name=\"a\\\"b\\\\c\\nd\"} 0.25\n"), std::string::npos) << out.text();
}

TEST(PrometheusTextTest, ABucketCountsAllThatTookNoLonger) {
  DurationHistogram took;
  took.Add(milliseconds(1));  // a bound belongs to its bucket
  took.Add(milliseconds(3));
  took.Add(milliseconds(250));
  took.Add(std::chrono::seconds(60));
  PrometheusText out;
  out.Family("took_seconds", Type::kHistogram, "Time.");
  out.Sample({{"method", "m"}}, took.Take());
  const auto has = [&](const std::string& line) {
    EXPECT_NE(out.text().find(line + "\n"), std::string::npos) << line << "\n" << out.text();
  };
  has("took_seconds_bucket{le=\"0.001\",method=\"m\"} 1");
  has("took_seconds_bucket{le=\"0.0025\",method=\"m\"} 1");
  has("took_seconds_bucket{le=\"0.005\",method=\"m\"} 2");
  has("took_seconds_bucket{le=\"0.25\",method=\"m\"} 3");
  has("took_seconds_bucket{le=\"10\",method=\"m\"} 3");
  has("took_seconds_bucket{le=\"+Inf\",method=\"m\"} 4");
  has("took_seconds_sum{method=\"m\"} 60.254");
  has("took_seconds_count{method=\"m\"} 4");
}

}  // namespace
}  // namespace downwardfs
