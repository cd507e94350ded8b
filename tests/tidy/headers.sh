#!/usr/bin/env bash
# Every header compiles alone. A header that its own source includes first has been compiled alone by the build itself;
# the others are compiled here. usage: tests/tidy/headers.sh BUILD_DIR
set -euo pipefail
build=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mapfile -t headers < <(git ls-files 'src/*.h' 'refrt/*.h' 'hosts/*.h')
alone=()
for header in "${headers[@]}"; do
  own=${header%.h}.cc
  first=$(grep -m1 '^#include' "$own" 2>/dev/null || true)
  first=${first#*\"} first=${first%\"}
  if [ -n "$first" ] && [[ $header == *"$first" ]]; then continue; fi
  alone+=("$header")
done
mapfile -t packages < <(pkg-config --cflags-only-I tomlplusplus libsodium sqlite3 | tr ' ' '\n' | sed '/^$/d')
export build packages
check() {
  printf '#include "%s"\n' "$PWD/$1" |
    clang++-19 -std=c++23 -fsyntax-only -x c++ -Isrc -I. -Ihosts -I"$build/gen" -I/usr/include/opencv4 -Wall -Wextra -Werror -Wno-pragma-once-outside-header - ||
    { echo "$1 does not compile alone" >&2; return 1; }
}
export -f check
printf '%s\n' "${alone[@]}" | xargs -P 2 -I {} bash -c 'check {}'
echo "${#headers[@]} headers compile alone, ${#alone[@]} of them checked here"
