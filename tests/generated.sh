#!/usr/bin/env bash
# Committed copies of generated documents equal what the program prints. HZ_BLESS=1 rewrites them.
# usage: tests/generated.sh PATH/hezong
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
hezong=$1
status=0
check() { # document file
  local fresh
  fresh=$(mktemp)
  "$hezong" document "$1" >"$fresh"
  if [ "${HZ_BLESS:-}" = 1 ]; then
    mkdir -p "$(dirname "$2")"
    cp "$fresh" "$2"
  elif ! diff -u "$2" "$fresh"; then
    echo "$2 is out of step: run ./dev docs" >&2
    status=1
  fi
  rm -f "$fresh"
}
check cli docs/cli.md
check reasons docs/reasons.md
check kinds spec/kinds.json
check openapi spec/openapi.json
exit $status
