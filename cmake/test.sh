#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests.
#
#   cmake/test.sh [PRESET]     a preset of CMakePresets.json; "dev" unless named
#   cmake/test.sh soak         the long tests only
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-dev}
tests=(--label-exclude '^soak$')
if [ "$preset" = soak ]; then
  preset=dev
  tests=(--label-regex '^soak$')
fi
jobs=$(nproc)
# A compiler cache, where there is one, knows the same sources again in other directories, and
# with precompiled headers.
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD CCACHE_SLOPPINESS=pch_defines,time_macros

cmake/install-dependencies.sh
cmake --preset "$preset"
cmake --build "build/$preset" --parallel "$jobs"
rm -f "build/$preset/Testing/Temporary/LastTestsFailed.log"
ctest --test-dir "build/$preset" --output-on-failure --parallel "$jobs" --no-tests=error \
  "${tests[@]}"
