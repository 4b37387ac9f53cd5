// SPDX-License-Identifier: Apache-2.0
//
// How much the volumes of a pod, and of the node, may show together. The content of a volume is in
// memory several times: as it is read, in the handover memory, there as old versions too. So the
// sum bounds the memory of the daemon whatever pods ask for (docs/csi.md, Limits).
//
// A volume weighs its bytes and kPerFile for each file. Each has kOwn that nobody can take from it,
// so that large volumes of one pod do not keep out the small ones of others. Any thread;
// the budget outlives its shares, and each share has one user at a time.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "base/mutex.h"
#include "base/result.h"

namespace downwardfs {

class ContentBudget {
 public:
  static constexpr std::size_t kPerFile = 1024;  // path, source, entries of the tree, records
  static constexpr std::size_t kOwn = std::size_t{16} << 10;
  struct Limits {
    std::size_t pod = std::size_t{8} << 20;    ///< all volumes of a pod
    std::size_t node = std::size_t{64} << 20;  ///< all volumes of the node, beyond kOwn of each
  };

  ContentBudget() : ContentBudget(Limits{}) {}
  explicit ContentBudget(Limits limits) : limits_(limits) {}

  /// The share of one volume; given back when it is destroyed.
  class Share {
   public:
    Share(ContentBudget& budget, std::string pod) : budget_(budget), pod_(std::move(pod)) {}
    ~Share() { Set(0); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    /// From now on the volume shows so much. kResourceExhausted names the limit; then all is as
    /// before. Less than before is never refused.
    Status Resize(std::size_t bytes, std::size_t files);
    /// The same for what is shown already, by a daemon before us.
    void Set(std::size_t weight);

   private:
    ContentBudget& budget_;
    const std::string pod_;  // its uid
    std::size_t weight_ = 0;
  };

  static std::size_t Weight(std::size_t bytes, std::size_t files) {
    return bytes + files * kPerFile;
  }
  /// The weight that counts towards the node's limit.
  std::size_t used() const EXCLUDES(mutex_);

 private:
  static std::size_t Shared(std::size_t weight) { return weight > kOwn ? weight - kOwn : 0; }
  Status Change(const std::string& pod, std::size_t from, std::size_t to, bool force)
      EXCLUDES(mutex_);

  const Limits limits_;
  mutable Mutex mutex_;  // a leaf
  std::size_t node_ GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::size_t> pods_ GUARDED_BY(mutex_);  // by uid
};

}  // namespace downwardfs
