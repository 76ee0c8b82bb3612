#!/usr/bin/env bash
# Installs the Debian packages that building libpackstore takes, and only those that are missing.
#
#   cmake/install-dependencies.sh            for the library, the program, tests and benchmarks
#   cmake/install-dependencies.sh checks     clang, clang-tidy and clang-format, too
#   cmake/install-dependencies.sh compare    the engines that bench/compare measures, too
set -euo pipefail

packages=(
  cmake g++ ninja-build pkgconf
  libsqlite3-dev zlib1g-dev libdeflate-dev libzstd-dev libssl-dev libxxhash-dev libfmt-dev
  libcli11-dev nlohmann-json3-dev liblzma-dev
  libgtest-dev libgmock-dev libbenchmark-dev
)
# The library uses them where they are, and does without them on other processors.
optional=(libisal-dev libipsec-mb-dev librocksdb-dev libsimde-dev ccache)

for extra in "$@"; do
  case "$extra" in
    checks) packages+=(clang clang-tidy clang-format llvm libclang-rt-14-dev) ;;
    compare)
      packages+=(librocksdb-dev liblmdb-dev libgit2-dev)
      optional+=(git borgbackup restic casync bup)
      ;;
    *) echo "usage: $0 [checks] [compare]" >&2; exit 2 ;;
  esac
done

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_of() {
  local package
  for package in "$@"; do
    is_installed "$package" || echo "$package"
  done
}

give_up() {
  echo "$0: $1" >&2
  echo "Needed: ${packages[*]}; used where present: ${optional[*]}" >&2
  exit 1
}

command -v dpkg-query > /dev/null ||
  give_up "this is no Debian system; install what carries these names by other means"
mapfile -t missing < <(missing_of "${packages[@]}" "${optional[@]}")
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null ||
    give_up "packages are missing (${missing[*]}), and there is no sudo"
  as_root=(sudo)
fi

echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q ||
  echo "$0: apt-get update failed; going on with the lists that are here" >&2
for package in "${optional[@]}"; do
  # One that this architecture does not have leaves the list.
  if ! is_installed "$package" && ! apt-cache show "$package" > /dev/null 2>&1; then
    echo "$package is not available here; going on without it"
    missing=("${missing[@]/#%$package/}")
  fi
done
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sed '/^$/d')
[ "${#missing[@]}" -gt 0 ] || exit 0
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}" ||
  give_up "apt-get could not install ${missing[*]}"
