#!/usr/bin/env bash
# Exports logs of three sizes and lets Go's own transparency-log code verify them with their witnesses' cosignatures, and refuse
# every changed byte.
#
# usage: go_verifier.sh EXPORT_LOG WORK_FOLDER
# exit: 0 all held; 1 not; 77 Debian's Go or its x/mod is not here
set -euo pipefail
export_log=$1
work=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Debian's packages golang-go and golang-golang-x-mod-dev, offline. A newer Go elsewhere on PATH would want to fetch modules.
go=/usr/bin/go
if [ ! -x "$go" ] || [ ! -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]; then
  echo "SKIPPED: interop.go_verifier: needs golang-go and golang-golang-x-mod-dev"
  exit 77
fi
mkdir -p "$work/cache"
work=$(cd "$work" && pwd)
# GOROOT of another Go on this machine must not leak in.
unset GOROOT GOTOOLCHAIN GOFLAGS
export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$work/cache
verify=$work/verify_log
(cd "$here/verify_log" && "$go" build -o "$verify" .)

for count in 1 256 700 70000; do
  rm -rf "$work/export"
  mkdir -p "$work/export"
  vkeys=$("$export_log" "$work/export" "$count")
  "$verify" attack "$work/export/tree" "$vkeys"
  for proof in "$work"/export/*.tlog-proof; do "$verify" proof "$proof" "$vkeys"; done
  # Another log's key must not open it.
  if "$verify" tree "$work/export/tree" "${vkeys/interop/interoq}" 2>/dev/null; then
    echo "BROKEN: accepted under a foreign key"
    exit 1
  fi
  # Nor a witness that did not sign, in place of one that did.
  if "$verify" tree "$work/export/tree" "${vkeys/w1.example/w2.example}" 2>/dev/null; then
    echo "BROKEN: accepted with a foreign witness"
    exit 1
  fi
done
rm -rf "$work/export"
