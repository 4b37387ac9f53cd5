// SPDX-License-Identifier: Apache-2.0
//
// One state of a pod or node as files, rendered when somebody looks. The small files come together;
// the whole object as JSON and YAML, which costs as much again, only when it is asked for. The
// names of the directories at its top are known without any rendering. Immutable to its users; any
// thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/object_source.h"
#include "fs/projection/projected_file.h"

namespace downwardfs {

class ObjectView {
 public:
  /// The names that every object of a kind has at the top.
  struct Layout {
    std::string stem;  ///< of STEM.json and STEM.yaml
    std::vector<std::string> files;
    std::vector<std::string> directories;
  };
  static const Layout& PodLayout();
  static const Layout& NodeLayout();

  struct Child {
    std::string name;
    bool is_directory = false;
  };

  /// The children of each object of a kind, sorted.
  static std::vector<Child> ListTop(const Layout& layout);

  /// `object`: a Pod or a Node.
  explicit ObjectView(ObjectPtr object);

  /// The file at `path`, which ends in a newline unless it is empty; null if it is missing. It
  /// lives as long as the view.
  const ProjectedFile* Find(std::string_view path) const EXCLUDES(fields_mutex_, whole_mutex_);
  /// How many directories lie in the directory `path`; nothing if it is
  /// no directory.
  std::optional<std::uint32_t> Subdirectories(std::string_view path) const
      EXCLUDES(fields_mutex_, whole_mutex_);
  /// The children of the directory `path`, sorted; empty also if it is no directory.
  std::vector<Child> List(std::string_view path) const EXCLUDES(fields_mutex_, whole_mutex_);

  const ObjectPtr& object() const { return object_; }

 private:
  using Files = std::vector<ProjectedFile>;  // sorted by path
  const Files& Fields() const EXCLUDES(fields_mutex_);
  const Files& Whole() const EXCLUDES(whole_mutex_);

  const ObjectPtr object_;
  const Layout& layout_;
  // Each is set once and never changed after. Of several that want the same one, one renders it and
  // the others wait for it; nobody waits for what he does not want.
  mutable Mutex fields_mutex_;
  mutable Mutex whole_mutex_;
  mutable std::unique_ptr<const Files> fields_ GUARDED_BY(fields_mutex_);
  mutable std::unique_ptr<const Files> whole_ GUARDED_BY(whole_mutex_);
};

}  // namespace downwardfs
