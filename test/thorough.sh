#!/usr/bin/env bash
# npm run thorough: what `npm test` does a few times, done many times (test/support/runs.ts), 100,000 events followed without loss, and
# 500 random sequences of operations that must come to the same on two sandboxes, and a soak of 60 Backups. (On a real server and the
# sandbox: test/e2e.)
# Four minutes or more on two cores, and never more than twenty.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t files < <(grep -rlF '/support/runs.ts' test --include='*.test.ts')
[ ${#files[@]} -gt 0 ] || { echo 'no test file reads its runs from test/support/runs.ts' >&2; exit 1; }
TIDEWAITER_THOROUGH=1 timeout -k 10 420 tap run --timeout=200 "${files[@]}"
# A process that stands still while its Lease runs out: mostly waiting, and three processes to start.
timeout -k 10 240 tap run --timeout=230 test/crash/paused.ts
timeout -k 10 360 node test/sandbox/followers/main.ts
timeout -k 10 300 node test/contract/random-main.ts --count 500 --seed 1
timeout -k 10 240 node test/soak/main.ts --backups 60 --lanes 16
