#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# gate_own.sh SOURCE COMPILER: the gate as another project uses it. Builds a library that can be loaded late,
# installs it, compiles the installed example twice and once slowed down, and compares them with the installed
# guestmem-gate. Only counts decide here: a test must not depend on how busy the machine is.
set -euo pipefail

source=${1:?usage: gate_own.sh SOURCE COMPILER}
compiler=${2:?usage: gate_own.sh SOURCE COMPILER}
for tool in valgrind python3 pkg-config; do
    command -v "$tool" >/dev/null || { echo "SKIPPED: $tool is not installed" && exit 77; }
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

quietly() {
    "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
}

quietly cmake -S "$source" -B "$scratch/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER="$compiler" \
    -DGM_DLOPEN=ON -DGM_BUILD_TESTS=OFF -DGM_BUILD_BENCH=OFF
quietly cmake --build "$scratch/build" -j 2
quietly cmake --install "$scratch/build" --prefix "$scratch/prefix"
gate=$scratch/prefix/share/guestmem/gate
libraries=$(dirname "$(find "$scratch/prefix" -name libguestmem.so)")
export PKG_CONFIG_PATH=$libraries/pkgconfig LD_LIBRARY_PATH=$libraries
read -r -a flags <<<"$(pkg-config --cflags --libs guestmem)"

# plugin NAME [FLAG...]
plugin() {
    quietly "$compiler" -std=gnu17 -O2 -Wall -Wextra -Werror -fPIC -fvisibility=hidden -falign-functions=64 "${@:2}" \
        -shared -Wl,-Bsymbolic "$gate/example/buffers.c" -o "$scratch/$1.so" -I"$gate" "${flags[@]}"
}
plugin base
plugin head
plugin slow -DGATE_INJECT_NOP

# expect STATUS WHAT [ARGUMENT...]: the status of a comparison
expect() {
    local status=0
    "$gate/guestmem-gate" --output "$scratch/report" --cc "$compiler" "${@:3}" >"$scratch/out" 2>&1 || status=$?
    if [ "$status" -ne "$1" ]; then
        cat "$scratch/out"
        echo "$2: status $status, $1 was expected"
        exit 1
    fi
    echo "$2: status $status"
}

# reported WORDS: what a person reads
reported() {
    grep -q "$1" "$scratch/report/report.md" || { cat "$scratch/report/report.md" && echo "no '$1' in it" && exit 1; }
}

expect 0 "the same twice" --only exact "$scratch/base.so" "$scratch/head.so"
reported '^| lists/8 |.*| same |$'
expect 1 "sixteen instructions more" --only exact "$scratch/base.so" "$scratch/slow.so"
reported '^- \*\*lists/8\*\*: .*+16.000, allowed'
printf '{"exact": {"instructions": 1000, "instructions_share": 0.5}}\n' >"$scratch/limits.json"
expect 0 "allowed by limits of its own" --only exact --limits "$scratch/limits.json" \
    "$scratch/base.so" "$scratch/slow.so"
printf '{"exakt": {}}\n' >"$scratch/limits.json"
expect 2 "limits that mean nothing" --only exact --limits "$scratch/limits.json" "$scratch/base.so" "$scratch/head.so"
expect 2 "a plug-in that is not there" --only exact "$scratch/base.so" "$scratch/gone.so"
expect 2 "a library without cases" --only exact "$libraries/libguestmem.so" "$scratch/head.so"
"$gate/guestmem-gate" --output "$scratch/report" --cc "$compiler" --only timed --processes 2 --rounds 5 \
    "$scratch/base.so" "$scratch/head.so" >"$scratch/out" 2>&1 || true
reported '^| lists/8 | [0-9.]* | [-+]'
echo "both were timed in one process"
