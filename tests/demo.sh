#!/usr/bin/env bash
# The demo as a test: it must end well, save a product, leave one honestly unsaved, and write a report that holds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
./dev demo --home "$folder/home" --out "$folder" >"$folder/demo.txt" 2>&1 || { cat "$folder/demo.txt"; exit 1; }
fail=0
expect() { # text, meaning
  if grep -qE "$1" "$folder/demo.txt"; then echo "ok: $2"; else echo "not ok: $2 (no line matches $1)"; fail=1; fi
}
expect 'saved by a proven substitute: [1-9]' 'at least one product is saved by a proven substitute'
expect 'honestly not saved|everything is saved' 'what is not saved is said'
expect 'equal frontiers on 3 nodes' 'three nodes have folded the same three logs'
expect '^(glyph|intent|keyword) .*@hall\.example .*lab\.example' "the company's plan stands on the hall's site and the lab's evidence"
expect 'Products saved by a proven substitute: 3' 'all three products of the company are saved'
expect '^reach .*substituted.*lab\.example' "the hall's own plan has its own product"
expect 'the plan is the same without the hall' 'the plan outlives the node of the hall'
expect '^CN +1 +fails' "the hall's jurisdiction is one whose loss breaks the company's quorum, and that is said"
expect 'holds: [1-9][0-9]* statements of 3 logs' 'the evidence shown to a stranger is of three logs'
expect 'standards.model_result .*lab.example/author' "the lab's results are in it, under its key"
expect 'witnesses  2: .*, a quorum' 'its heads are cosigned by a quorum'
company=$(sed -n '/^models\$ hezong drill plan/,/^Assumptions/p' "$folder/demo.txt")
hall=$(sed -n '/^hall\$ hezong drill plan/,/^Assumptions/p' "$folder/demo.txt")
if grep -q '^reach ' <<<"$company"; then echo "not ok: the company's plan shows the hall's product"; fail=1; fi
if grep -qE '^(glyph|intent|keyword) ' <<<"$hall"; then echo "not ok: the hall's plan shows the company's products"; fail=1; fi
if grep -q '^SKIPPED: the live part' "$folder/demo.txt"; then
  grep '^SKIPPED' "$folder/demo.txt"
else
  expect 'requests: [1-9][0-9]*, failed requests: 0$' 'four products were switched and back under load without a failed request'
  expect '^glyph +switched +backend:opencv +site:(hpc|rack-b)' 'the substitute took the traffic, on the second site'
  expect '^intent +switched +backend:refrt +site:rack-b' 'and another one on this machine'
  expect '^ *[0-9]+ s +glyph +switched' 'the drill was watched as it happened'
  expect '^exit plan of drill .* 3 saved, 0 not saved' 'the exit plan holds for a stranger'
  grep -E '^SKIPPED: the second site' "$folder/demo.txt" || true
  expect '^reach +failed back .*STRICT on [0-9]+ cases' 'the incumbent took it back after its whole golden set'
fi
expect 'the log holds' 'the whole log verifies'
expect 'the bundle holds' 'the bundle verifies offline'
report=$folder/report.html
if grep -q '<script' "$report"; then echo "not ok: the report has a script"; fail=1; fi
if grep -qE '(src|href)="https?:' "$report"; then echo "not ok: the report refers to the outside"; fail=1; fi
if [ "$fail" = 0 ]; then echo "demo passed"; else cat "$folder/demo.txt"; exit 1; fi
