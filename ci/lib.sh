# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# shellcheck shell=bash
#
# What the tiers share: a build tree, a run of ctest, a single step. Each leaves its result in GM_TIER_DIR,
# where ci/summary.py finds it, so that a tier says what it did and nothing counts that was not done.
#
# Set by ci/test: GM_TOP, GM_BUILD_ROOT, GM_TIER_DIR, GM_QUICK.
set -euo pipefail

GM_JOBS=${GM_JOBS:-$(nproc)}

# A prefix for programs; ThreadSanitizer needs one where the kernel randomises more than it can map around.
GM_RUNNER=(env)

# record passed|failed|skipped NAME [REASON]
record() {
    printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}" >>"$GM_TIER_DIR/steps.tsv"
}

# The end of a log without the lines of progress.
show() {
    grep -vE '^(\[[0-9]+/[0-9]+\]|-- )' "$1" | tail -n 40 | sed 's/^/        | /' || true
}

# step NAME COMMAND...: run quietly and show the log when it fails; 77 is a skip. Its status is the result.
step() {
    local step_name=$1 step_status=0 step_start=$SECONDS
    local step_log=$GM_TIER_DIR/${1//[^a-zA-Z0-9.-]/_}.log
    shift
    ("$@") >"$step_log" 2>&1 </dev/null || step_status=$?
    case $step_status in
        0) record passed "$step_name" ;;
        77) record skipped "$step_name" "$(sed -n 's/^SKIPPED: //p' "$step_log" | head -n 1)" ;;
        *) record failed "$step_name" "exit $step_status" ;;
    esac
    printf '   %-7s %4ds  %s\n' "$(tail -n 1 "$GM_TIER_DIR/steps.tsv" | cut -f 1)" \
        $((SECONDS - step_start)) "$step_name"
    [ $step_status -eq 0 ] || [ $step_status -eq 77 ] || show "$step_log"
    return $step_status
}

# configure_and_build NAME COMPILER TYPE [CMAKE ARGUMENT...]: in GM_BUILD_ROOT/NAME; GM_TARGET: only that target
configure_and_build() {
    local cxx=${2/gcc/g++}
    CC=$2 CXX=${cxx/clang/clang++} cmake -S "$GM_TOP" -B "$GM_BUILD_ROOT/$1" -G Ninja \
        -DCMAKE_BUILD_TYPE="$3" "${@:4}" &&
        cmake --build "$GM_BUILD_ROOT/$1" -j "$GM_JOBS" ${GM_TARGET:+--target "$GM_TARGET"}
}

# The trees that several tiers use; warnings are errors there. One of them has the models and the peers.
standard_tree() {
    local plain=(-DGM_WERROR=ON -DGM_BUILD_MODELS=OFF -DGM_BENCH_PEERS=OFF)
    case "$1" in
        gcc-release) configure_and_build "$1" gcc Release -DGM_WERROR=ON ;;
        gcc-debug) configure_and_build "$1" gcc Debug "${plain[@]}" ;;
        clang-release) configure_and_build "$1" clang Release "${plain[@]}" ;;
        clang-debug) configure_and_build "$1" clang Debug "${plain[@]}" ;;
    esac
}

# need_tree NAME: a standard tree, built unless it is. Counted only where it fails: tier 20 counts builds.
need_tree() {
    local log=$GM_TIER_DIR/build-$1.log
    standard_tree "$1" >"$log" 2>&1 </dev/null && return 0
    record failed "build $1" "see tier 20-build"
    echo "   failed         build $1"
    show "$log"
    return 1
}

# run_ctest NAME [CTEST ARGUMENT...]: the tests of a tree that the arguments choose, and what did not pass.
run_ctest() {
    local name=$1 status=0 start=$SECONDS
    local log=$GM_TIER_DIR/ctest-$1.log junit=$GM_TIER_DIR/$1.xml
    shift
    "${GM_RUNNER[@]}" ctest --test-dir "$GM_BUILD_ROOT/$name" -j "$GM_JOBS" --no-tests=error \
        --output-junit "$junit" --output-on-failure "$@" >"$log" 2>&1 </dev/null || status=$?
    printf '   %-7s %4ds  ctest in %s: %s\n' "$([ $status -eq 0 ] && echo passed || echo failed)" \
        $((SECONDS - start)) "$name" "$(grep -E 'tests passed|No tests' "$log" | tail -n 1)"
    grep -E '^ *[0-9]+/[0-9]+ Test.*(Skipped|Not Run)' "$log" | sed 's/^/        | /' || true
    if [ $status -ne 0 ]; then
        sed -n '/^ *Start /,/tests passed/p' "$log" | grep -vE '^ +Start |   Passed ' | tail -n 80 |
            sed 's/^/        | /' || true
        [ -s "$junit" ] || record failed "ctest in $name" "exit $status"
    fi
}
