#!/usr/bin/env bash
# The live part of the demo, read by demo.sh: load on every product from ordinary clients, the supplier lost, the traffic
# moved to proven substitutes and back, and every answer counted.
# shellcheck disable=SC2154  # root, out, home, hezong, lose, owner and node come from demo.sh

site_of() { if [ "$1" = models ]; then echo site:rack-a; else echo site:hall-a; fi; }

# One line from what the clients wrote last: what an ordinary client saw, beside what the gateway's meter says.
loads_now() {
  python3 - "$out" <<'PY'
import glob, json, sys
parts = []
for name in sorted(glob.glob(sys.argv[1] + "/load-*.now")):
    try:
        with open(name, encoding="ascii") as f:
            seen = json.load(f)
    except (OSError, ValueError):
        continue
    parts.append(f"{seen['product']} {seen.get('per_second', 0)}/s {seen['failed']} failed")
print("   " + "  |  ".join(parts))
PY
}
# Runs a drill command of both members side by side; the company's drill is watched meanwhile.
together() { # words of the drill command
  local member code work=()
  for member in models hall; do
    as "$member" drill "$@" >"$out/live-$member.txt" 2>"$out/live-$member.log" &
    work+=($!)
  done
  printf '%smodels$ hezong drill %s   and the same at the hall; meanwhile: hezong drill watch%s\n' "$bold" "$*" "$plain"
  { as models drill watch >/dev/null; } 2>&1 || true
  for member in "${work[@]}"; do
    code=0
    wait "$member" || code=$?
    [ "$code" = 0 ] || [ "$code" = 3 ] || { cat "$out"/live-*.log >&2 && return "$code"; }
  done
  cat "$out/live-models.txt" "$out/live-hall.txt"
}

# A Slurm cluster of one's own on loopback, with devices that are counted and not there.
start_cluster() {
  cluster=$(mktemp -d)
  chmod 711 "$cluster"
  mkdir "$cluster/slurm"
  mkfifo "$cluster/stdin"
  # It ends at the end of its input, which a process of its own holds open: a descriptor here would be inherited by all.
  sleep 600 >"$cluster/stdin" &
  cluster_input=$!
  python3 "$root/tests/sites/slurm_cluster.py" "$cluster/slurm" demo 2 <"$cluster/stdin" >"$cluster/up" 2>"$cluster/log" &
  cluster_process=$!
}
stop_cluster() {
  [ -n "${cluster:-}" ] || return 0
  kill "$cluster_input" 2>/dev/null || true
  wait "$cluster_process" 2>/dev/null || true
  rm -rf "$cluster"
  cluster=
}
cluster_is_up() { # false: there is none
  local deadline=$((SECONDS + 30))
  until [ -s "$cluster/up" ]; do
    kill -0 "$cluster_process" 2>/dev/null && [ $SECONDS -lt $deadline ] || return 1
    sleep 0.1
  done
}

live_part() {
  local member product sites engines=(--backend backend:refrt)
  clients=()
  step "Live: what serves today" "The company's racks and the hall run the incumbent runtime; each node is the gateway of its products."
  start_node hall
  quietly models pool site add site:rack-a --name "Rack A" --jurisdiction SG --backend backend:ort \
    --price-fen-per-hour-min 400 --price-fen-per-hour-max 500 --switch-minutes-min 1 --switch-minutes-max 2
  sites='{"site":"site:rack-a","adapter":"local","slots":4},{"site":"site:rack-b","adapter":"local","slots":4}'
  if cluster_is_up; then
    sites+=$(sed 's|.*"port": \([0-9]*\), "key": "\([^"]*\)".*|,{"site":"site:hpc","adapter":"slurm","port":\1,"jwt_key_file":"\2"|' "$cluster/up")
    sites+=",\"user\":\"games\",\"gres\":\"dcu:1\",\"shared\":\"$cluster/shared\"}"
    quietly models pool site add site:hpc --name "HPC partition" --jurisdiction SG --backend backend:opencv \
      --price-fen-per-hour-min 400 --price-fen-per-hour-max 500 --switch-minutes-min 1 --switch-minutes-max 2
  else
    engines+=(--backend backend:opencv)
    echo "SKIPPED: the second site as a Slurm cluster: $(tail -1 "$cluster/log")"
  fi
  quietly models pool site add site:rack-b --name "Rack B" --jurisdiction SG "${engines[@]}" --price-fen-per-hour-min 400 \
    --price-fen-per-hour-max 500 --switch-minutes-min 1 --switch-minutes-max 2
  echo "{\"sites\":[$sites]}" >"$home/models/sites.json"
  echo '{"sites":[{"site":"site:hall-a","adapter":"local","slots":4},{"site":"site:cell-1","adapter":"local","slots":4}]}' \
    >"$home/hall/sites.json"
  for product in glyph intent keyword reach; do
    member=${owner[$product]}
    quietly "$member" job submit "product:$product" --site "$(site_of "$member")" --backend backend:ort \
      --claim "today-$product" --wait
    quietly "$member" pool route set "product:$product" --target "today-$product,$(site_of "$member"),backend:ort"
  done
  rm -f "$out"/key-* "$out"/load-* "$out/stop"
  quietly models pool key add shop --product product:glyph --product product:intent --product product:keyword \
    --out "$out/key-models"
  quietly hall pool key add plant --product product:reach --out "$out/key-hall"
  run models job list
  run models pool route list

  step "Live: load" "An ordinary client of the Open Inference Protocol per product, one request after the other."
  for product in glyph intent keyword reach; do
    member=${owner[$product]}
    python3 "$root/examples/load.py" "$(grep -o 'https\?://[0-9.:]*' "$home/$member/node.json" | head -1)" "$product" \
      "$root/examples/alliance/products/$product.golden" "$out/key-$member" "$out/stop" "$out/load-$product.now" \
      >"$out/load-$product.json" &
    clients+=($!)
  done
  sleep 2
  loads_now

  step "Live: $lose is lost" "The substitutes start, pass their whole golden sets on the server that will serve, then take the traffic."
  for member in models hall; do run "$member" drill new --lose "$lose" --live; done
  printf '%smodels$ hezong drill apply --dry-run%s\n' "$bold" "$plain"
  as models drill apply --dry-run | cut -c1-150 | head -12
  together apply --end-lost
  run models drill verify
  loads_now
  run models pool route list

  step "Live: it returns" "The incumbent is started again, passes the golden set, and takes its traffic back."
  together fail-back
  sleep 1
  touch "$out/stop"
  wait "${clients[@]}"
  clients=()
  run models pool meter show

  step "Live: the exit plan" "What was left undone has an owner; the file is checked by somebody who never saw the alliance."
  run models drill item open --owner "Kernel team" --due 2027-03-31
  run models drill report --out "$out/report.html" --bundle "$out/exit.hzbundle"
  printf '%sstranger$ hezong audit verify %s%s\n' "$bold" "$out/exit.hzbundle" "$plain"
  HEZONG_HOME=/nonexistent "$hezong" audit verify "$out/exit.hzbundle" | sed -n '1p;/^exit plan/,/^$/p'
  stop_cluster
  echo
  python3 - "$out" <<'PY'
import glob, json, sys
sent = failed = 0
for name in sorted(glob.glob(sys.argv[1] + "/load-*.json")):
    with open(name, encoding="ascii") as f:
        seen = json.load(f)
    sent, failed = sent + seen["sent"], failed + seen["failed"]
    right = 100 * seen["right"] / max(1, seen["sent"])
    print(f"{seen['product']:8} {seen['sent']} requests, {seen['failed']} failed, {right:.1f} % right, longest "
          f"{seen['longest_ms']} ms {seen['last_fault']}")
print(f"requests: {sent}, failed requests: {failed}")
PY
}
