/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Whose a live range is when a cache and the arena want it at the same time: the thread of a cache has no lock of the
 * arena's, so the state of the range decides, by exchange.
 *
 * Participants: threads with caches, each under the lock of its cache; one thread at a time under the arena's lock.
 * Shared words: the state and the generation of the range; what is known of it (numbers, labels), which only the arena
 *   changes.
 * Invariants:
 *   I1 a plain range goes into a cache, or is held by the arena, by one exchange of its state: never both
 *   I2 the arena changes what is known of a range of which there may be handles only while it holds it
 *   I3 the generation changes while the range is in a cache, or is not plain for another reason
 * Pair [cache-P1]: a state that says plain is stored behind the generation and the facts that go with it (release), and
 *   read before them (acquire).
 * Argument: who enters exchanges a state that said plain, so by [cache-P1] the generation that is read next is that of
 *   this state or newer, and by I3 it stays: no handle of before is taken for that of who has the range now. The same
 *   goes for the facts, by I2: a block goes into a magazine with the numbers that it has there. Who looks up a handle
 *   under the arena's lock reads the state first, too.
 * Progress: wait-free; who is refused asks the other side.
 */
#ifndef GM_ALLOC_KEEP_H
#define GM_ALLOC_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

#ifdef GM_ATOMIC_BACKEND /* models have words of one size */
typedef gm_atomic_u64 gm_keep_state, gm_keep_generation;
typedef uint64_t gm_keep_value;
#else
typedef uint8_t gm_keep_state, gm_keep_value;
typedef uint32_t gm_keep_generation;
#endif

enum gm_keep { /* states of a node, enum gm_node_state */
    GM_KEEP_PLAIN = 1,
    GM_KEEP_CACHED = 64 | GM_KEEP_PLAIN,
    GM_KEEP_HELD = 128 /* besides others: the arena changes it, or may change it back */
};

/* Into a cache, if this is the handle's generation. False, and nothing is changed: it is not plain, or not that one. */
static inline bool gm_keep_enter(gm_keep_state *state, const gm_keep_generation *generation, uint32_t wanted)
{
    gm_keep_value plain = GM_KEEP_PLAIN;
    if (gm_load_relaxed(generation) != wanted || !gm_cas_acquire(state, &plain, GM_KEEP_CACHED)) /* [cache-P1] */
        return false;
    if (gm_load_relaxed(generation) == wanted)
        return true;
    gm_store_release(state, GM_KEEP_PLAIN); /* [cache-P1] somebody else's by now */
    return false;
}

/* Out of a cache, which is locked, to who gets a handle of this generation; or of the old one, back to where it was. */
static inline void gm_keep_leave(gm_keep_state *state, gm_keep_generation *generation, uint32_t next)
{
    gm_store_relaxed(generation, next);
    gm_store_release(state, GM_KEEP_PLAIN); /* [cache-P1] */
}

/*
 * The arena is about to change a live range, of which it has seen that the handle's generation is the newest. False: it
 * lies in a cache, or has been in one since. What is not plain no cache takes anyway.
 */
static inline bool gm_keep_hold(gm_keep_state *state, const gm_keep_generation *generation, uint32_t wanted)
{
    gm_keep_value plain = GM_KEEP_PLAIN;
    if (!gm_cas_acquire(state, &plain, GM_KEEP_PLAIN | GM_KEEP_HELD)) /* [cache-P1] */
        return (plain & GM_KEEP_CACHED) != GM_KEEP_CACHED;
    if (gm_load_relaxed(generation) == wanted)
        return true;
    gm_store_release(state, GM_KEEP_PLAIN); /* [cache-P1] */
    return false;
}

/* It has changed it. */
static inline void gm_keep_let(gm_keep_state *state)
{
    gm_keep_value now = gm_load_relaxed(state);
    if ((now & GM_KEEP_HELD) != 0)
        gm_store_release(state, (gm_keep_value)(now & ~(unsigned)GM_KEEP_HELD)); /* [cache-P1] */
}

#endif
