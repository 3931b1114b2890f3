#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# run.sh BUILD COMPILER: installs a build into a fresh prefix, moves that prefix, and builds and runs the
# consumer in every way that users link: find_package and pkg-config, C and C++, shared and static. The move
# proves that nothing in the installed files remembers where they were built.
set -euo pipefail

build=${1:?usage: run.sh BUILD COMPILER}
compiler=${2:?usage: run.sh BUILD COMPILER}
consumer=$(cd "$(dirname "$0")/consumer" && pwd)
ways=0

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A program under test starts here: it has to run, to say that it is fine, and to be linked as the way says.
run() {
    local way=$1 program=$2 linked=$3 needs
    if ! "$program" | grep -qx 'consumer: fine'; then
        echo "$way: the consumer fails"
        exit 1
    fi
    needs=$(readelf -d "$program" | grep -c 'NEEDED.*libguestmem\.so\.0' || true)
    if [ "$linked" = shared ] && [ "$needs" -ne 1 ] || [ "$linked" = static ] && [ "$needs" -ne 0 ]; then
        echo "$way: is not linked $linked"
        exit 1
    fi
    ways=$((ways + 1))
    echo "$way: fine"
}

# A step that is quiet when it succeeds.
quietly() {
    "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
}

quietly cmake --install "$build" --prefix "$scratch/first"
mv "$scratch/first" "$scratch/prefix"
if grep -rIl -e "$scratch/first" -e "$build" "$scratch/prefix"; then
    echo "the installed files above name the build tree or the first prefix"
    exit 1
fi
pc=$(find "$scratch/prefix" -name guestmem.pc)
libraries=$(dirname "$(dirname "$pc")")
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PKG_CONFIG_PATH=$libraries/pkgconfig

# --- find_package
quietly cmake -S "$consumer" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
    -DCMAKE_C_COMPILER="$compiler"
quietly cmake --build "$scratch/build"
for linked in shared static; do
    for language in c cxx; do
        run "find_package, $linked, $language" "$scratch/build/${linked}_$language" "$linked"
    done
done

# --- pkg-config; the answers are lists of words, so they are split on purpose
read -r -a flags <<<"$(pkg-config --cflags --libs guestmem)"
"$compiler" -std=c99 -Wall -Wextra -Werror "$consumer/consumer.c" "${flags[@]}" -o "$scratch/pc_shared"
run "pkg-config, shared, c" "$scratch/pc_shared" shared
read -r -a flags <<<"$(pkg-config --static --cflags --libs guestmem)"
"$compiler" -std=c99 -static "$consumer/consumer.c" "${flags[@]}" -o "$scratch/pc_static"
run "pkg-config --static, c" "$scratch/pc_static" static

# --- the version that CMake compares is the one that pkg-config tells
version=$(pkg-config --modversion guestmem)
config=$(find "$scratch/prefix" -name guestmem-config-version.cmake)
if ! grep -q "PACKAGE_VERSION \"$version\"" "$config"; then
    echo "pkg-config says version $version, the CMake package says another"
    exit 1
fi
# --- the programs that were installed start where they are now
for program in "$scratch"/prefix/bin/*; do
    [ -e "$program" ] || continue
    if ! env -u LD_LIBRARY_PATH "$program" --help >"$scratch/help"; then
        echo "$(basename "$program") does not start after it was installed"
        exit 1
    fi
    echo "$(basename "$program"): starts"
done

echo "$ways ways to use the installed library work"
