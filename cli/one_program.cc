// SPDX-License-Identifier: Apache-2.0
// Both programs in one file with two names, for the image: the name that it was started by decides.
#include <string_view>

#include "cli/programs.h"

int main(int argc, char** argv) {
  const std::string_view path = argc > 0 ? argv[0] : "";
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  return name == "downwardfs-csi" ? downwardfs::CsiMain(argc, argv)
                                  : downwardfs::DownwardfsMain(argc, argv);
}
