/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* All re-implementations of allocators, in the order of the report. */
#include "../lib/arena.h"

#include <stddef.h>

const struct bench_arena *const bench_arena_rivals[] = {
    &bench_arena_btree,   &bench_arena_sorted_array, &bench_arena_free_list, &bench_arena_crosvm,
    &bench_arena_copying, &bench_arena_vmalloc,      &bench_arena_iova,      NULL,
};
