#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# usage.sh GUESTMEM-BENCH: the real program on the command lines of people who make mistakes, and of those who do
# not. A mistake ends with status 2, nothing on standard output, and one line that says what and where.
set -euo pipefail

bench=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failures=0

fail() {
    echo "FAIL: $1" >&2
    failures=$((failures + 1))
}

# refused MESSAGE ARGUMENT...: the part of the message that has to be there, literally
refused() {
    local message=$1 status=0
    shift
    timeout 60 "$bench" "$@" >out 2>err || status=$?
    [ "$status" = 2 ] || fail "$*: status $status"
    [ ! -s out ] || fail "$*: printed something: $(head -c 200 out)"
    grep -qF -- "$message" err || fail "$*: no '$message' in: $(head -c 400 err)"
    [ "$(grep -c '^guestmem-bench: ' err)" = 1 ] || fail "$*: not one message: $(cat err)"
}

# listed PATTERN ARGUMENT...: --list with these prints a row like that
listed() {
    local pattern=$1
    shift
    if ! "$bench" --list "$@" >out 2>err; then
        fail "$*: $(cat err)"
    elif ! grep -qE -- "$pattern" out; then
        fail "$*: no row like $pattern"
    fi
}

printf '# guestmem layout 1\n0x0 0xffff ram a 0x0 a\n' >good.layout
printf '# guestmem layout 1\n0x0 0xffff ram a 0x0 a\n0x8000 0x1ffff ram b 0x0 b\n' >overlap.layout
printf '# guestmem trace 1\n0x1000 8\n0x2000 64 w\n' >good.trace
printf '# guestmem trace 1\n0x1000 8\n0x2000 64 x\n' >bad.trace
printf '# guestmem trace 1\n0x1000 8\n0x20000 64\n' >outside.trace
printf '# guestmem trace 1\nlayout nowhere\n0x1000 8\n' >nowhere.trace
mkdir other empty && cp good.layout good.trace other

refused "unknown option '--quck'; is --quick meant?" --quck
refused "a value is missing after --trace" --trace
refused "nowhere.layout: No such file or directory" --layout nowhere.layout
refused "overlap.layout:3: overlaps the range before ('a')" --layout overlap.layout
refused "other/good.layout: its rows would be called 'layout:good' like those of good.layout" \
    --layout good.layout --layout other/good.layout
refused "/dev/zero: not shorter than 256 MiB" --layout /dev/zero
refused "/: Is a directory" --trace /
refused "bad.trace:3: 'x' is none of r, w, next, indirect, inner" --trace bad.trace
refused "bad.trace:3: 'x' is none of" --trace bad.trace --list
refused "outside.trace:3: 0x20000 and 64 bytes are not all RAM of layout 'good'" \
    --layout good.layout --trace outside.trace
refused "/nowhere.layout: No such file or directory" --trace nowhere.trace
refused "good.layout:1: the first line is not '# guestmem trace 1'" --trace good.layout
refused "other/good.trace: its rows would be called like those of good.trace" \
    --trace good.trace --trace other/good.trace
refused "no *.layout in empty; --layout-dir names another folder" --layout-dir empty
refused "--filter '(': " --filter '('
refused "no row matches '^nothing\$' (see --list)" --filter '^nothing$'
refused "--threads 64: this process has" --threads 64
refused "cannot write /nowhere/report.json" --quick --filter '^S3' --json /nowhere/report.json

listed '^T1/.*/regions:3$' --regions 3,1k
listed '^T3/.*/regions:1024$' --regions 3,1k
listed '^T5/pin-unpin/' --regions 3
listed '^TR/iov/trace:good/layout:good$' --layout good.layout --trace good.trace
listed '^TR/call/trace:good/layout:made-up$' --trace good.trace
listed '^TR/call/trace:hand-made/layout:q35-64g$' --trace "$here/data/hand-made.trace"
listed '^TN/.*/threads:64/' --threads 64 --force
listed '^T8/readers/readers:3/writers:2/async/' --readers 3 --writers 2 --force
listed '^PG/.*/pages:1g$' --pages 1g
"$bench" --list --regions 3 >out
if grep -qE '^T[1-3]/translate/.*/(regions:8|mixed:)' out; then
    fail "--regions left usual counts in"
fi
"$bench" --help >out
grep -q '^usage: guestmem-bench' out || fail "--help"

# What the rows of a trace and of pages that are not there come to.
small=(--quick --no-counters --filter '^(TR|PG)' --pages '4k,1g' --addresses 128k --json report.json
    --trace "$here/data/hand-made.trace" --trace "$here/data/plain.trace")
"$bench" "${small[@]}" >out 2>err || fail "a small run: status $?: $(cat err)"
python3 - report.json <<'PYTHON' || fail "rows of the small run"
import json
import pathlib
import sys

rows = {row["id"] + "/" + row["name"]: row for row in json.load(open(sys.argv[1]))["rows"]}
free = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages")
has_huge = free.exists() and int(free.read_text()) > 0
for name, row in rows.items():
    if not name.startswith("PG/") or name.endswith("4k") or has_huge:
        assert row["ours"] > 0 and row["floor"] > 0, row
    else:
        assert row["skipped"].startswith("not available: no huge pages"), row
assert len([name for name in rows if name.startswith("TR/")]) == 11, rows.keys()
assert rows["TR/call/8-bytes/trace:plain/layout:made-up"]["competitors"], rows
PYTHON

[ "$failures" = 0 ] && echo "all as it should be"
[ "$failures" = 0 ]
