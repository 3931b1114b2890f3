/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the tests of an arena's interface start with, and calls that have to succeed or to leave no trace. */
#ifndef GM_TESTS_LIB_ARENA_MODEL_RIG_H
#define GM_TESTS_LIB_ARENA_MODEL_RIG_H

#include "lib/cm.h"

#include <stdbool.h>

#include <guestmem/arena.h>
#include <guestmem/arena_query.h>

#define GMT_DUMP_RANGES 512

/* What an arena says of itself: its ranges in order and its counters. */
struct gmt_arena_dump {
    unsigned count;
    struct gm_range_info info[GMT_DUMP_RANGES];
    struct gm_arena_stats stats;
};

struct gm_arena *gmt_arena_open(uint64_t first, uint64_t last, uint64_t granule);

void gmt_arena_dump(const struct gm_arena *arena, struct gmt_arena_dump *dump);
/* Places, owners, users, flags, handles and the counters of what is taken and free. */
bool gmt_arena_same_dump(const struct gmt_arena_dump *a, const struct gmt_arena_dump *b);

struct gm_range_info gmt_arena_take(struct gm_arena *arena, struct gm_request request);
void gmt_arena_refuse(struct gm_arena *arena, struct gm_request request, int error, const char *file, int line);
gm_range gmt_arena_reserve(struct gm_arena *arena, uint64_t first, uint64_t last);
uint64_t gmt_arena_largest(struct gm_arena *arena, uint64_t align);
bool gmt_arena_is_free(const struct gm_arena *arena, uint64_t first, uint64_t last);

/* Take, and have it start there; or have it refused with this, and nothing changed. */
#define assert_takes(arena, where, ...)                                                                                \
    assert_true(gmt_arena_take(arena, (struct gm_request){__VA_ARGS__}).first == (where))
#define assert_refuses(arena, error, ...)                                                                              \
    gmt_arena_refuse(arena, (struct gm_request){__VA_ARGS__}, error, __FILE__, __LINE__)

/* Any call that has to fail with this and to change nothing. */
#define assert_no_trace(arena, call, error)                                                                            \
    do {                                                                                                               \
        static struct gmt_arena_dump gmt_before, gmt_after;                                                            \
        gmt_arena_dump(arena, &gmt_before);                                                                            \
        assert_result(call, error);                                                                                    \
        gmt_arena_dump(arena, &gmt_after);                                                                             \
        assert_true(gmt_arena_same_dump(&gmt_before, &gmt_after));                                                     \
    } while (0)

#endif
