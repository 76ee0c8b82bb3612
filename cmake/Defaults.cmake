# How everything of this project is compiled.

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Kind of build" FORCE)
endif()

if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
    find_program(PACKSTORE_CCACHE ccache)
    if(PACKSTORE_CCACHE)
      set(CMAKE_CXX_COMPILER_LAUNCHER "${PACKSTORE_CCACHE}")
    endif()
  endif()
endif()

if(PACKSTORE_SANITIZE)
  add_compile_options(-fsanitize=${PACKSTORE_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  # The check of virtual tables needs a descriptor, and takes their want for damage: tests that use
  # all of them up would fail.
  if(PACKSTORE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=vptr)
  endif()
  add_link_options(-fsanitize=${PACKSTORE_SANITIZE})
endif()

# Everything is made to report which branches it takes; tests/fuzz links what listens.
if(PACKSTORE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "PACKSTORE_FUZZ needs clang, not ${CMAKE_CXX_COMPILER_ID}")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Sets the language, the warnings and the visibility of `target`.
function(packstore_compile_options target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  # The checks of the standard library, wherever speed is not all.
  target_compile_definitions(${target} PRIVATE $<$<NOT:$<CONFIG:Release>>:_GLIBCXX_ASSERTIONS>)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
    -Wold-style-cast -Woverloaded-virtual -Wimplicit-fallthrough
    $<$<BOOL:${PACKSTORE_WERROR}>:-Werror>)
endfunction()

# Compiles the headers that most sources of `target` begin with only once; for headers of libraries
# that take longer than the sources themselves. A compiler cache has to be told to go along, see
# test.sh.
function(packstore_precompile target)
  target_precompile_headers(${target} PRIVATE ${ARGN})
  target_compile_options(${target} PRIVATE
    $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
    "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endfunction()

# What nearly every source of src/ includes: a fifth of the time that one takes. Only for clang,
# which builds for sanitizers: so gcc sees every source include what it uses, and its objects are
# those that the install tests find in a compiler cache.
function(packstore_precompile_common target)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    packstore_precompile(${target} <fmt/core.h> <algorithm> <functional> <map> <memory> <mutex>
                         <optional> <span> <string> <string_view> <utility> <vector>)
  endif()
endfunction()
