#!/usr/bin/env bash
# P10: the gateway against nginx and haproxy, the same upstream, the same requests, one worker each, interleaved.
#   value: requests per processor second through the gateway (keys, quota, durable meter on), as a share of nginx's, in
#          the worst of three placements (see p10.py)
#   also:  chat requests through the same and through Portkey's gateway (npm, where it can be fetched); delay of a
#          request and of a streamed event, placed alike for each; memory
# nginx and wrk are needed, haproxy is optional (Debian packages nginx-light, wrk, haproxy).
# usage: ./dev bench p10 [SECONDS] [ROUNDS] [PARTS]   (1, 15 and all; parts: requests, chat, delays, with commas between)
set -euo pipefail
for need in /usr/sbin/nginx wrk; do
  command -v "$need" >/dev/null || {
    echo "p10 SKIPPED: $need is not on this machine (Debian packages nginx-light, wrk)"
    exit 0
  }
done
# A peer for this bench only, never a part of Hezong.
peers="$HZ_SOURCE/build/npm_peers"
portkey=@portkey-ai/gateway
if [ ! -e "$peers/node_modules/$portkey" ] && command -v npm >/dev/null; then
  mkdir -p "$peers"
  npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts --prefix "$peers" "$portkey@1.15.2" >&2 ||
    echo "npm could not fetch $portkey" >&2
fi
exec python3 "$HZ_SOURCE/bench/p10.py" "$HZ_BUILD/bin/hezong" "${1:-1}" "${2:-15}" "${3:-all}" \
  "$peers/node_modules/$portkey"
