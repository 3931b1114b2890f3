/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Sequence count: readers look at data that one writer changes, without a lock, and repeat when it changed.
 *
 * Participants: one writer at a time, any number of readers.
 * Shared words: the count, odd inside a write section; the data, which both sides access with relaxed atomics.
 * Invariants:
 *   I1 data are stored inside write sections only
 *   I2 what a reader can reach by old data stays mapped, and it follows nothing that leads to memory newer than its
 *      begin [arena-P3]: what it reads may be nonsense, but can be read
 * Argument: a reader that got a value of a section whose end it had not seen has, by the pair of fences [arena-P1], the
 *   odd count of that section before it when it looks at the count again, or a later one: never what it began with,
 *   for counts only grow (they wrap after 2^63 changes). One that began with the even count of a section's end has all
 *   stores of that section, and what the writer did before, by [arena-P2]. So a reader that finds the same even count
 *   before and after has read what was there at one moment in between.
 * Progress: the writer is wait-free, a reader is obstruction-free.
 * Source: Boehm, Can seqlocks get along with programming language memory models?, MSPC 2012.
 */
#ifndef GM_ALLOC_BLOCK_SEQUENCE_H
#define GM_ALLOC_BLOCK_SEQUENCE_H

#include <stdbool.h>

#include "base/atomic.h"

#ifndef GM_SEED_BUG
#define GM_SEED_BUG 0
#endif

/* Returns the odd count. */
static inline uint64_t gm_sequence_open(gm_atomic_u64 *count)
{
    uint64_t odd = gm_load_relaxed(count) + 1;
    gm_store_relaxed(count, odd);
    gm_fence_release(); /* [arena-P1] */
    return odd;
}

/* By who has kept the odd count, and does not wait for it to be read again. */
static inline void gm_sequence_end(gm_atomic_u64 *count, uint64_t odd)
{
#if GM_SEED_BUG == 4 /* the sanitizer lane must notice that what came before a change is not seen with it */
    gm_store_relaxed(count, odd + 1);
#else
    gm_store_release(count, odd + 1); /* [arena-P2] */
#endif
}

static inline void gm_sequence_close(gm_atomic_u64 *count)
{
    gm_sequence_end(count, gm_load_relaxed(count));
}

/* An odd result means that a change is under way: come again. */
static inline uint64_t gm_sequence_begin(const gm_atomic_u64 *count)
{
    return gm_load_acquire(count); /* [arena-P2] */
}

/* Is what was read since begin of one moment? */
static inline bool gm_sequence_held(const gm_atomic_u64 *count, uint64_t begun)
{
    gm_fence_acquire(); /* [arena-P1] */
    return gm_load_relaxed(count) == begun;
}

#endif
