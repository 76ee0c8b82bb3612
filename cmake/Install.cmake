# What `cmake --install` copies: the library, the public headers, the program, the CMake package
# and the pkg-config file.

include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/packstore")

install(TARGETS packstore EXPORT packstoreTargets)
# Without what stands on RocksDB, which is for projects that add this one as a directory.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/packstore"
                  "${PROJECT_BINARY_DIR}/include/packstore"
        TYPE INCLUDE FILES_MATCHING PATTERN "*.h" PATTERN "rocksdb_blocks.h" EXCLUDE)
install(EXPORT packstoreTargets NAMESPACE packstore:: DESTINATION "${package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" TYPE DOC)
if(TARGET packstore_cli)
  install(TARGETS packstore_cli)
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/packstoreConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/packstoreConfig.cmake" INSTALL_DESTINATION "${package_dir}")
# While the major number is 0, a new minor number may break the API.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/packstoreConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/packstoreConfig.cmake"
              "${PROJECT_BINARY_DIR}/packstoreConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindLibdeflate.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindZstd.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindXxHash.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindIsaL.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindIpsecMb.cmake"
        DESTINATION "${package_dir}")

# The way from the directory of the .pc file back to the prefix, so that the tree can be moved.
file(RELATIVE_PATH PACKSTORE_PC_TO_PREFIX
  "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
set(PACKSTORE_PC_REQUIRES "sqlite3 zlib libcrypto fmt libdeflate libzstd libxxhash")
# -lstdc++ is for programs that a C compiler links.
set(PACKSTORE_PC_LIBS "-lstdc++ ${CMAKE_THREAD_LIBS_INIT}")
if(PACKSTORE_HAVE_ISAL)
  string(APPEND PACKSTORE_PC_REQUIRES " libisal")
endif()
if(PACKSTORE_HAVE_IPSEC_MB)
  # Debian's libipsec-mb brings no .pc file.
  string(APPEND PACKSTORE_PC_LIBS " -lIPSec_MB")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/packstore.pc.in"
               "${PROJECT_BINARY_DIR}/packstore.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/packstore.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
