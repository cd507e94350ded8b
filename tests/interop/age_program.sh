#!/usr/bin/env bash
# Files of our age code are opened by the age program and the other way round: every chunk edge, one and several
# recipients, keys made by either side; what the age program wrote is refused with any bit changed.
#
# usage: age_program.sh AGE_FILE WORK_FOLDER
# exit: 0 all held; 1 not; 77 the age program is not here
set -euo pipefail
ours=$1
work=$2
if ! command -v age >/dev/null || ! command -v age-keygen >/dev/null; then
  echo "SKIPPED: interop.age: needs Debian's package age"
  exit 77
fi
rm -rf "$work"
mkdir -p "$work"
cd "$work"

us=$("$ours" key our.key)
age-keygen -o their.key 2>/dev/null
them=$(age-keygen -y their.key)
[ "$(age-keygen -y our.key)" = "$us" ] || { echo "BROKEN: age-keygen reads another recipient from our key"; exit 1; }

for size in 0 1 65535 65536 65537 131072; do
  head -c "$size" /dev/urandom >plain
  "$ours" encrypt plain ours.age "$us" "$them"
  age -r "$us" -r "$them" <plain >theirs.age
  for key in our.key their.key; do
    age -d -i "$key" ours.age >opened
    cmp plain opened
    rm opened
    "$ours" decrypt theirs.age opened "$key"
    cmp plain opened
    rm opened
  done
  rm -f ours.age theirs.age
done

# A small file of theirs, with every bit changed, and with a key it is not for.
printf 'hezong' >plain
age -r "$us" -o theirs.age plain
"$ours" refuse theirs.age our.key
if "$ours" decrypt theirs.age opened their.key 2>/dev/null; then
  echo "BROKEN: opened with a key it is not for"
  exit 1
fi
echo "6 sizes, both ways, both keys: all equal"
