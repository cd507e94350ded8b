#!/usr/bin/env bash
# From the loss of a supplier to proven substitutes serving: four products of the demo, their real models, and every case of
# their golden sets asked of the server that will serve before a request goes there.
#   value: seconds until the last product's traffic is over, median of the rounds; goal 2 on this machine's own sites, 5 on
#   two live Slurm clusters of accelerators that are counted and not there (slurm-wlm, slurmrestd; root)
# usage: ./dev bench detect [local|slurm] [ROUNDS]   (local and 3 when absent)
set -euo pipefail
exec python3 "$HZ_SOURCE/bench/detect.py" "$HZ_BUILD/bin/hezong" "$HZ_SOURCE" "${1:-local}" "${2:-3}"
