# Finds what the library links. Nothing is downloaded; cmake/install-dependencies.sh names the
# packages. cmake/packstoreConfig.cmake.in finds the same things again for static consumers.

find_package(Threads REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(fmt REQUIRED)
find_package(Libdeflate REQUIRED)
find_package(Zstd REQUIRED)
find_package(XxHash REQUIRED)

set(PACKSTORE_HAVE_ISAL OFF)
if(PACKSTORE_USE_ISAL)
  find_package(IsaL)
  set(PACKSTORE_HAVE_ISAL ${IsaL_FOUND})
endif()

set(PACKSTORE_HAVE_IPSEC_MB OFF)
if(PACKSTORE_USE_IPSEC_MB)
  find_package(IpsecMb)
  set(PACKSTORE_HAVE_IPSEC_MB ${IpsecMb_FOUND})
endif()

set(PACKSTORE_HAVE_ROCKSDB OFF)
if(PACKSTORE_USE_ROCKSDB)
  find_package(PkgConfig)
  if(PkgConfig_FOUND)
    pkg_check_modules(ROCKSDB IMPORTED_TARGET rocksdb)
    set(PACKSTORE_HAVE_ROCKSDB ${ROCKSDB_FOUND})
  endif()
endif()
