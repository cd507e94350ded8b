#!/usr/bin/env bash
# Figure fetch: MB/s and processor seconds a GiB when a member fetches a model from another over TLS on loopback.
#   value: `hezong share fetch` from `hezong up --tls`: signed requests, gate, verified and durable blob
#   peer:  curl from nginx with TLS into a file, then sha256sum and sync of it, in the same run
# usage: ./dev bench fetch [MIB]   (1024 when absent)
set -euo pipefail
exec python3 "$HZ_SOURCE/bench/fetch.py" "$HZ_BUILD/bin/hezong" "${1:-1024}"
