#!/usr/bin/env bash
# A public witness that others wrote (torchwood's litewitness) in the quorum of a real node: it cosigns heads as they
# grow, and an old copy of the node gets no quorum from it.
#
# It is fetched as a Go module, pinned by public_go/go.sum, and compiled: an optional job.
#
# usage: HEZONG_GO_MODULES=1 public_witness.sh HEZONG WORK_FOLDER
# exit: 0 all held; 1 not; 77 not asked for, something is missing here, or no access to modules
set -euo pipefail
hezong=$1
work=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/interop/go_modules.sh
source "$here/go_modules.sh" interop.public_witness
for program in ssh-agent ssh-keygen python3; do
  command -v "$program" >/dev/null || skip "needs $program"
done
rm -rf "$work"
mkdir -p "$work"
work=$(cd "$work" && pwd)
download filippo.io/torchwood "$work/download"
(cd "$modules" && go build -o "$work/litewitness" filippo.io/torchwood/cmd/litewitness)

pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT

# Its key lives in an agent. The socket's path must be short.
short=$(mktemp -d)
ssh-keygen -q -t ed25519 -N '' -C witness -f "$work/key"
ssh-agent -D -a "$short/agent" >/dev/null &
pids+=($!)
for _ in $(seq 200); do [ -S "$short/agent" ] && break; python3 -c 'import select; select.select([], [], [], 0.05)'; done
SSH_AUTH_SOCK=$short/agent ssh-add -q "$work/key" 2>/dev/null
fingerprint=$(ssh-keygen -lf "$work/key.pub" | cut -d' ' -f2)

at() { HEZONG_PROGRESS=off "$hezong" --home "$work/$1" "${@:2}"; }
h() { at home "$@"; }
need() {
  at "$1" talent need add "backend:$2" skill:kernels --people-min 1 --port-hours-per-operator-min 1 \
    --port-hours-per-operator-max 2 >/dev/null
}
h init --name Acme --origin witnessed.example/log >/dev/null
vkey=$(h --json key list | python3 "$here/public_witness.py" log_key)

# It opens a port that was free a moment ago; when somebody took it, another one.
for _ in 1 2 3 4 5; do
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  "$work/litewitness" -name public.example/witness -db "$work/witness.db" -ssh-agent "$short/agent" \
    -key "$fingerprint" -listen "127.0.0.1:$port" 2>"$work/witness.log" &
  pids+=($!)
  if python3 "$here/public_witness.py" wait "$port" "${pids[-1]}"; then break; fi
  port=
done
[ -n "$port" ] || broken "litewitness does not start: $(tail -2 "$work/witness.log")"
witness=$(grep -o 'vkey=[^ ]*' "$work/witness.log" | head -1 | cut -d= -f2- | tr -d '"')
printf 'witness public %s http://127.0.0.1:%s\nquorum public\n' "$witness" "$port" >"$work/home/policy"

# Strangers get nothing from it, and so no quorum.
h --json node sync >"$work/stranger" && broken "a log that the witness does not know is cosigned"
python3 "$here/public_witness.py" round "$work/stranger" no || broken "$(cat "$work/stranger")"
python3 "$here/public_witness.py" know "$work/witness.db" witnessed.example/log "$vkey"
h --json node sync >"$work/first" || broken "$(cat "$work/first")"
python3 "$here/public_witness.py" round "$work/first" yes || broken "$(cat "$work/first")"
cp -a "$work/home" "$work/old"
for n in 1 2 3; do
  for m in 1 2 3 4 5; do
    need home "b$n-$m"
  done
  h --json node sync >"$work/grown" || broken "$(cat "$work/grown")"
  python3 "$here/public_witness.py" round "$work/grown" yes || broken "$(cat "$work/grown")"
done
h --json status >"$work/status" || true
python3 "$here/public_witness.py" status "$work/status" || broken "$(cat "$work/status")"
# The copy signs another history: the witness has seen more, and gives it nothing.
need old other
at old --json node sync >"$work/forked" && broken "an old copy gets its quorum"
python3 "$here/public_witness.py" round "$work/forked" no || broken "$(cat "$work/forked")"
rm -rf "$short"
echo "litewitness: cosigned every head of a growing log, none of a stranger and none of an old copy"
