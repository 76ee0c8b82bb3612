# Installs libpackstore into an empty prefix, then builds and runs a consumer that finds it there.
#
# BUILD_DIR       the build to install, or to configure anew as a shared library when SHARED is on
# SOURCE_DIR      the root of the project
# WORK_DIR        emptied before use
# FROM            package, subdirectory or pkg-config
# FLAGS           flags that the consumer is compiled with
# GENERATOR, COMPILER, LAUNCHER, BUILD_TYPE, BUILD_TYPE_FLAGS, WERROR: as in the build to test

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\nended with ${result}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
file(MAKE_DIRECTORY "${WORK_DIR}")
# Builds in other directories of the same sources share what is compiled already. A cache that knows
# files by their way from the build wants them to lie as deep: what compiles the library again does
# so in WORK_DIR itself, beside the build to test.
set(ENV{CCACHE_NOHASHDIR} 1)
string(TOUPPER "${BUILD_TYPE}" build_type)
set(toolchain -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${COMPILER}
    -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -D CMAKE_BUILD_TYPE=${BUILD_TYPE}
    "-DCMAKE_CXX_FLAGS_${build_type}=${BUILD_TYPE_FLAGS}" -D PACKSTORE_WERROR=${WERROR})
set(prefix "${WORK_DIR}/prefix")
set(consumer_dir "${WORK_DIR}/build")
if(FROM STREQUAL "subdirectory")
  set(consumer_dir "${WORK_DIR}")
endif()

if(SHARED)
  set(BUILD_DIR "${WORK_DIR}")
  run(${CMAKE_COMMAND} -S "${SOURCE_DIR}" -B "${BUILD_DIR}" ${toolchain} -D BUILD_SHARED_LIBS=ON
      -D PACKSTORE_BUILD_TESTS=OFF -D PACKSTORE_BUILD_CLI=OFF -D PACKSTORE_BUILD_BENCH=OFF
      -D PACKSTORE_BUILD_EXAMPLES=OFF)
  run(${CMAKE_COMMAND} --build "${BUILD_DIR}" --parallel 2)
endif()
if(NOT FROM STREQUAL "subdirectory")
  run(${CMAKE_COMMAND} --install "${BUILD_DIR}" --prefix "${prefix}")
endif()

if(SHARED)
  # What the library exports is what its headers declare: names of packstore, none of its insides.
  file(GLOB_RECURSE libraries "${prefix}/libpackstore.so")
  run(nm --dynamic --defined-only --demangle --format=posix ${libraries})
  string(REPLACE ";" "," output "${output}")
  string(REGEX MATCHALL "[^\n]+" symbols "${output}")
  list(LENGTH symbols count)
  message(STATUS "${count} public symbols")
  list(FILTER symbols INCLUDE REGEX
       "^((vtable|typeinfo) for )?packstore::(io|hash|codec|index|format|store|cli)::")
  if(symbols OR count EQUAL 0)
    message(FATAL_ERROR "exports ${count} symbols, among them internal ones: ${symbols}")
  endif()
endif()

file(GLOB_RECURSE pkgconfig "${prefix}/*/packstore.pc")
if(pkgconfig)
  cmake_path(GET pkgconfig PARENT_PATH pkgconfig)
  set(ENV{PKG_CONFIG_PATH} "${pkgconfig}")
endif()

run(${CMAKE_COMMAND} -S "${CMAKE_CURRENT_LIST_DIR}/consumer" -B "${consumer_dir}" ${toolchain}
    -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_FLAGS=${FLAGS}
    -D PACKSTORE_FROM=${FROM} -D PACKSTORE_SOURCE_DIR=${SOURCE_DIR})
run(${CMAKE_COMMAND} --build "${consumer_dir}" --parallel 2)
run("${consumer_dir}/consumer" "${WORK_DIR}/store")
message(STATUS "${output}")
