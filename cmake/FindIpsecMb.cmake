# Finds libipsec-mb, multi-buffer hashing: the target IpsecMb::IpsecMb, and IpsecMb_FOUND.

find_path(IpsecMb_INCLUDE_DIR NAMES intel-ipsec-mb.h)
find_library(IpsecMb_LIBRARY NAMES IPSec_MB)
mark_as_advanced(IpsecMb_INCLUDE_DIR IpsecMb_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(IpsecMb
  REQUIRED_VARS IpsecMb_LIBRARY IpsecMb_INCLUDE_DIR)

if(IpsecMb_FOUND AND NOT TARGET IpsecMb::IpsecMb)
  add_library(IpsecMb::IpsecMb UNKNOWN IMPORTED)
  set_target_properties(IpsecMb::IpsecMb PROPERTIES
    IMPORTED_LOCATION "${IpsecMb_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${IpsecMb_INCLUDE_DIR}")
endif()
