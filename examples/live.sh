#!/usr/bin/env bash
# The live part of the demo, read by demo.sh: load on every product from ordinary clients, the supplier lost, the traffic
# moved to proven substitutes and back, and every answer counted.
# shellcheck disable=SC2154  # root, out, home, hezong, lose, owner and node come from demo.sh

site_of() { if [ "$1" = models ]; then echo site:rack-a; else echo site:hall-a; fi; }

# One line from what the clients wrote last.
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
watching() { # command...: runs it and shows the clients meanwhile
  "$@" &
  local work=$! code=0
  while kill -0 "$work" 2>/dev/null; do
    sleep 1
    loads_now
  done
  wait "$work" || code=$?
  [ "$code" = 0 ] || [ "$code" = 3 ] || return "$code"
}

live_part() {
  local member product
  clients=()
  step "Live: what serves today" "The company's racks and the hall run the incumbent runtime; each node is the gateway of its products."
  start_node hall
  quietly models pool site add site:rack-a --name "Rack A" --jurisdiction SG --backend backend:ort \
    --price-fen-per-hour-min 400 --price-fen-per-hour-max 500 --switch-minutes-min 1 --switch-minutes-max 2
  quietly models pool site add site:rack-b --name "Rack B" --jurisdiction SG --backend backend:opencv \
    --backend backend:refrt --price-fen-per-hour-min 400 --price-fen-per-hour-max 500 --switch-minutes-min 1 \
    --switch-minutes-max 2
  echo '{"sites":[{"site":"site:rack-a","adapter":"local","slots":4},{"site":"site:rack-b","adapter":"local","slots":4}]}' \
    >"$home/models/sites.json"
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
  run models drill apply --dry-run
  watching run models drill apply --end-lost
  watching run hall drill apply --end-lost
  run models drill verify
  run models pool route list

  step "Live: it returns" "The incumbent is started again, passes the golden set, and takes its traffic back."
  watching run models drill fail-back
  watching run hall drill fail-back
  run models drill status
  sleep 1
  touch "$out/stop"
  wait "${clients[@]}"
  clients=()
  run models pool meter show
  run models drill report --lose "$lose" --out "$out/report.html"
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
