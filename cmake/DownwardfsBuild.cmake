# Compiler settings that hold for every target: C++20, warnings, ccache, sanitizers. A user's build
# never fails for a warning: CMAKE_COMPILE_WARNING_AS_ERROR comes from the presets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

# Each compiler has warnings of its own. Those of a compiler that CI does not know are shown and
# are not errors, so that the presets (and deploy/quickstart) build on the next Debian as well.
set(newest_known_GNU 15)
set(newest_known_Clang 20)
if(CMAKE_COMPILE_WARNING_AS_ERROR AND
   NOT CMAKE_CXX_COMPILER_VERSION VERSION_LESS "${newest_known_${CMAKE_CXX_COMPILER_ID}}")
  message(STATUS "Warnings are not errors: CI does not know ${CMAKE_CXX_COMPILER_ID} "
                 "${CMAKE_CXX_COMPILER_VERSION}")
  set(CMAKE_COMPILE_WARNING_AS_ERROR OFF)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# "address,undefined" or "thread"; see CMakePresets.json.
set(DOWNWARDFS_SANITIZE "" CACHE STRING "sanitizers to build with, as -fsanitize= takes them")
option(DOWNWARDFS_FUZZ "instrument everything for libFuzzer and offer the fuzz_* targets (clang only)" OFF)
# For the one cold build of a CI run: half of its time goes into reading the same headers. Elsewhere
# ccache saves more without: it knows a precompiled header by its bytes, which differ between two
# checkouts, and a header that is not precompiled shows an #include that is missing.
option(DOWNWARDFS_PCH "precompile the headers of other projects (clang only)" OFF)

# Many sources compiled as one: a fifth of the time, since most of it goes into other projects'
# headers. Sixteen, where each is optimised; eight with clang, whose builds look for faults. The clang preset compiles each source alone, which shows an #include that is missing.
option(CMAKE_UNITY_BUILD "compile several sources at once" ON)
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)
endif()

# gcc collects its garbage whenever its memory has doubled: a twelfth of the time for such batches. Up
# to 512 MB it need not.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options("SHELL:--param ggc-min-heapsize=524288")
endif()

include(GNUInstallDirs)

function(downwardfs_compile_options target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
                                           -Wold-style-cast)
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(${target} PRIVATE -Wthread-safety)
  elseif(CMAKE_UNITY_BUILD)
    # gcc takes a source that it reads by #include for a header, where such a member would be wrong.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
  if(DOWNWARDFS_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${DOWNWARDFS_SANITIZE}
                                             -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${DOWNWARDFS_SANITIZE})
  endif()
  if(DOWNWARDFS_FUZZ)
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang OR NOT DOWNWARDFS_SANITIZE)
      message(FATAL_ERROR "DOWNWARDFS_FUZZ needs clang, and DOWNWARDFS_SANITIZE=address,undefined")
    endif()
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(TARGET downwardfs_pch AND NOT target STREQUAL downwardfs_pch)
    target_precompile_headers(${target} REUSE_FROM downwardfs_pch)
  endif()
endfunction()

# Options that make a fault in a program harder to use: a stack protector, a stack that cannot be
# jumped over, checked libc calls, checked targets of indirect branches, and, where it is linked, no
# place that is always the same and no table of functions that can be written to. The programs and
# their libraries have it, the tests do not. Not with sanitizers, which find the same faults and
# more. tests/deploy/hardening_test reads the programs.
include(CheckCXXCompilerFlag)
foreach(flag -fcf-protection=full -mbranch-protection=standard -fstack-clash-protection)
  string(MAKE_C_IDENTIFIER "HAS${flag}" has)
  # clang only warns of another processor's flag.
  set(CMAKE_REQUIRED_FLAGS -Werror)
  check_cxx_compiler_flag(${flag} ${has})
  unset(CMAKE_REQUIRED_FLAGS)
  if(${has})
    list(APPEND downwardfs_hardening ${flag})
  endif()
endforeach()
function(downwardfs_harden target)
  if(DOWNWARDFS_SANITIZE)
    return()
  endif()
  target_compile_options(${target} PRIVATE
    -fPIE -fstack-protector-strong ${downwardfs_hardening}
    # libc wants an optimiser for it.
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL EXECUTABLE)
    target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now,-z,noexecstack)
  endif()
endfunction()

# Optimised in the sanitizers' builds as well: for what a test runs so often that -O0 costs more time
# there than it saves in compiling. The precompiled header is -O0's.
function(downwardfs_always_optimise)
  foreach(target ${ARGN})
    target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-O1>)
    set_target_properties(${target} PROPERTIES DISABLE_PRECOMPILE_HEADERS ON)
  endforeach()
endfunction()

# downwardfs_optimise(LEVEL TARGETS...): less than -O2 in the build that is made to be tried
# (RelWithDebInfo by gcc), which spends most of its time on optimising. Packages and the image are
# optimised throughout. -Og, two thirds of the time: code that runs once, or for people, and tests. -O1, three
# quarters: code that mostly waits for system calls, or handles one object at a time. The rest decodes and
# stores the objects of a whole cluster. gcc's warning of uninitialised variables goes by what the
# optimiser finds out, and is of no use with less.
function(downwardfs_optimise level)
  set(where $<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:RelWithDebInfo>>)
  foreach(target ${ARGN})
    target_compile_options(${target} PRIVATE $<${where}:${level}> $<${where}:-Wno-maybe-uninitialized>)
  endforeach()
endfunction()

# downwardfs_library(NAME SOURCES... LINK libs...): a static library named downwardfs_NAME.
function(downwardfs_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(downwardfs_${name} STATIC ${ARG_SOURCES})
  downwardfs_compile_options(downwardfs_${name})
  downwardfs_harden(downwardfs_${name})
  target_link_libraries(downwardfs_${name} PUBLIC ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
endfunction()
