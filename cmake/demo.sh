#!/usr/bin/env bash
# The main job on a real directory: installs what is missing, builds the packstore program, and then
#   1. puts every file: some one by one, durable each, the rest in one batch,
#   2. packs what is loose,
#   3. removes a third of the objects,
#   4. repacks, which gives their space back,
#   5. validates,
#   6. reads everything back and compares it byte by byte with the files,
#   7. backs up, and validates the backup.
#
#   cmake/demo.sh [DIRECTORY]     /usr/include unless named
#
# The store lives in a temporary directory (TMPDIR says where) and is removed at the end.
set -euo pipefail

directory=$(realpath "${1:-/usr/include}")
[ -d "$directory" ] || { echo "$0: $directory is no directory" >&2; exit 2; }
cd "$(dirname "$0")/.."
# The build that cmake/test.sh makes, unless another preset of CMakePresets.json is named.
preset=${PACKSTORE_PRESET:-dev}
jobs=$(nproc)

cmake/install-dependencies.sh
cmake --preset "$preset" > /dev/null
cmake --build "build/$preset" --parallel "$jobs" --target packstore_cli
packstore=$PWD/build/$preset/bin/packstore

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PACKSTORE_STORE=$work/store

# step TITLE OBJECTS BYTES COMMAND...: runs the command, and says how long it took and how fast that
# is for so many objects and bytes. What the command prints is shown below, indented.
step() {
  local title=$1 objects=$2 bytes=$3 start end
  shift 3
  start=$(date +%s%N)
  "$@" > "$work/output" 2>&1 || { cat "$work/output"; echo "$0: $title failed" >&2; exit 1; }
  end=$(date +%s%N)
  awk -v title="$title" -v objects="$objects" -v bytes="$bytes" -v ns=$((end - start)) 'BEGIN {
    seconds = ns / 1e9
    printf "\n%-34s %8.3f s", title, seconds
    if (objects > 0) printf " %9.0f objects/s", objects / seconds
    if (bytes > 0) printf " %8.1f MB/s", bytes / 1e6 / seconds
    printf "\n"
  }'
  sed 's/^/    /' "$work/output"
}

# How many bytes the files have that a list names.
bytes_of() {
  tr '\n' '\0' < "$1" | xargs --null --no-run-if-empty stat --dereference --format=%s -- |
    awk '{ sum += $1 } END { printf "%.0f", sum }'
}
names_of() { cut -c 67- "$@"; }
put_into() { "$packstore" put "${@:2}" > "$1"; }

# Which ids are in the list $1 as "ID  NAME", each once, with the first name that it came with.
distinct() { sort --key=1,1 --unique "$1"; }

# The two below run on the left of an `||`, where the shell does not stop at errors by itself.
compare_all() {
  "$packstore" get --ids-from "$work/kept" --into "$work/back" || return 1
  # Lines in pairs: what came back, and the file that it came from.
  awk -v back="$work/back/" '{ print back $1; print substr($0, 67) }' "$work/kept" |
    xargs --delimiter='\n' --max-args=2 --max-procs="$jobs" cmp -- || return 1
  echo "every byte is the same"
}

refuse_removed() {
  local status=0
  "$packstore" has --ids-from "$work/removed" > "$work/has" || status=$?
  # 1 says that something asked for is not there.
  if [ "$status" -ne 1 ] || grep -q '  present$' "$work/has"; then
    echo "an object that was removed is still there"
    return 1
  fi
  echo "none of the removed objects is there"
}

# A name with a line end or a backslash would be printed escaped; there is none in a usual tree.
find "$directory" -type f -readable ! -name '*[\]*' ! -name $'*\n*' | LC_ALL=C sort > "$work/files"
head -n 1000 "$work/files" > "$work/files.loose"
tail -n +1001 "$work/files" > "$work/files.packed"
count=$(wc -l < "$work/files")
[ "$count" -gt 0 ] || { echo "$0: no files in $directory" >&2; exit 2; }
total=$(bytes_of "$work/files")
loose_count=$(wc -l < "$work/files.loose")
loose_bytes=$(bytes_of "$work/files.loose")
echo "$directory: $count files, $total bytes"

step "init" 0 0 "$packstore" init
step "put $loose_count files, durable each" "$loose_count" "$loose_bytes" \
  put_into "$work/put.loose" --files-from "$work/files.loose"
: > "$work/put.packed"
if [ "$count" -gt "$loose_count" ]; then
  step "put $((count - loose_count)) files in one batch" $((count - loose_count)) \
    $((total - loose_bytes)) \
    put_into "$work/put.packed" --packed --compress auto --files-from "$work/files.packed"
fi
step "pack what is loose" "$loose_count" "$loose_bytes" "$packstore" pack --compress auto
cat "$work/put.loose" "$work/put.packed" > "$work/put"

distinct "$work/put" > "$work/distinct"
awk 'NR % 3 == 0' "$work/distinct" > "$work/removed"
awk 'NR % 3 != 0' "$work/distinct" > "$work/kept"
removed_count=$(wc -l < "$work/removed")
kept_count=$(wc -l < "$work/kept")
names_of "$work/removed" > "$work/files.removed"
names_of "$work/kept" > "$work/files.kept"
kept_bytes=$(bytes_of "$work/files.kept")

if [ "$removed_count" -gt 0 ]; then
  step "remove $removed_count objects" "$removed_count" "$(bytes_of "$work/files.removed")" \
    "$packstore" rm --ids-from "$work/removed"
  step "look for what was removed" "$removed_count" 0 refuse_removed
fi
step "repack" "$kept_count" "$kept_bytes" "$packstore" repack
step "validate" "$kept_count" "$kept_bytes" "$packstore" validate
step "read everything back and compare" "$kept_count" "$kept_bytes" compare_all
step "back up" "$kept_count" "$kept_bytes" "$packstore" backup "$work/backup"
step "validate the backup" "$kept_count" "$kept_bytes" \
  "$packstore" validate --store "$work/backup"
step "statistics" 0 0 "$packstore" stat
echo
echo "All of it holds."
