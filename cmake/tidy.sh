#!/usr/bin/env bash
# Runs clang-tidy over src/, as build/PRESET compiles it; prints what it finds.
#
#   cmake/tidy.sh [PRESET]     built before; "asan" unless named
#
# A file that was clean is not looked at again while nothing changed that could make a difference:
# the file, every header that it includes, the checks, the program.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build/${1:-asan}
remembered=${XDG_CACHE_HOME:-$HOME/.cache}/packstore-tidy
mkdir -p "$remembered"
rules=$(clang-tidy --version; cat .clang-tidy)
export build remembered rules

# Of the contents of all that ninja saw the compiler read, wherever this checkout lies.
key_of() {
  local object=$1
  {
    echo "$rules"
    ninja -C "$build" -t deps "$object" | sed -n 's/^    //p' | (cd "$build" && xargs sha256sum) |
      cut -c1-64
  } | sha256sum | cut -c1-64
}

check() {
  local object=$1 file=$2 key
  key=$remembered/$(key_of "$object")
  [ -e "$key" ] && return
  clang-tidy --quiet -p "$build" "$file" 2> /dev/null && touch "$key"
}
export -f key_of check

# Two columns: object, source.
ninja -C "$build" -t compdb |
  sed -n 's/^    "file": "\(.*\)",$/\1/p; s/^    "output": "\(.*\)"$/\1/p' | paste - - |
  awk -v root="$PWD/src/" 'index($1, root) == 1 { print $2, $1 }' |
  xargs --max-args=2 --max-procs="$(nproc)" bash -c 'check "$@"' check
