// SPDX-License-Identifier: Apache-2.0
#include "csi/process_metrics.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace downwardfs {
namespace {

using Type = PrometheusText::Type;

// Fields of /proc/self/stat by their numbers in proc(5), after the name, which may have anything in
// it.
class Stat {
 public:
  Stat() {
    std::ifstream file("/proc/self/stat");
    const std::string line((std::istreambuf_iterator<char>(file)), {});
    const auto name_end = line.rfind(')');
    if (name_end == std::string::npos) return;
    std::istringstream words(line.substr(name_end + 1));
    fields_.assign(std::istream_iterator<std::string>(words), {});
  }
  bool known() const { return fields_.size() > 21; }
  double at(std::size_t number) const { return std::strtod(fields_[number - 3].c_str(), nullptr); }

 private:
  std::vector<std::string> fields_;
};

double SecondsSince1970AtBoot() {
  timespec wall = {};
  timespec up = {};
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_BOOTTIME, &up);
  return static_cast<double>(wall.tv_sec - up.tv_sec) +
         static_cast<double>(wall.tv_nsec - up.tv_nsec) / 1e9;
}

void AddDescriptors(PrometheusText& out) {
  std::error_code error;
  std::filesystem::directory_iterator open("/proc/self/fd", error);
  if (!error) {
    out.Family("process_open_fds", Type::kGauge, "Open file descriptors.",
               std::distance(begin(open), end(open)) - 1);  // that of the listing
  }
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.Family("process_max_fds", Type::kGauge, "Most open file descriptors.", limit.rlim_cur);
  }
}

}  // namespace

void AddProcessMetrics(PrometheusText& out) {
  const Stat stat;
  if (stat.known()) {
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    out.Family("process_cpu_seconds_total", Type::kCounter, "User and system time.",
               (stat.at(14) + stat.at(15)) / ticks);
    out.Family("process_start_time_seconds", Type::kGauge, "Start, since 1970.",
               SecondsSince1970AtBoot() + stat.at(22) / ticks);
    out.Family("process_virtual_memory_bytes", Type::kGauge, "Address space.", stat.at(23));
    out.Family("process_resident_memory_bytes", Type::kGauge, "Memory that is there.",
               stat.at(24) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  AddDescriptors(out);
}

}  // namespace downwardfs
