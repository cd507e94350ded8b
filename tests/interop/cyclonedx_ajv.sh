#!/usr/bin/env bash
# Seeded BOMs, judged by ajv over the schemas that @cyclonedx/cyclonedx-library ships and by our reader.
#
# usage: cyclonedx_ajv.sh BOM_VERDICTS NODE_MODULES [SEED [COUNT]]
# exit: 0 the same verdicts; 1 not; 77 node or the packages are missing
set -euo pipefail
verdicts=$1 modules=$2 seed=${3:-20261127} count=${4:-3000}
if ! command -v node >/dev/null || [ ! -e "$modules/@cyclonedx/cyclonedx-library" ] || [ ! -e "$modules/ajv" ]; then
  echo "SKIPPED: node, ajv or @cyclonedx/cyclonedx-library is missing (./dev deps installs them)"
  exit 77
fi
echo "seed $seed, $count BOMs"
node "$(dirname "$0")/cyclonedx_ajv.cjs" "$modules" "$seed" "$count" 2>/dev/null | "$verdicts"
