// SPDX-License-Identifier: Apache-2.0
// The families about the process itself that every client library of Prometheus has ("Writing
// client libraries", Process metrics). Any thread.
#pragma once

#include "csi/prometheus_text.h"

namespace downwardfs {

/// Figures that /proc/self does not tell are left out.
void AddProcessMetrics(PrometheusText& out);

}  // namespace downwardfs
