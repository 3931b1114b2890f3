/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Everybody who takes part, the floor first. Where a name is mentioned, the idea is theirs and the code is
 * ours.
 */
#include "competitor.h"

#define FUNCTIONS(type)                                                                                      \
    .build = bench_##type##_build, .destroy = bench_##type##_destroy, .run_call = bench_##type##_run_call,   \
    .run_dependent = bench_##type##_run_dependent

const struct bench_competitor bench_competitors[] = {
    {.name = "floor",
     .what = "bounds check and one addition: right for one range only, and the least that is possible",
     .sensible = BENCH_MAX_RANGES,
     .exact = 0,
     FUNCTIONS(floor)},
    {.name = "linear-scan",
     .what = "array of ranges looked at in order, as DPDK vhost and crosvm do",
     .sensible = 1024,
     .exact = 1,
     FUNCTIONS(linear)},
    {.name = "binary-search",
     .what = "sorted array of structures, three-way branches, as libvhost-user does",
     .sensible = BENCH_MAX_RANGES,
     .exact = 1,
     FUNCTIONS(branchy)},
    {.name = "binary-search-branchless",
     .what = "sorted starts in an array of their own, halved without a branch",
     .sensible = BENCH_MAX_RANGES,
     .exact = 1,
     FUNCTIONS(halving)},
    {.name = "tree-rwlock",
     .what = "perfectly balanced tree under a pthread readers-writer lock taken for each lookup",
     .sensible = BENCH_MAX_RANGES,
     .exact = 1,
     FUNCTIONS(tree)},
    {.name = "seqlock",
     .what = "the branchless search under a sequence lock, nobody writing",
     .sensible = BENCH_MAX_RANGES,
     .exact = 1,
     FUNCTIONS(seqlock)},
    {.name = "radix-mru",
     .what = "radix tree over pages, nine bits a level, behind a shared most-recently-used range, after QEMU",
     .sensible = BENCH_MAX_RANGES,
     .exact = 1,
     FUNCTIONS(radix)},
    {.name = NULL}};
