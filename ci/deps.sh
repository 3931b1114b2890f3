#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
#
# Installs the Debian 12 packages that the project needs: ci/deps.sh [all|bench|profile|dpdk]. What is installed
# already is not touched, so that a second run needs no network, no root, and no time.
#
# Nothing installs `dpdk` by itself: it brings hundreds of packages for one header, which is one more peer in
# the benchmarks.
set -euo pipefail

build=(gcc g++ cmake ninja-build pkg-config python3 git liburcu-dev libjemalloc-dev libnuma-dev)
bench=("${build[@]}" libbenchmark-dev valgrind)
all=("${bench[@]}" clang-14 clang libclang-rt-14-dev clang-format-14 libcmocka-dev relacy-dev
    spin binutils shellcheck)
profile=("${bench[@]}" binutils linux-perf)
dpdk=(libdpdk-dev)

case "${1:-all}" in
    all) wanted=("${all[@]}") ;;
    bench) wanted=("${bench[@]}") ;;
    profile) wanted=("${profile[@]}") ;;
    dpdk) wanted=("${dpdk[@]}") ;;
    *)
        echo "usage: ci/deps.sh [all|bench|profile|dpdk]" >&2
        exit 2
        ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "deps: not a Debian system; needed are the equivalents of: ${wanted[*]}" >&2
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "deps: all ${#wanted[@]} packages are installed"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: missing ${missing[*]}; neither root nor sudo, so install them by hand" >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "deps: installing ${missing[*]}"
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@"
}
# A package list may be there already: try it first, and fetch a new one only when it does not do.
apt install --no-install-recommends "${missing[@]}" ||
    { apt update && apt install --no-install-recommends "${missing[@]}"; }
