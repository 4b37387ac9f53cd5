# For the image: what Debian has as an archive is linked into the programs, and of libcurl only what
# they use (deploy/image/curl makes that one; CMAKE_PREFIX_PATH names it). The C and C++ libraries stay
# shared, and spdlog, fmt and simdjson, of which Debian has no archives.
option(DOWNWARDFS_STATIC "link archives of other projects' libraries where Debian has them" OFF)

# Before the libraries are looked for.
macro(downwardfs_prefer_archives)
  if(DOWNWARDFS_STATIC)
    list(PREPEND CMAKE_FIND_LIBRARY_SUFFIXES .a)
    set(OPENSSL_USE_STATIC_LIBS ON)
  endif()
endmacro()

# After they were found: an archive does not say which others it needs.
function(downwardfs_complete_archives)
  if(NOT DOWNWARDFS_STATIC)
    return()
  endif()
  pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
  get_target_property(curl CURL::libcurl IMPORTED_LOCATION)
  if(NOT curl MATCHES "\\.a$" OR curl MATCHES "^/usr/lib/")
    message(FATAL_ERROR "DOWNWARDFS_STATIC needs the libcurl of deploy/image/curl in "
                        "CMAKE_PREFIX_PATH; found ${curl}")
  endif()
  set_property(TARGET CURL::libcurl APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS CURL_STATICLIB)
  set_property(TARGET CURL::libcurl APPEND PROPERTY INTERFACE_LINK_LIBRARIES
    PkgConfig::NGHTTP2 OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB Threads::Threads)

  # gRPC's own file for pkg-config leaves out four of its libraries, and abseil's order has circles.
  set(archives)
  foreach(name grpc++_unsecure grpc_unsecure gpr upb address_sorting cares re2 protobuf
               ${GRPC_STATIC_LIBRARIES})
    if(NOT name MATCHES "^(rt|atomic|dl|m|pthread)$")
      find_library(DOWNWARDFS_ARCHIVE_${name} NAMES lib${name}.a REQUIRED)
      mark_as_advanced(DOWNWARDFS_ARCHIVE_${name})
      list(APPEND archives ${DOWNWARDFS_ARCHIVE_${name}})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES archives)
  set_property(TARGET PkgConfig::GRPC PROPERTY INTERFACE_LINK_LIBRARIES
    -Wl,--start-group ${archives} ${ZLIB_LIBRARIES} -Wl,--end-group Threads::Threads)
  set_property(TARGET PkgConfig::PROTOBUF PROPERTY INTERFACE_LINK_LIBRARIES PkgConfig::GRPC)

  # Of archives that were compiled so, only what is reached goes in.
  add_link_options(-Wl,--gc-sections -Wl,--as-needed)
endfunction()
