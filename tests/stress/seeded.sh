#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# Proves that the ThreadSanitizer lane can see: of three builds of snapshot_torture and two each of ids_torture and
# arena_torture, those without a bug have to pass, and those with a seeded one have to be reported. Otherwise a lane
# that is blind would pass.
#
#   usage: seeded.sh <suppressions> <snapshot_torture without bug> <with bug 1> <with bug 2>
#                    <ids_torture without bug> <with bug 3> <arena_torture without bug> <with bug 4>
set -euo pipefail

if [ $# -ne 8 ]; then
    echo "usage: $0 <suppressions> <snapshot_torture without bug> <with bug 1> <with bug 2>" \
        "<ids_torture without bug> <with bug 3> <arena_torture without bug> <with bug 4>" >&2
    exit 2
fi

reported=66
failures=0
export GM_TORTURE_SECONDS=${GM_TORTURE_SECONDS:-10}
export TSAN_OPTIONS="suppressions=$1 halt_on_error=1 exitcode=$reported"

# check WHAT PROGRAM CODE: run it, compare its exit code, and show what it printed when that is another.
check() {
    local log status=0
    log=$(mktemp)
    "$2" >"$log" 2>&1 || status=$?
    if [ "$status" -eq "$3" ] && { [ "$3" -eq 0 ] || grep -q 'WARNING: ThreadSanitizer' "$log"; }; then
        echo "ok: $1: exit code $status"
    else
        echo "FAILED: $1: exit code $status, expected $3"
        sed 's/^/  | /' "$log" | tail -n 40
        failures=$((failures + 1))
    fi
    rm -f "$log"
}

check "no seeded bug" "$2" 0
check "bug 1, memory freed without a grace period" "$3" $reported
check "bug 2, pointer used after unpin" "$4" $reported
check "no seeded bug, ids" "$5" 0
check "bug 3, giving an id back orders nothing" "$6" $reported
check "no seeded bug, arenas" "$7" 0
check "bug 4, a change of an arena is published without order" "$8" $reported
[ "$failures" -eq 0 ]
