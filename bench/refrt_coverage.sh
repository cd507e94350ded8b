#!/usr/bin/env bash
# How much of the official operator suite the reference runtime answers correctly. Peer: the score of ONNX Runtime 1.30
# over the same 1,072 cases without opset lift, measured once (981; research/standards.md).
set -euo pipefail
score=$HZ_BUILD/bin/refrt_score
"$score"
json=$("$score" --json) || { echo "$json"; exit 1; }
awk -v json="$json" 'BEGIN {
  match(json, /"passed":[0-9]+/); passed = 0 + substr(json, RSTART + 9, RLENGTH - 9)
  match(json, /"operators":[0-9]+/); operators = substr(json, RSTART + 12, RLENGTH - 12)
  match(json, /"ms":[0-9]+/); ms = substr(json, RSTART + 5, RLENGTH - 5)
  printf "{\"id\":\"refrt_coverage\",\"value\":%d,\"unit\":\"cases\",\"goal\":950,\"peer\":\"ONNX Runtime 1.30: 981\",\"ratio\":%.3f,\"ok\":%s,\"operators\":%d,\"ms\":%d}\n",
    passed, passed / 981, (passed >= 950 ? "true" : "false"), operators, ms }'
