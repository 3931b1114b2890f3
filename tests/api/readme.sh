#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# readme.sh COMPILER LIBRARY: the first C example of README.md, exactly as it is printed there, compiles
# without a warning and runs. An example that nobody compiles is wrong after the first change.
set -euo pipefail

compiler=${1:?usage: readme.sh COMPILER LIBRARY}
library=${2:?usage: readme.sh COMPILER LIBRARY}
top=$(cd "$(dirname "$0")/../.." && pwd)

if [ ! -e "$top/README.md" ]; then
    echo "SKIPPED: there is no README.md"
    exit 77
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
awk '/^```/ { if (inside) exit; if ($0 == "```c") { inside = 1; next } } inside' "$top/README.md" \
    >"$scratch/example.c"
if [ ! -s "$scratch/example.c" ]; then
    echo "README.md has no block that begins with \`\`\`c"
    exit 1
fi

folder=$(dirname "$library")
"$compiler" -std=c11 -Wall -Wextra -Werror -I"$top/include" "$scratch/example.c" -o "$scratch/example" \
    -L"$folder" -lguestmem -Wl,-rpath,"$folder"
"$scratch/example"
echo "the example of README.md ($(wc -l <"$scratch/example.c") lines) compiles and runs"
