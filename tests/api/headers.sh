#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# headers.sh gcc|clang: every public header compiles alone and twice over, in every language level that the
# project promises, without a warning. A header that leans on what its user included before is found here.
set -euo pipefail

compiler=${1:?usage: headers.sh gcc|clang}
include=$(cd "$(dirname "$0")/../../include" && pwd)

if ! command -v "$compiler" >/dev/null; then
    echo "SKIPPED: $compiler is not installed"
    exit 77
fi
case "$compiler" in
    *clang*) cxx=clang++ ;;
    *) cxx=g++ ;;
esac

warnings=(-pedantic -Wall -Wextra -Wshadow -Wconversion -Wundef -Wwrite-strings -Werror)
checked=0
failed=0

# check COMPILER LANGUAGE LEVEL HEADER
check() {
    local text="#include <guestmem/$4>"
    checked=$((checked + 1))
    if ! printf '%s\n%s\nint check(void);\n' "$text" "$text" |
        "$1" -x "$2" "-std=$3" "${warnings[@]}" "${@:5}" -I"$include" -fsyntax-only -; then
        echo "guestmem/$4 does not compile alone with $1 -std=$3"
        failed=$((failed + 1))
    fi
}

for path in "$include"/guestmem/*.h; do
    header=$(basename "$path")
    for level in c99 c11 c17; do
        check "$compiler" c "$level" "$header" -Wstrict-prototypes
    done
    if command -v "$cxx" >/dev/null; then
        for level in c++11 c++14 c++17 c++20; do
            check "$cxx" c++ "$level" "$header"
        done
    fi
done

echo "$checked compilations with $compiler, $failed failed"
command -v "$cxx" >/dev/null || { echo "$cxx is not installed: C++ was not checked"; exit 1; }
[ "$checked" -gt 0 ] && [ "$failed" -eq 0 ]
