# The precompiled header of a CI run (DOWNWARDFS_PCH): one for every target, products and tests,
# since clang reads of it only what a source uses. It holds other projects' headers that most sources
# need.
if(NOT DOWNWARDFS_PCH)
  return()
endif()
find_package(GTest REQUIRED)
# ccache stores sources that use it if told that macros and times in the header do not matter.
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()
add_library(downwardfs_pch OBJECT ${CMAKE_CURRENT_LIST_DIR}/pch.cc)
downwardfs_compile_options(downwardfs_pch)
target_compile_options(downwardfs_pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
target_link_libraries(downwardfs_pch PRIVATE nlohmann_json::nlohmann_json GTest::gmock tl::expected)
target_precompile_headers(downwardfs_pch PRIVATE
  <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <deque> <filesystem>
  <fstream> <functional> <map> <memory> <mutex> <optional> <random> <set> <string> <string_view>
  <thread> <unordered_map> <utility> <variant> <vector>
  <nlohmann/json.hpp> <tl/expected.hpp> <gmock/gmock.h> <gtest/gtest.h>)
