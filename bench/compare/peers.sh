#!/usr/bin/env bash
# Measures the program against backup programs and git, in one run, on files of your own.
#
#   bench/compare/peers.sh ingest PACKSTORE SCRATCH FILE [ROUNDS]
#     Adds FILE to a new store, and again to the same one; rounds are interleaved. Prints medians in
#     MB/s, and how many times as fast `packstore add` with one thread and FastCDC is. Nothing
#     compresses.
#   bench/compare/peers.sh releases PACKSTORE SCRATCH DIRECTORY...
#     Adds one release of a source tree after the other, each a directory. Prints the bytes that are
#     stored at the end, and how many times as many as those of packstore (FastCDC 16 KiB, zlib 6,
#     file by file). Peers are fed in two ways: trees of files, with the compression and the chunk
#     size that store least; and one tar a release, with the settings that they are used with.
#
# PACKSTORE is the program; SCRATCH is a directory on the disk that is to be measured, and is left
# empty. Peers that are not installed are left out: cmake/install-dependencies.sh compare. PEERS in
# the environment names those to measure (of releases: tree_borg, tar_borg, and so on); packstore
# comes first.
set -euo pipefail
shopt -s nullglob

usage() {
  sed -n 's/^#   bench/bench/p' "$0" >&2
  exit 2
}
[ $# -ge 4 ] || usage
mode=$1
packstore=$(realpath "$2")
scratch=$(realpath "$3")/peers-$$
shift 3
mkdir -p "$scratch"
trap 'rm -rf "$scratch"' EXIT

export HOME=$scratch/home RESTIC_PASSWORD=x BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x
mkdir -p "$HOME"

# What every peer does: begin REPOSITORY, alike for all that a dash tells apart, then add REPOSITORY
# FILE NAME without compression.
begin_packstore() { "$packstore" init --store "$1"; }
add_packstore-1() { "$packstore" add --store "$1" --threads 1 "$2"; }
add_packstore-2() { "$packstore" add --store "$1" --threads 2 "$2"; }
add_packstore-native-1() { "$packstore" add --store "$1" --threads 1 --chunker native "$2"; }
add_packstore-native-2() { "$packstore" add --store "$1" --threads 2 --chunker native "$2"; }
begin_borg() { borg init -e none "$1"; }
add_borg() { borg create --files-cache disabled -C none "$1::$3" "$2"; }
begin_restic() { restic init -q --repository-version 2 -r "$1"; }
add_restic() { restic backup -q -r "$1" --no-cache --force --compression off "$2"; }
begin_git() { git init -q --bare "$1"; }
add_git() { git -C "$1" -c core.compression=0 hash-object -w "$2"; }
begin_casync() { mkdir "$1"; }
add_casync() { casync make --store="$1/store" "$1/$3.caibx" "$2"; }
begin_bup() { BUP_DIR=$1 bup init; }
add_bup() { BUP_DIR=$1 bup split -q -0 -n "$3" "$2"; }
# The machine, not a peer: the same bytes, written and flushed.
begin_raw() { mkdir "$1"; }
add_raw() { dd if="$2" of="$1/copy" bs=1M conv=fsync status=none; }

# The same for a tree, with the compression and the chunk size that store least.
tree_packstore() {
  [ -d "$1" ] || "$packstore" init --store "$1"
  (cd "$2" && find . -type f -print0 | sort -z |
    xargs -0 -n 100000 "$packstore" add --store "$1" --chunker fastcdc:16384 --compress zlib:6) \
    > "$scratch/listing"
  "$packstore" add --store "$1" --compress zlib:6 "$scratch/listing"  # Names and CIDs.
}
tree_borg() {
  [ -d "$1" ] || borg init -e none "$1"
  (cd "$2" && borg create --files-cache disabled -C zlib,6 \
    --chunker-params buzhash,12,18,14,4095 "$1::$3" .)
}
tree_restic() {
  [ -d "$1" ] || restic init -q --repository-version 2 -r "$1"
  (cd "$2" && restic backup -q -r "$1" --no-cache --compression max .)
}
tree_git() {
  [ -d "$1" ] || git init -q --bare "$1"
  local work=(git -C "$2" --git-dir="$1" --work-tree="$2" -c gc.auto=0)
  "${work[@]}" add -A -f . && "${work[@]}" commit -q --allow-empty -m "$3"
}
tree_casync() {
  mkdir -p "$1"
  casync make --without=privileged --chunk-size=16384 --store="$1/store" "$1/$3.caidx" "$2"
}
tree_bup() {
  [ -d "$1" ] || BUP_DIR=$1 bup init
  BUP_DIR=$1 bup index -f "$scratch/bup-index" "$2"
  BUP_DIR=$1 bup save -q -6 -f "$scratch/bup-index" --strip-path "$2" -n tree "$2"
  rm -f "$scratch"/bup-index*
}

# The same for a tar of it, with the settings that people use.
tar_bup() {
  [ -d "$1" ] || BUP_DIR=$1 bup init
  BUP_DIR=$1 bup split -q -1 -n "$3" "$2"
}
tar_borg-16K() {
  [ -d "$1" ] || borg init -e none "$1"
  borg create --files-cache disabled -C zstd,1 --chunker-params buzhash,12,18,14,4095 "$1::$3" "$2"
}
tar_borg() {
  [ -d "$1" ] || borg init -e none "$1"
  borg create --files-cache disabled -C zstd,1 "$1::$3" "$2"
}
tar_restic() {
  [ -d "$1" ] || restic init -q --repository-version 2 -r "$1"
  restic backup -q -r "$1" --no-cache --force "$2"
}
tar_casync() {
  mkdir -p "$1"
  casync make --store="$1/store" "$1/$3.caibx" "$2"
}

declare -A fed=(
  [tree_packstore]="files of a tree: packstore, FastCDC 16 KiB, zlib 6"
  [tree_borg]="files of a tree: borg, buzhash 4 to 256 KiB, zlib,6"
  [tree_restic]="files of a tree: restic, compression max"
  [tree_git]="files of a tree: git, loose"
  [tree_casync]="files of a tree: casync, 16 KiB"
  [tree_bup]="files of a tree: bup save -6"
  [tar_bup]="one tar: bup split -1"
  [tar_borg-16K]="one tar: borg, buzhash,12,18,14,4095, zstd,1"
  [tar_borg]="one tar: borg, its own chunker settings, zstd,1"
  [tar_restic]="one tar: restic as it is"
  [tar_casync]="one tar: casync as it is"
)

# Whether the program is there that PEER, or a way to feed it, is named after.
is_there() {
  local program=${1#*_}
  program=${program%%-*}
  case "$program" in
    raw | packstore) true ;;
    *) command -v "$program" > /dev/null ;;
  esac
}

# Runs quietly, and shows what was said where it fails.
quietly() {
  "$@" > "$scratch/said" 2>&1 || { cat "$scratch/said" >&2; echo "failed: $*" >&2; exit 1; }
}

# MB/s of one call for `bytes`.
rate_of() {
  local began
  began=$(date +%s%N)
  quietly "$@"
  echo $((bytes * 1000 / ($(date +%s%N) - began + 1)))
}

median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b == 0 ? 0 : a / b) }'; }

ingest() {
  local file rounds=${2:-3} peer round
  file=$(realpath "$1")
  bytes=$(stat -c %s "$file")
  local own=(packstore-1 packstore-2 packstore-native-1 packstore-native-2)
  local peers=(${PEERS:-raw "${own[@]}" borg restic git casync bup})
  declare -A new again
  cat "$file" > /dev/null
  for ((round = 0; round < rounds; ++round)); do
    for peer in "${peers[@]}"; do
      is_there "$peer" || continue
      quietly "begin_${peer%%-*}" "$scratch/store"
      new[$peer]+=" $(rate_of "add_$peer" "$scratch/store" "$file" first)"
      again[$peer]+=" $(rate_of "add_$peer" "$scratch/store" "$file" second)"
      rm -rf "$scratch/store"
    done
  done
  echo "| $((bytes / 1000000)) MB, $rounds rounds | new MB/s | ratio | again MB/s | ratio |"
  echo "| --- | ---: | ---: | ---: | ---: |"
  local own_new own_again n a
  own_new=$(median ${new[packstore-1]})
  own_again=$(median ${again[packstore-1]})
  for peer in "${peers[@]}"; do
    is_there "$peer" || continue
    n=$(median ${new[$peer]})
    a=$(median ${again[$peer]})
    echo "| $peer | $n | $(ratio "$own_new" "$n") | $a | $(ratio "$own_again" "$a") |"
  done
}

# What differs from release to release is the content alone.
make_tree() {
  rm -rf "$scratch/tree"
  cp -r "$1" "$scratch/tree"
  find "$scratch/tree" -exec touch -h -d @1000000000 {} +
}
make_tar() {
  tar -C "$1" --sort=name --mtime=@1000000000 --owner=0 --group=0 --numeric-owner \
    --mode=u+rw,go= -cf "$scratch/tar" .
}

releases() {
  local all=(tree_packstore tree_borg tree_restic tree_git tree_casync tree_bup
    tar_bup tar_borg-16K tar_borg tar_restic tar_casync)
  local ways=(${PEERS:-"${all[@]}"}) way form release number stored own=0
  echo "| $# releases, $(du -scb "$@" | tail -1 | cut -f1) bytes | stored | ratio |"
  echo "| --- | ---: | ---: |"
  for way in "${ways[@]}"; do
    is_there "$way" || continue
    form=${way%%_*}
    number=0
    for release in "$@"; do
      number=$((number + 1))
      "make_$form" "$release"
      quietly "$way" "$scratch/store" "$scratch/$form" "release-$number"
    done
    stored=$(find "$scratch/store" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
    [ "$way" != tree_packstore ] || own=$stored
    echo "| ${fed[$way]} | $stored | $(ratio "$stored" "$own") |"
    rm -rf "$scratch/store"
  done
}

case "$mode" in
  ingest | releases) "$mode" "$@" ;;
  *) usage ;;
esac
