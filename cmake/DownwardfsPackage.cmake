# Debian packages by CPack: downwardfs, downwardfs-csi, libdownwardfs-client-dev. deploy/debian/build
# calls it; deploy/debian/finish.cmake does to the staged files what Debian's policy asks for.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME downwardfs)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL downwardfs downwardfs-csi libdownwardfs-client-dev)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/deploy/debian/finish.cmake)

set(DOWNWARDFS_MAINTAINER "downwardfs maintainers <maintainers@downwardfs.dev>" CACHE STRING
    "the Maintainer of the Debian packages")
# "~deb12": packages of the same version for two Debians differ in name, and an upgrade of the
# system is an upgrade of the package.
set(DOWNWARDFS_DEBIAN_SUFFIX "" CACHE STRING "text after the version in Debian packages")
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION}${DOWNWARDFS_DEBIAN_SUFFIX})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${DOWNWARDFS_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE ${PROJECT_HOMEPAGE_URL})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
if(CMAKE_CROSSCOMPILING AND CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
endif()

set(CPACK_DEBIAN_DOWNWARDFS_PACKAGE_NAME downwardfs)
set(CPACK_DEBIAN_DOWNWARDFS_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_DOWNWARDFS_PACKAGE_RECOMMENDS fuse3)
set(CPACK_DEBIAN_DOWNWARDFS_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/deploy/debian/postinst;${PROJECT_SOURCE_DIR}/deploy/debian/prerm;${PROJECT_SOURCE_DIR}/deploy/debian/postrm")
set(CPACK_COMPONENT_DOWNWARDFS_DESCRIPTION "Kubernetes pod metadata as live files
A FUSE filesystem that shows a pod's name, labels, annotations, addresses
and resources as files, with the layout and the bytes of the kubelet's
downwardAPI volume, and a whole cluster as a tree. The pod comes from an API
server or from a YAML file. A mount survives the death of its daemon.")
set(CPACK_DEBIAN_DOWNWARDFS-CSI_PACKAGE_NAME downwardfs-csi)
set(CPACK_DEBIAN_DOWNWARDFS-CSI_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_DOWNWARDFS-CSI_PACKAGE_DEPENDS
    "downwardfs (= ${CPACK_DEBIAN_PACKAGE_VERSION})")
set(CPACK_COMPONENT_DOWNWARDFS-CSI_DESCRIPTION "CSI node plugin of downwardfs
Serves the Container Storage Interface on a Kubernetes node: each pod that
asks for it gets a volume of its own metadata. It is started by the command
downwardfs csi, and the container image has it too.")
set(CPACK_DEBIAN_LIBDOWNWARDFS-CLIENT-DEV_PACKAGE_NAME libdownwardfs-client-dev)
set(CPACK_DEBIAN_LIBDOWNWARDFS-CLIENT-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBDOWNWARDFS-CLIENT-DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_LIBDOWNWARDFS-CLIENT-DEV_PACKAGE_DEPENDS
    "libcurl4-openssl-dev, libexpected-dev, libsimdjson-dev, libssl-dev, libutf8proc-dev, libyaml-dev, libzstd-dev, zlib1g-dev")
set(CPACK_COMPONENT_LIBDOWNWARDFS-CLIENT-DEV_DESCRIPTION "Kubernetes API client library for C++20 (static)
Configuration, credentials, requests, lists and watches of any resource, the
reflector and the object store of downwardfs, with a CMake package and a
pkg-config file. There is no shared library.")

# Documents of each package.
foreach(component ${CPACK_COMPONENTS_ALL})
  install(FILES ${PROJECT_SOURCE_DIR}/deploy/debian/copyright
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${component} COMPONENT ${component})
endforeach()
set(docs ${CMAKE_INSTALL_DATADIR}/doc/downwardfs)
install(FILES README.md CHANGELOG.md DESTINATION ${docs} COMPONENT downwardfs)
install(DIRECTORY docs/ DESTINATION ${docs}/docs COMPONENT downwardfs FILES_MATCHING PATTERN "*.md"
        PATTERN examples EXCLUDE PATTERN man EXCLUDE PATTERN tour EXCLUDE)
install(DIRECTORY docs/examples/ DESTINATION ${docs}/examples COMPONENT downwardfs
        FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY deploy/examples/ DESTINATION ${docs}/examples COMPONENT downwardfs
        FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY deploy/kustomize DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/downwardfs-csi
        COMPONENT downwardfs-csi)
install(DIRECTORY docs/examples/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libdownwardfs-client-dev/examples
        COMPONENT libdownwardfs-client-dev FILES_MATCHING PATTERN "*.cc" PATTERN "CMakeLists.txt")
install(FILES deploy/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides
        RENAME downwardfs COMPONENT downwardfs)
set(CPACK_DOWNWARDFS_STRIP ${CMAKE_STRIP})
include(CPack)
