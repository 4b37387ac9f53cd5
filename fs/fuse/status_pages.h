// SPDX-License-Identifier: Apache-2.0
//
// A status of any length through extended attributes, of which the kernel passes 64 KiB at most
// (XATTR_SIZE_MAX). The asker makes up a word and reads the attributes
//
//     user.downwardfs.status.WORD.0   user.downwardfs.status.WORD.1   ...
//
// until a page is shorter than kStatusPage; the full status has its pages below
// trusted.downwardfs.status. Page 0 takes the status as it is then, so that all pages are of one
// state; the last two askers' are kept. An unknown word or page has no attribute: the daemon is
// another one by now, or others have asked; the asker begins again with another word. Any thread;
// the mutex is a leaf, and no status is made under it.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"

namespace downwardfs {

inline constexpr std::size_t kStatusPage = 32768;

class StatusPages {
 public:
  /// The page that `WORD.NUMBER` asks for; nothing if there is no such page. `status` makes the
  /// text.
  std::optional<std::string> Page(std::string_view word_and_page,
                                  const std::function<std::string()>& status) EXCLUDES(mutex_);

 private:
  struct Asked {
    std::string word;
    std::string text;
  };
  Mutex mutex_;
  std::deque<Asked> asked_ GUARDED_BY(mutex_);
};

}  // namespace downwardfs
