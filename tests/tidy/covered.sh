#!/usr/bin/env bash
# shellcheck disable=SC2016 # the backticks are Markdown's
# Every operation is told by some story, and every reason an operation names is provoked by some test.
# usage: tests/tidy/covered.sh PATH/hezong
set -euo pipefail
hezong=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
status=0
stories=$(cat tests/scenario/*.txt)
while read -r verb; do
  if ! grep -qE "hezong( --[a-z-]+( [^ -][^ ]*)?)* $verb( |\$)" <<<"$stories"; then
    echo "no story in tests/scenario runs: hezong $verb" >&2
    status=1
  fi
done < <("$hezong" document cli | sed -n 's/^## hezong //p')
tests=$(git ls-files '*_test.cc' 'tests/*' | grep -v '/tidy/' | xargs cat)
while read -r slug; do
  if ! grep -qF "$slug" <<<"$tests"; then
    echo "no test provokes the reason $slug" >&2
    status=1
  fi
done < <("$hezong" document cli | grep -o 'Fails with: .*' | grep -oE '`[a-z0-9_.]+`' | tr -d '`' | sort -u)
[ "$status" = 0 ] && echo "every operation has a story, every reason a test"
exit $status
