#!/usr/bin/env bash
# The main job, end to end, on real models and real runtimes: what stops when the entity behind the incumbent runtime is
# gone, what proven thing replaces it, what stays undone.
# usage: examples/demo.sh [--home DIR] [--out DIR] [--lose TARGET]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$root/build/demo
home=
lose=entity:microsoft
while [ $# -gt 0 ]; do
  case $1 in
    --home) home=$2 && shift 2 ;;
    --out) out=$2 && shift 2 ;;
    --lose) lose=$2 && shift 2 ;;
    *) echo "examples/demo.sh: unknown argument $1" >&2 && exit 2 ;;
  esac
done
mkdir -p "$out"
if [ -z "$home" ]; then
  home=$out/home
  rm -rf "$home" # the demo's own member; a home named by the caller is never removed
fi
export HEZONG_HOME=$home
hezong=${HEZONG_BIN:-$root/build/release/bin/hezong}
started=$(date +%s)

bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'
if [ -n "${NO_COLOR:-}" ] || [ ! -t 1 ]; then bold='' dim='' plain=''; fi

step_number=0
step() { # title, what it means
  step_number=$((step_number + 1))
  printf '\n%s%s. %s%s\n%s%s%s\n' "$bold" "$step_number" "$1" "$plain" "$dim" "$2" "$plain"
}
run() { # shows and runs one command; exit 3 means "checked, the answer is no" and is no failure of the demo
  printf '%s$ hezong %s%s\n' "$bold" "$*" "$plain"
  local code=0
  "$hezong" "$@" || code=$?
  if [ "$code" != 0 ] && [ "$code" != 3 ]; then
    echo "demo: the command failed with exit code $code" >&2
    exit "$code"
  fi
  return 0
}
quietly() { "$hezong" "$@" >/dev/null; }

step "A member" "Keys, an append-only log and a store are created. Everything below is signed into that log."
run init --name "Demo Member" --origin demo.example/member

step "What is declared" \
  "Who owns whom comes from a signed list; sites, prices and skills are the member's own figures. Nothing else is typed."
run supply entities import "$root/examples/alliance/entities.toml"
declare_site() { # id name jurisdiction price_min price_max switch_min switch_max backend...
  local id=$1 name=$2 jurisdiction=$3 price_min=$4 price_max=$5 switch_min=$6 switch_max=$7
  shift 7
  local flags=()
  for backend in "$@"; do flags+=(--backend "backend:$backend"); done
  quietly pool site add "site:$id" --name "$name" --jurisdiction "$jurisdiction" "${flags[@]}" \
    --price-fen-per-hour-min "$price_min" --price-fen-per-hour-max "$price_max" \
    --switch-minutes-min "$switch_min" --switch-minutes-max "$switch_max"
}
declare_site hall-a "Hall A" CN 180 240 2 10 ort opencv
declare_site hall-b "Hall B" CN 300 420 3 8 refrt
declare_site cell-1 "Cell 1" DE 90 120 1 4 ort opencv
quietly talent need add backend:opencv skill:opencv-dnn-layers --people-min 1 \
  --port-hours-per-operator-min 8 --port-hours-per-operator-max 40
quietly talent need add backend:refrt skill:reference-kernels --people-min 1 \
  --port-hours-per-operator-min 4 --port-hours-per-operator-max 16
for model in glyph keyword intent reach; do
  quietly share release "$root/examples/alliance/products/$model.onnx" --name "$model" --licence Apache-2.0
done
echo "3 sites, 2 skills and 4 model releases declared."

step "Exposure scan" "The supply graph fills itself from manifests, models, libraries, packages and configuration."
deploy=$out/deploy
rm -rf "$deploy"
mkdir -p "$deploy"
cp -r "$root"/examples/alliance/{products,backends.toml} "$deploy/"
[ -d "$root/build/npm/node_modules" ] && cp -r "$root/build/npm/node_modules" "$deploy/node_modules"
run exposure scan "$deploy"

step "Conformance" "1,072 official operator cases and every product's golden set, on every backend present, in processes that may crash."
run conform run --products "$deploy/products"

step "What if" "$lose is gone."
run drill what-if --lose "$lose"

step "Plan" "Only backends with evidence on that very model are proposed; what nothing replaces is named."
run drill plan --lose "$lose"

step "Report" "One self-contained HTML file for people who were not here."
run drill report --lose "$lose" --out "$out/report.html"

step "Evidence" "The whole log is checked; one statement is exported and checked as a stranger would, without the member."
run log verify
echo "the log holds"
id=$("$hezong" log show --kind standards.model_result --limit 1 --json | grep -o '"id":"[0-9a-f]*"' | head -1 | cut -d'"' -f4)
run proof export "$id" --out "$out/evidence.hzproof"
HEZONG_HOME=/nonexistent run audit verify "$out/evidence.hzproof"
echo "the exported statement holds"

plan=$("$hezong" drill plan --lose "$lose" --json) || [ $? = 3 ]
count() { grep -o "\"outcome\":\"$1\"" <<<"$plan" | wc -l || true; }
saved=$(count substituted)
unsaved=$(count unsaved)
printf '\n%sProducts saved by a proven substitute: %s%s\n' "$bold" "$saved" "$plain"
if [ "$unsaved" -gt 0 ]; then echo "Products honestly not saved: $unsaved"; else echo "everything is saved"; fi
echo "Report: $out/report.html (took $(($(date +%s) - started)) s)"
