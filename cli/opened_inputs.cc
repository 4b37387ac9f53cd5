// SPDX-License-Identifier: Apache-2.0
#include "cli/opened_inputs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/mutex.h"
#include "base/owned_fd.h"
#include "mount-helper/input_opener.h"

namespace downwardfs {
namespace {

// One question at a time.
class Openers {
 public:
  explicit Openers(std::vector<OwnedFd> connections) : connections_(std::move(connections)) {}

  std::optional<OwnedFd> Open(const std::string& path) {
    const MutexLock lock(mutex_);
    for (const OwnedFd& connection : connections_) {
      if (auto file = AskInputOpener(connection.get(), ++serial_, path)) return file;
    }
    return std::nullopt;
  }

 private:
  const std::vector<OwnedFd> connections_;
  Mutex mutex_;
  std::uint64_t serial_ GUARDED_BY(mutex_) = 0;
};

}  // namespace

void UseInputOpeners() {
  const char* const list = std::getenv(kOpenersVariable);  // NOLINT(concurrency-mt-unsafe)
  if (list == nullptr) return;
  std::vector<OwnedFd> connections;
  for (const char* at = list; *at >= '0' && *at <= '9';) {
    char* end = nullptr;
    OwnedFd connection(static_cast<int>(std::strtol(at, &end, 10)));
    at = *end == ',' ? end + 1 : end;
    fcntl(connection.get(), F_SETFD, FD_CLOEXEC);
    connections.push_back(std::move(connection));
  }
  unsetenv(kOpenersVariable);  // NOLINT(concurrency-mt-unsafe)
  SetFileOpener([openers = std::make_shared<Openers>(std::move(connections))](
                    const std::string& path) { return openers->Open(path); });
}

}  // namespace downwardfs
