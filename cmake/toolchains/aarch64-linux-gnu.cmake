# Builds for arm64 on a Debian that has arm64 as a foreign architecture: crossbuild-essential-arm64,
# the -dev packages of deploy/packages as NAME:arm64, and qemu-user-static, which runs what is built
# (tests, and the program that prints its own manual page). See tests/packages/on_arm64.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(triplet aarch64-linux-gnu)
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
# Programs of the build (protoc) are this machine's; libraries and packages are the other's.
set(CMAKE_IGNORE_PREFIX_PATH /usr/lib/x86_64-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/${triplet}/pkgconfig:/usr/share/pkgconfig)
find_program(DOWNWARDFS_QEMU NAMES qemu-aarch64-static qemu-aarch64)
if(DOWNWARDFS_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${DOWNWARDFS_QEMU})
endif()
