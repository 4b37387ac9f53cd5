// SPDX-License-Identifier: Apache-2.0
#include "fs/volume/data_dir_name.h"

#include <sys/random.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <utility>

#include "base/text.h"

namespace downwardfs {
namespace {

constexpr std::uint32_t kSmallestNineDigits = 100'000'000;

std::uint32_t KernelRandom() {
  std::uint32_t value = 0;
  for (;;) {
    if (getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value)) return value;
    if (errno == EINTR) continue;
    // A sandbox without getrandom(2). The digits only tell two names of one second apart.
    return static_cast<std::uint32_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
}

}  // namespace

DataDirNamer::DataDirNamer(const Clock& clock, Random random)
    : clock_(clock), random_(random ? std::move(random) : KernelRandom) {}

std::string DataDirNamer::Next() {
  const std::time_t now = std::chrono::system_clock::to_time_t(clock_.Wall());
  std::tm utc = {};
  gmtime_r(&now, &utc);
  char stamp[64];
  const std::size_t n = std::strftime(stamp, sizeof stamp, "..%Y_%m_%d_%H_%M_%S.", &utc);

  std::uint32_t digits = random_();
  if (digits < kSmallestNineDigits) digits += kSmallestNineDigits;
  std::string name = std::string(stamp, n) + std::to_string(digits);
  // Next to the previous number is as good as random here, and no random source can make us spin.
  if (name == previous_) {
    digits = digits == UINT32_MAX ? kSmallestNineDigits : digits + 1;
    name = std::string(stamp, n) + std::to_string(digits);
  }
  previous_ = name;
  return name;
}

bool IsDataDirName(std::string_view name) {
  constexpr std::string_view kForm = "..dddd_dd_dd_dd_dd_dd.";
  if (name.size() <= kForm.size() || name.size() > kForm.size() + 10) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char want = i < kForm.size() ? kForm[i] : 'd';
    if (want == 'd' ? !IsDigit(name[i]) : name[i] != want) return false;
  }
  return true;
}

}  // namespace downwardfs
