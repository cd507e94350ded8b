#!/usr/bin/env bash
# P14: start-up of the command line and a clean build from nothing, without the compiler cache.
# usage: ./dev bench p14 [--build]   (the clean build takes minutes, so it is asked for)
set -euo pipefail
hezong=$HZ_BUILD/bin/hezong
runs=40
times=$(for _ in $(seq "$runs"); do
  start=$(date +%s%N)
  "$hezong" --help >/dev/null
  end=$(date +%s%N)
  echo $(((end - start) / 1000))
done | sort -n)
help_us=$(echo "$times" | sed -n "$((runs / 2))p")
peer=$(for _ in $(seq "$runs"); do
  start=$(date +%s%N)
  git --version >/dev/null
  end=$(date +%s%N)
  echo $(((end - start) / 1000))
done | sort -n | sed -n "$((runs / 2))p")
printf 'hezong --help   median %s us of %s runs (git --version in the same run: %s us)\n' "$help_us" "$runs" "$peer"
build_s=null
if [ "${1:-}" = --build ]; then
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  start=$(date +%s)
  (cd "$HZ_SOURCE" && CCACHE_DISABLE=1 cmake --preset dev -B "$scratch") >/dev/null
  CCACHE_DISABLE=1 ninja -C "$scratch" >/dev/null
  build_s=$(($(date +%s) - start))
  printf 'clean build     %s s on %s cores, everything, no cache (goal 480 s)\n' "$build_s" "$(nproc)"
fi
awk -v v="$help_us" -v p="$peer" -v b="$build_s" 'BEGIN {
  ok = v <= 20000 && (b == "null" || b <= 480)
  printf "{\"id\":\"p14\",\"value\":%.2f,\"unit\":\"ms\",\"goal\":20,\"peer\":\"git --version %.2f ms\",\"ratio\":%.2f,\"ok\":%s,\"clean_build_s\":%s}\n",
    v / 1000, p / 1000, v / p, ok ? "true" : "false", b }'
