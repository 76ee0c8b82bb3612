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
# The install tests build the same sources in other directories; a compiler cache knows them again.
export CCACHE_NOHASHDIR=1

cmake/install-dependencies.sh
cmake --preset "$preset"
cmake --build "build/$preset" --parallel "$jobs"
ctest --test-dir "build/$preset" --output-on-failure --parallel "$jobs" --no-tests=error \
  "${tests[@]}"
