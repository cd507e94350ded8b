#!/usr/bin/env bash
# Exports logs and lets a JavaScript verifier (@noble/curves and @noble/hashes, none of our code) check every kind of file
# we hand out, and refuse changed bytes.
#
# usage: js_verifier.sh EXPORT_LOG WORK_FOLDER
# exit: 0 all held; 1 not; 77 Node.js or the two npm packages are not here
set -euo pipefail
export_log=$1
work=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages=$here/../../build/npm_oracles/node_modules
if ! command -v node >/dev/null || [ ! -d "$packages/@noble/curves" ] || [ ! -d "$packages/@noble/hashes" ]; then
  echo "SKIPPED: interop.js_verifier: needs node, @noble/curves and @noble/hashes (./dev deps)"
  exit 77
fi
mkdir -p "$work"
# Modules are looked up from the importing file upwards.
cp "$here/verify_log.mjs" "$work/verify_log.mjs"
rm -rf "$work/node_modules"
ln -s "$(cd "$packages" && pwd)" "$work/node_modules"
for count in 1 256 700 5000; do
  rm -rf "$work/export"
  mkdir -p "$work/export"
  "$export_log" "$work/export" "$count" >"$work/export/keys"
  node "$work/verify_log.mjs" "$work/export"
done
rm -rf "$work/export"
