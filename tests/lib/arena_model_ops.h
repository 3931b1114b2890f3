/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The interpreter: bytes in, operations on an arena and on its model out, and a verdict. The random tests feed it
 * from a generator; the fuzzer feeds it its own bytes.
 */
#ifndef GM_TESTS_LIB_ARENA_MODEL_OPS_H
#define GM_TESTS_LIB_ARENA_MODEL_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestmem/arena.h>

#define GMT_ARENA_MESSAGE 800
#define GMT_ARENA_PROFILES 6

extern const char *const gmt_arena_profiles[GMT_ARENA_PROFILES];

struct gmt_arena_report {
    uint64_t ops;         /* that ran */
    uint64_t tree_ops;    /* of these, on an arena in tree form */
    uint64_t conversions; /* between forms, both ways */
    uint64_t taken, refused, given, edited, looked, asked;
    uint64_t classes_most, builds; /* of alignment */
    unsigned ranges_most;
    const char *profile; /* that the bytes chose */
    bool failed;
    char message[GMT_ARENA_MESSAGE]; /* the call, and both answers, when failed */
};

/* NULL, or what is damaged. A hook, because not every user can link the internal check. */
typedef const char *gmt_arena_checker(const struct gm_arena *arena);

/*
 * Play the bytes in a fresh arena, up to their end or to the first disagreement. One run at a time.
 * Returns 0, also when the report says failed; a negative errno value when no arena could be set up.
 */
int gmt_arena_ops_run(const uint8_t *bytes, size_t len, gmt_arena_checker *check, struct gmt_arena_report *report);

#endif
