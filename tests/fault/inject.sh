#!/usr/bin/env bash
# Runs a fault program once per (system call, n): the n-th call of that kind is killed before it happens (kill), or fails with
# EIO or ENOSPC. After each, what was acknowledged must be there and the work must go on.
#
# usage: inject.sh PROGRAM kill|eio|enospc
# exit: 0 all held; 1 a claim broke; 77 strace cannot trace here
set -euo pipefail
program=$1
fault=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! command -v strace >/dev/null || ! strace -o /dev/null true 2>/dev/null; then
  echo "SKIPPED: $(basename "$program") $fault: strace is missing or may not trace here"
  exit 77
fi

# Killing matters only before calls that change something; failing also where something is read.
changing=write,pwrite64,fsync,fdatasync,syncfs,ftruncate,rename,linkat,unlink,mkdir,fchmod,openat
case $fault in
  kill) action=signal=KILL calls=$changing ;;
  eio) action=error=EIO calls=$changing,pread64,read,flock ;;
  enospc) action=error=ENOSPC calls=write,pwrite64,fsync,fdatasync,syncfs,ftruncate,rename,linkat,mkdir,openat ;;
  *) exit 2 ;;
esac

"$program" prepare "$work/before"

# How often a clean run makes each call. Faults in the program loader would test the loader, so those calls are left out.
cp -r "$work/before" "$work/clean"
strace -f -o "$work/trace" -e "trace=$calls" "$program" run "$work/clean" >"$work/acks" 2>/dev/null
"$program" verify "$work/clean" "$work/acks"
# The same program told to do nothing makes the loader's calls only.
strace -f -o "$work/idle" -e "trace=$calls" "$program" >/dev/null 2>&1 || true

cases=0 stopped=0
for call in ${calls//,/ }; do
  total=$(grep -c " $call(" "$work/trace" || true)
  first=$(($(grep -c " $call(" "$work/idle" || true) + 1))
  for ((n = first; n <= total; ++n)); do
    rm -rf "$work/now"
    cp -r "$work/before" "$work/now"
    status=0
    # The inner shell keeps its "Killed" to itself.
    (strace -f -o /dev/null -e "trace=$call" -e "inject=$call:$action:when=$n" "$program" run "$work/now" \
      >"$work/acks" 2>"$work/errors"; exit $?) 2>/dev/null || status=$?
    # 0: the fault did not matter; 3 to 9: refused in words; 137: killed. Anything else is a crash.
    if [ "$status" -ne 0 ] && { [ "$status" -lt 3 ] || [ "$status" -gt 9 ]; } && [ "$status" -ne 137 ]; then
      echo "BROKEN: $call number $n: the run ended with $status"
      cat "$work/errors"
      exit 1
    fi
    [ "$status" -eq 0 ] || stopped=$((stopped + 1))
    if ! "$program" verify "$work/now" "$work/acks" 2>"$work/errors"; then
      echo "BROKEN: $fault at $call number $n of $total; acknowledged: $(tr '\n' ' ' <"$work/acks")"
      cat "$work/errors"
      exit 1
    fi
    cases=$((cases + 1))
  done
done
echo "$(basename "$program") $fault: $cases faults, $stopped stopped the run, nothing acknowledged was lost"
[ "$cases" -gt 0 ]
