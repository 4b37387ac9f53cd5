// SPDX-License-Identifier: Apache-2.0
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace downwardfs::testing {

TempDir::TempDir() {
  std::string path = ::testing::TempDir() + "dwfsXXXXXX";
  if (mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << path;
  path_ = std::filesystem::canonical(path).string();
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Write(std::string_view name, std::string_view bytes) const {
  const std::string path = *this / name;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  if (!out) ADD_FAILURE() << "cannot write " << path;
  return path;
}

void TempDir::Replace(std::string_view name, std::string_view bytes) const {
  const std::string temporary = Write(std::string(name) + ".new", bytes);
  if (std::rename(temporary.c_str(), (*this / name).c_str()) != 0) {
    ADD_FAILURE() << "cannot rename over " << name;
  }
}

std::string TempDir::MakeDir(std::string_view name) const {
  std::filesystem::create_directories(*this / name);
  return *this / name;
}

}  // namespace downwardfs::testing
