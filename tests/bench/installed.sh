#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# installed.sh BUILD: installs into a prefix, moves the prefix, and runs the program from there: it has to find its own
# layouts, and the peers where they were built.
set -euo pipefail

build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/moved"
cd "$work"
program=$(find moved -name guestmem-bench -type f)
[ -n "$program" ] || { echo "no guestmem-bench was installed" && exit 1; }

# One layout is taken away: a program that looked into the source tree would still list it.
rm "$(find moved -name q35-4g.layout)"
"$program" --list >list
grep -q 'layout:q35-64g$' list || { echo "the installed layouts are not found" && exit 1; }
if grep -q 'layout:q35-4g$' list; then
    echo "layouts are taken from elsewhere"
    exit 1
fi

report=$("$program" --quick --no-counters --filter '^(T5/pin-unpin/threads:1|S3/.*q35-64g)' 2>err)
if grep -q 'skipped: guestmem-bench-shared' <<<"$report"; then
    echo "the program for the shared library is not found: $report"
    exit 1
fi
peers=$(find moved -name libbench_peers.so)
if [ -n "$peers" ] && grep -q 'no libbench_peers.so' <<<"$report"; then
    echo "the installed peers are not found"
    exit 1
fi
echo "the moved program finds what is its own"
