#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# run.sh BUILD fuzz|canary NAME SECONDS: runs one fuzzer of a build tree, or its canary. A fuzzer passes when it finds
# nothing; what it finds is kept in BUILD/tests/fuzz/NAME, as is its corpus, with which the next run goes on. A canary
# passes when it finds something, from the seeds alone, that the fuzzer without the seeded bug has no quarrel with.
set -euo pipefail

folder=$1/tests/fuzz
kind=$2
name=$3
seconds=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

read -r _ max_len seeds < <(grep "^$name " "$folder/fuzzers.txt") || { echo "no fuzzer '$name'" && exit 1; }
read -r -a folders <<<"$seeds"
options=(-max_len="$max_len" -dict="$here/$name.dict" -timeout=25 -rss_limit_mb=2560 -print_final_stats=1
    -use_value_profile=1 -max_total_time="$seconds")
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

if [ "$kind" = fuzz ]; then
    mkdir -p "$folder/$name/corpus"
    exec "$folder/fuzz.$name" "${options[@]}" -artifact_prefix="$folder/$name/" "$folder/$name/corpus" "${folders[@]}"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/corpus"
options+=(-artifact_prefix="$work/")
if "$folder/canary.$name" "${options[@]}" "$work/corpus" "${folders[@]}" >"$work/log" 2>&1; then
    tail -n 20 "$work/log"
    echo "the canary of $name was not found in $seconds s"
    exit 1
fi
found=$(find "$work" -maxdepth 1 -name 'crash-*' | head -n 1)
[ -n "$found" ] || { tail -n 40 "$work/log" && echo "the canary of $name ended without an input" && exit 1; }
grep -E 'not true:|ERROR: |runtime error:|stat::number_of_executed' "$work/log" | head -n 3
"$folder/fuzz.$name" -timeout=25 "$found" >"$work/again" 2>&1 ||
    { cat "$work/again" && echo "what the canary of $name found is a bug of its own" && exit 1; }
echo "the canary of $name was found"
