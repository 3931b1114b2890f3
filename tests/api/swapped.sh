#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# swapped.sh gcc|clang: a call of an atomic operation with the order where memory_order stands in C11, behind the value,
# does not compile, in the oldest and newest levels of both languages, with every warning off: it would store the
# order's number.
set -euo pipefail
export LC_ALL=C # compilers quote by locale

compiler=${1:?usage: swapped.sh gcc|clang}
include=$(cd "$(dirname "$0")/../../include" && pwd)

case "$compiler" in
    *clang*) cxx=clang++ ;;
    *) cxx=g++ ;;
esac
for tool in "$compiler" "$cxx"; do
    command -v "$tool" >/dev/null || { echo "SKIPPED: $tool is not installed" && exit 77; }
done

# compiles LEVEL CALL...: the calls, in one function; what the compiler says is in $said
said=
compiles() {
    local driver=$compiler language=c level=$1
    [[ $level != c++* ]] || { driver=$cxx && language=c++; }
    shift
    said=$(printf '%s\n' '#include <guestmem/guestmem.h>' \
        'int calls(const struct gm_view *view, const struct gm_slice *slice, uint32_t value, uint32_t *out);' \
        'int calls(const struct gm_view *view, const struct gm_slice *slice, uint32_t value, uint32_t *out)' \
        '{ return 0' "${@/#/+ }" '; }' |
        "$driver" -x "$language" "-std=$level" -w -I"$include" -fsyntax-only - 2>&1)
}

# The calls as they are meant, and the same swapped.
right=()
swapped=()
for noun in guest slice; do
    on=view
    [ "$noun" = guest ] || on=slice
    for verb in store exchange fetch_add fetch_and fetch_or fetch_xor; do
        call="gm_${noun}_${verb}_u32($on, 0," last=', out'
        [ "$verb" != store ] || last=
        right+=("$call GM_RELEASE, value$last)" "$call GM_RELAXED, 0$last)")
        swapped+=("$call value, GM_RELEASE$last)" "$call 0, GM_RELAXED$last)" "$call value, GM_ORDER_RELEASE$last)")
    done
    load="gm_${noun}_load_u32($on, 0," exchange="gm_${noun}_compare_exchange_u32($on, 0,"
    right+=("$load GM_ACQUIRE, out)" "$exchange GM_ACQ_REL, value, 1, out)")
    swapped+=("$load out, GM_ACQUIRE)" "$exchange value, 1, GM_ACQ_REL, out)" "$exchange value, GM_ACQ_REL, 1, out)")
done

failed=0
checked=0
for level in c99 c17 c++11 c++20; do
    if ! compiles "$level" "${right[@]}"; then
        echo "$said"
        echo "$level: the calls as they are meant do not compile"
        failed=$((failed + 1))
    fi
    for call in "${swapped[@]}"; do
        checked=$((checked + 1))
        if compiles "$level" "$call"; then
            echo "$level: compiles: $call"
            failed=$((failed + 1))
        elif ! grep -q "'gm_order'" <<<"$said"; then
            echo "$said"
            echo "$level: refused, but not for its order: $call"
            failed=$((failed + 1))
        fi
    done
done

echo "$checked swapped calls with $compiler, $failed failed"
[ "$checked" -gt 0 ] && [ "$failed" -eq 0 ]
