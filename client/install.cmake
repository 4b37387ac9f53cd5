# The package libdownwardfs-client-dev: one static archive, the headers, the CMake package
# downwardfs-client and the pkg-config file libdownwardfs-client. Static only: the headers show C++
# types of the standard library and of our own, which no SONAME could keep stable before 1.0.
#     cmake --install build/release --prefix DIR --component libdownwardfs-client-dev
set(component libdownwardfs-client-dev)
set(parts base json yaml client_wire client_config client_http client_api client_store client_watch)
add_library(downwardfs_client_archive STATIC)
foreach(part ${parts})
  target_sources(downwardfs_client_archive PRIVATE $<TARGET_OBJECTS:downwardfs_${part}>)
  if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Another compiler than ours must be able to link it, so machine code goes along.
    target_compile_options(downwardfs_${part} PRIVATE -ffat-lto-objects)
  endif()
endforeach()
set_target_properties(downwardfs_client_archive PROPERTIES
  OUTPUT_NAME downwardfs-client EXPORT_NAME client LINKER_LANGUAGE CXX)
target_compile_features(downwardfs_client_archive INTERFACE cxx_std_20)
target_include_directories(downwardfs_client_archive INTERFACE
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/downwardfs>)
# Public headers show tl::expected alone; the rest is to be linked.
target_link_libraries(downwardfs_client_archive INTERFACE tl::expected Threads::Threads
  PRIVATE CURL::libcurl OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB simdjson::simdjson
          PkgConfig::ZSTD PkgConfig::LIBYAML PkgConfig::UTF8PROC)

include(CMakePackageConfigHelpers)
install(TARGETS downwardfs_client_archive EXPORT downwardfs-client
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component})
install(EXPORT downwardfs-client NAMESPACE downwardfs:: FILE downwardfs-client-targets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/downwardfs-client COMPONENT ${component})
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/downwardfs-client-config.cmake.in downwardfs-client-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/downwardfs-client)
write_basic_package_version_file(downwardfs-client-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/downwardfs-client-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/downwardfs-client-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/downwardfs-client COMPONENT ${component})
# From where it lies, so that any prefix at installation is right.
file(RELATIVE_PATH DOWNWARDFS_PC_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(${PROJECT_SOURCE_DIR}/cmake/libdownwardfs-client.pc.in libdownwardfs-client.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libdownwardfs-client.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT ${component})
# curl_transfer.h shows curl's types and is nobody else's; log_setup is for our own programs.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/client ${PROJECT_SOURCE_DIR}/base
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/downwardfs COMPONENT ${component}
  FILES_MATCHING PATTERN "*.h" PATTERN "curl_transfer.h" EXCLUDE PATTERN "log_setup.h" EXCLUDE)
