// SPDX-License-Identifier: Apache-2.0
#include "cli/programs.h"

int main(int argc, char** argv) {
  return downwardfs::DownwardfsMain(argc, argv);
}
