// SPDX-License-Identifier: Apache-2.0
#include "cli/own_programs.h"

#include <unistd.h>

#include "base/process.h"

namespace downwardfs {

Result<std::string> FindOwnProgram(const std::string& name) {
  auto self = OwnProgramPath();
  if (!self) return self;
  const std::string folder = self->substr(0, self->rfind('/'));
  for (const char* beside : {"/../libexec/downwardfs/", "/../mount-helper/"}) {
    std::string path = folder;
    path += beside;
    path += name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return Fail(ErrorCode::kFailedPrecondition,
              name + ": not found beside " + *self +
                  "; install the Debian package that has it "
                  "(downwardfs or downwardfs-csi), or all of a build");
}

}  // namespace downwardfs
