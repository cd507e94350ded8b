#!/usr/bin/env bash
# Public Go implementations against our bytes: tessera's fsck and its POSIX log.
#
# They are fetched as Go modules, pinned by public_go/go.sum, and compiled, which takes minutes: an optional job.
#
# usage: HEZONG_GO_MODULES=1 public_go.sh EXPORT_LOG WORK_FOLDER
# exit: 0 all held; 1 not; 77 not asked for, no Go of 1.24 or newer, or no access to modules
set -euo pipefail
export_log=$1
work=$2
# shellcheck source=tests/interop/go_modules.sh
source "$(dirname "${BASH_SOURCE[0]}")/go_modules.sh" interop.public_go
mkdir -p "$work"
work=$(cd "$work" && pwd)
download github.com/transparency-dev/tessera "$work/download"
cd "$modules"
program=$work/public_go
go build -o "$program" .

for count in 1 256 700 70000; do
  rm -rf "$work/export" "$work/tessera"
  mkdir -p "$work/export"
  mapfile -t vkeys < <("$export_log" "$work/export" "$count")
  tree=$work/export/tree
  "$program" fsck "$tree" "${vkeys[0]}" 2>"$work/fsck" || { cat "$work/fsck"; broken "tessera's fsck refuses a log of $count"; }
  for witness in "${vkeys[@]:1}"; do "$program" cosigned "$tree/checkpoint" "${vkeys[0]}" "$witness"; done
  [ "$count" -gt 700 ] || "$program" same "$tree" "$work/tessera" 2>/dev/null
  # A changed byte is refused. (Some versions of that fsck wait for ever after a fault: waiting is no acceptance.)
  for file in "$(cd "$tree" && find tile/entries -type f | head -1)" "$(cd "$tree" && find tile/0 -type f | head -1)"; do
    cp "$tree/$file" "$work/kept"
    printf '\001' | dd of="$tree/$file" bs=1 seek=20 conv=notrunc status=none
    if ! cmp -s "$tree/$file" "$work/kept" && timeout 5 "$program" fsck "$tree" "${vkeys[0]}" 2>/dev/null; then
      broken "tessera's fsck accepts a changed $file of $count"
    fi
    cp "$work/kept" "$tree/$file"
  done
done
echo "tessera: fsck holds for logs of 1, 256, 700 and 70000, and its own log of the same entries has the same tiles"
