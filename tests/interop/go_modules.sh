# What the optional jobs that fetch and compile public Go modules begin with.
#
# usage: source go_modules.sh NAME_OF_THE_TEST
# shellcheck shell=bash
job=$1
skip() {
  echo "SKIPPED: $job: $1"
  exit 77
}
broken() {
  echo "BROKEN: $1"
  exit 1
}
[ "${HEZONG_GO_MODULES:-}" = 1 ] || skip "set HEZONG_GO_MODULES=1 to fetch and compile Go modules"
command -v go >/dev/null || skip "needs a Go toolchain"
version=$(go env GOVERSION | sed 's/^go//')
[ "$(printf '%s\n1.24\n' "$version" | sort -V | head -1)" = 1.24 ] || skip "needs Go 1.24 or newer, here is $version"
modules=$(cd "$(dirname "${BASH_SOURCE[0]}")/public_go" && pwd)

# A module of public_go/go.sum, its log in the file. Skips without access.
download() {
  (cd "$modules" && timeout 120 go mod download "$1" 2>"$2") || skip "no access to Go modules: $(tail -1 "$2")"
}
