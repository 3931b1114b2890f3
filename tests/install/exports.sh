#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# exports.sh LIBRARY: the shared library exports exactly what core/guestmem.map lists. What it must not
# export above all is malloc: the private jemalloc inside would replace that of the whole process.
set -euo pipefail

library=${1:?usage: exports.sh LIBRARY}
map=$(cd "$(dirname "$0")/../../core" && pwd)/guestmem.map

listed=$(sed -n '/^global:/,/^local:/s/^ *\(gm_[a-z0-9_]*\);$/\1/p' "$map" | sort)
node=$(sed -n 's/^\(GUESTMEM_[0-9.]*\) {$/\1/p' "$map")
exported=$(nm -D --defined-only "$library" | awk -v node="$node" '$3 != node && $2 != "A" { print $3 }' |
    sed 's/@.*//' | sort)

if [ -z "$listed" ]; then
    echo "nothing is listed in $map"
    exit 1
fi
if ! diff <(echo "$listed") <(echo "$exported"); then
    echo "the names above are listed (<) but not exported, or exported (>) but not listed"
    exit 1
fi
echo "$(echo "$listed" | wc -l) names, none else"

soname=$(objdump -p "$library" | awk '/SONAME/ { print $2 }')
if [ "$soname" != libguestmem.so.0 ]; then
    echo "the library calls itself '$soname', not libguestmem.so.0"
    exit 1
fi
