#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# Explores commit.pml with Spin, whole state space, and then each of its mutants, which have to be found out: a
# model in which a known bug goes unseen proves nothing. Exits with 0, 1, or 77 where Spin is not installed.
set -euo pipefail

model=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/commit.pml
mutants=(NO_GRACE EARLY_GRACE LATE_HOLD NEWEST_ONLY BLOCKED_FOREVER FORGET_RETIRED)

for tool in spin cc; do
    if ! command -v "$tool" >/dev/null; then
        echo "SKIPPED: $tool is not installed"
        exit 77
    fi
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# explore NAME [OPTION OF SPIN...]: the verifier's report goes to NAME.log
explore() {
    local name=$1
    shift
    rm -f pan*
    spin -a "$@" "$model" >"$name.log"
    cc -O1 -w -DSAFETY -DCOLLAPSE -o pan pan.c
    ./pan -m100000 >>"$name.log" # exits with 0 also when it finds an error
}

wrong=0
explore protocol
if grep -q 'errors: 0$' protocol.log && ! grep -qE 'max search depth|out of memory' protocol.log; then
    echo "commit holds in $(sed -nE 's/^ *([0-9]+) states, stored.*/\1/p' protocol.log) states"
else
    cat protocol.log
    wrong=1
fi
if grep -qE '^[[:space:]]*\([1-9][0-9]* of [0-9]+ states\)' protocol.log; then
    echo "a part of the model is never reached:"
    cat protocol.log
    wrong=1
fi

for mutant in "${mutants[@]}"; do
    explore "$mutant" "-D$mutant"
    if grep -qE 'assertion violated|invalid end state' "$mutant.log"; then
        echo "mutant $mutant is caught: $(grep -m 1 -oE 'assertion violated|invalid end state' "$mutant.log")"
    else
        echo "mutant $mutant passes: the model does not see its bug"
        wrong=1
    fi
done
exit $wrong
