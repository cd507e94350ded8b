#!/usr/bin/env bash
# The main job, end to end: three members on one machine, real models and real runtimes. What stops when the entity
# behind the incumbent runtime is gone, what proven thing replaces it, whose evidence says so and on whose site, and what
# stays undone. Then one node is killed and the answer stays.
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
  rm -rf "$home" # the demo's own members; a folder named by the caller is never removed
fi
mkdir -p "$home"
hezong=${HEZONG_BIN:-$root/build/release/bin/hezong}
started=$(date +%s)

bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'
if [ -n "${NO_COLOR:-}" ] || [ ! -t 1 ]; then bold='' dim='' plain=''; fi

declare -A node # process of each member's node
clients=() # processes of the live part's load
stop_nodes() {
  local member claim
  for member in "${clients[@]}"; do kill "$member" 2>/dev/null || true; done
  # Model servers outlive commands and nodes, on purpose; the demo's end with it.
  for member in models hall; do
    [ -e "$home/$member/sites.json" ] || continue
    for claim in $(HEZONG_HOME=$home/$member "$hezong" job list --json 2>/dev/null | grep -o '"claim":"[^"]*"' | cut -d'"' -f4); do
      HEZONG_HOME=$home/$member "$hezong" job cancel "$claim" >/dev/null 2>&1 || true
    done
  done
  for member in "${!node[@]}"; do kill "${node[$member]}" 2>/dev/null || true; done
  for member in "${!node[@]}"; do wait "${node[$member]}" 2>/dev/null || true; done
  if declare -F stop_cluster >/dev/null; then stop_cluster; fi
}
trap stop_nodes EXIT
trap 'exit 130' INT TERM

step_number=0
step() { # title, what it means
  step_number=$((step_number + 1))
  printf '\n%s%s. %s%s\n%s%s%s\n' "$bold" "$step_number" "$1" "$plain" "$dim" "$2" "$plain"
}
as() { # member, command...: without showing it
  local member=$1
  shift
  HEZONG_HOME=$home/$member "$hezong" "$@"
}
quietly() { as "$@" >/dev/null; }
run() { # member, command...: shows and runs it; exit 3 means "checked, the answer is no" and is no failure of the demo
  printf '%s%s$ hezong %s%s\n' "$bold" "$1" "${*:2}" "$plain"
  local code=0
  as "$@" || code=$?
  if [ "$code" != 0 ] && [ "$code" != 3 ]; then
    echo "demo: the command failed with exit code $code" >&2
    exit "$code"
  fi
  return 0
}
start_node() { # member
  local log=$home/$1.node.txt
  HEZONG_PROGRESS=plain HEZONG_HOME=$home/$1 "$hezong" up --sync-ms 400 >"$log" 2>&1 &
  node[$1]=$!
  until grep -q '://' "$log"; do
    kill -0 "${node[$1]}" 2>/dev/null || { cat "$log" >&2 && exit 1; }
    sleep 0.05
  done
}
frontier() { as "$1" status --json | grep -o '"digest":"[0-9a-f]*"' | tail -1 | cut -d'"' -f4; }
in_step() { # members...: waits until rounds have brought all of them to one frontier, each head cosigned by a quorum
  local deadline=$((SECONDS + 60)) member seen
  until
    seen=$(for member in "$@"; do frontier "$member"; done | sort -u)
    [ "$(wc -l <<<"$seen")" = 1 ] &&
      for member in "$@"; do as "$member" node peers --json | grep -q '"quorum":true' || break; done &&
      as "$member" node peers --json | grep -q '"quorum":true'
  do
    [ $SECONDS -lt $deadline ] || { echo "demo: the nodes did not come into step: $seen" >&2 && exit 1; }
    sleep 0.1
  done
}

live=
if ls "$root"/build/npm/node_modules/onnxruntime-node >/dev/null 2>&1 && command -v python3 >/dev/null; then
  # shellcheck source=examples/live.sh
  . "$root/examples/live.sh"
  live=1
  start_cluster # it is up when it is needed
fi

step "Three members" "A model company, a compute hall and a test lab: each has its keys, its signed log and its node."
run models init --name "Model Company" --origin models.example
quietly hall init --name "Compute Hall" --origin hall.example
quietly lab init --name "Test Lab" --origin lab.example
for member in models hall lab; do start_node "$member"; done
run models charter adopt --name "Demo alliance"
for member in hall lab; do
  run models member invite --out "$out/invite-$member.json"
  run "$member" join "$out/invite-$member.json"
  run models member admit "$member.example"
done
quietly models node describe --jurisdiction SG
quietly hall node describe --jurisdiction CN
quietly lab node describe --jurisdiction DE
in_step models hall lab

step "What each declares" "The company its products and models, the hall its places and skills. All of it is signed."
for member in models hall; do quietly "$member" supply entities import "$root/examples/alliance/entities.toml"; done
declare_site() { # id name jurisdiction price_min price_max switch_min switch_max backend...
  local id=$1 name=$2 jurisdiction=$3 price_min=$4 price_max=$5 switch_min=$6 switch_max=$7
  shift 7
  local flags=()
  for backend in "$@"; do flags+=(--backend "backend:$backend"); done
  quietly hall pool site add "site:$id" --name "$name" --jurisdiction "$jurisdiction" "${flags[@]}" \
    --price-fen-per-hour-min "$price_min" --price-fen-per-hour-max "$price_max" \
    --switch-minutes-min "$switch_min" --switch-minutes-max "$switch_max"
}
declare_site hall-a "Hall A" CN 180 240 2 10 ort opencv
declare_site hall-b "Hall B" CN 300 420 3 8 refrt
declare_site cell-1 "Cell 1" DE 90 120 1 4 ort opencv
quietly hall talent need add backend:opencv skill:opencv-dnn-layers --people-min 1 \
  --port-hours-per-operator-min 8 --port-hours-per-operator-max 40
quietly hall talent need add backend:refrt skill:reference-kernels --people-min 1 \
  --port-hours-per-operator-min 4 --port-hours-per-operator-max 16
# The company runs three of the products, the hall the robot arm.
declare -A owner=([glyph]=models [intent]=models [keyword]=models [reach]=hall)
for product in glyph intent keyword reach; do
  member=${owner[$product]}
  mkdir -p "$out/deploy-$member/products"
  cp "$root/examples/alliance/products/$product".* "$out/deploy-$member/products/"
  quietly "$member" share release "$root/examples/alliance/products/$product.onnx" --name "$product" \
    --licence Apache-2.0 --audience members --control none
  quietly "$member" share release "$root/examples/alliance/products/$product.golden" --name "$product-golden" \
    --licence Apache-2.0 --audience members --control none
done
echo "3 sites and 2 skills of the hall; 3 models of the company and 1 of the hall released, each with its golden set."

step "Exposure scan" "The supply graph fills itself from manifests, models, libraries, packages and configuration."
for member in models hall; do
  cp "$root/examples/alliance/backends.toml" "$out/deploy-$member/"
  rm -rf "$out/deploy-$member/node_modules"
  [ -d "$root/build/npm/node_modules" ] && cp -r "$root/build/npm/node_modules" "$out/deploy-$member/node_modules"
done
run models exposure scan "$out/deploy-models"
quietly hall exposure scan "$out/deploy-hall"
in_step models hall lab

step "Models travel" "The lab fetches what was released to it from whoever holds it; nobody else learns that it exists."
run lab share fetch glyph
for name in glyph-golden intent intent-golden keyword keyword-golden reach reach-golden; do
  quietly lab share fetch "$name"
done

step "Conformance" "The lab tests what it fetched: 1,072 operator cases, and every model on its own golden set."
run lab conform run
in_step models hall lab
echo "Three logs, one frontier:"
for member in models hall lab; do printf '  %-7s %s\n' "$member" "$(frontier "$member")"; done
echo "equal frontiers on 3 nodes"
run models node peers

step "What if" "$lose is gone."
run models drill what-if --lose "$lose"

step "Plan" "The company's products, on the hall's sites, by the lab's evidence. What nothing replaces is named."
run models drill plan --lose "$lose"

step "Nobody else's business" "The hall asks the same of its own node and sees its own product only."
run hall drill plan --lose "$lose"

step "Report" "One self-contained HTML file for people who were not here."
run models drill report --lose "$lose" --out "$out/report.html"

step "A node is killed" "The hall's node dies without a word. Its log is mirrored, so the plan stays what it was."
lines() { as models drill plan --lose "$lose" --json | grep -o '"product":"[^"]*","name":"[^"]*","outcome":"[^"]*"\|"site":"[^"]*"\|"evidence":"[^"]*"'; }
before=$(lines || true)
{ kill -KILL "${node[hall]}" && wait "${node[hall]}"; } 2>/dev/null || true # the shell would tell it as news
unset 'node[hall]'
run models node sync
after=$(lines || true)
if [ -z "$before" ] || [ "$before" != "$after" ]; then echo "demo: the plan changed" >&2 && exit 1; fi
echo "the plan is the same without the hall's node"
run models status

step "Evidence" "Everything the plan rests on, from three logs, in one file that a stranger checks without any node."
run models log verify
echo "the log holds"
run models audit bundle --lose "$lose" --out "$out/drill.hzbundle"
printf '%sstranger$ hezong audit verify %s%s\n' "$bold" "$out/drill.hzbundle" "$plain"
HEZONG_HOME=/nonexistent "$hezong" audit verify "$out/drill.hzbundle"
echo "the bundle holds"

if [ -n "$live" ]; then
  live_part
else
  echo "SKIPPED: the live part: it needs the incumbent runtime (npm) and python3"
fi

plan=$(as models drill plan --lose "$lose" --json) || [ $? = 3 ]
count() { grep -o "\"outcome\":\"$1\"" <<<"$plan" | wc -l || true; }
saved=$(count substituted)
unsaved=$(count unsaved)
printf '\n%sProducts saved by a proven substitute: %s%s\n' "$bold" "$saved" "$plain"
if [ "$unsaved" -gt 0 ]; then echo "Products honestly not saved: $unsaved"; else echo "everything is saved"; fi
echo "Report: $out/report.html (took $(($(date +%s) - started)) s)"
