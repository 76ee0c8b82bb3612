#!/usr/bin/env bash
# Builds every target of tests/fuzz with libFuzzer and the sanitizers, and lets them look for inputs
# that bring the library down, from the checked-in corpora on.
#
#   cmake/fuzz.sh SECONDS [TARGET...]    SECONDS in all, shared by the targets; building not counted
#
# What is found lies in build/asan/fuzz/findings, inputs that reach new code beside it in corpus.
#   PACKSTORE_FUZZ_KEEP=1 cmake/fuzz.sh SECONDS    adds the fewest of them to the corpora
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?usage: $0 SECONDS [TARGET...]}
shift
cmake/install-dependencies.sh checks
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD CCACHE_SLOPPINESS=pch_defines,time_macros
cmake --preset asan > /dev/null
cmake --build build/asan --target packstore_fuzz

targets=("$@")
if [ $# -eq 0 ]; then
  for source in tests/fuzz/*_fuzz.cc; do
    targets+=("$(basename "$source" _fuzz.cc)")
  done
fi
jobs=$(nproc)
share=$((seconds * jobs / ${#targets[@]}))
[ "$share" -gt 0 ] || share=1
rm -rf build/asan/fuzz/findings
mkdir -p build/asan/fuzz/findings build/asan/fuzz/corpus

# A single input may take 20 s and 1 GiB: far above what any takes, far below what a bomb would.
run_target() {
  local name=$1 seconds=$2 log=build/asan/fuzz/findings/$1.log
  mkdir -p "build/asan/fuzz/corpus/$name"
  if "build/asan/tests/fuzz/packstore_fuzz_$name" -max_total_time="$seconds" -timeout=20 \
      -seed="${PACKSTORE_TEST_SEED:-0}" \
      -rss_limit_mb=1024 -malloc_limit_mb=512 -max_len=65536 -print_final_stats=1 \
      -artifact_prefix="build/asan/fuzz/findings/$name-" \
      "build/asan/fuzz/corpus/$name" "tests/fuzz/corpus/$name" > "$log" 2>&1; then
    printf '%-18s ok, %s inputs\n' "$name" \
      "$(awk '/stat::number_of_executed_units/ {print $2}' "$log")"
    rm "$log"
  else
    tail -n 60 "$log"
    printf '%-18s FAILED, see %s\n' "$name" "$log"
    return 1
  fi
}
export -f run_target

failed=0
printf '%s\n' "${targets[@]}" |
  xargs -P "$jobs" -I{} bash -c 'run_target "$@"' fuzz {} "$share" || failed=1

if [ -n "${PACKSTORE_FUZZ_KEEP:-}" ] && [ "$failed" -eq 0 ]; then
  for name in "${targets[@]}"; do
    mkdir -p "tests/fuzz/corpus/$name"
    "build/asan/tests/fuzz/packstore_fuzz_$name" -merge=1 "tests/fuzz/corpus/$name" \
      "build/asan/fuzz/corpus/$name" > /dev/null 2>&1
  done
fi
exit "$failed"
