/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Counting who holds something, in the two ways that the library needs. Written over the verbs of atomic.h and
 * nothing else, so that tests/model checks this very code.
 *
 * Participants: holders, each of which may take another hold or put its own; one owner who wants to free.
 * Shared word:  count, changed by holders, read by the owner.
 * Invariant:    only who holds may take: once the count is 0 and no new way to the object is left, it stays 0.
 * Pairs:
 *   [holders-P1] put (release) with gone (acquire): what a holder did with the object happens before the owner
 *                frees it. The owner has made sure that nobody can come to hold it by another way (it waited for a
 *                grace period after unpublishing).
 *   [holders-P2] put_last (acquire and release) with itself: the same where the last holder frees.
 * Take needs no order: who takes already holds.
 * Progress: wait-free.
 */
#ifndef GM_BASE_HOLDERS_H
#define GM_BASE_HOLDERS_H

#include <stdbool.h>

#include "base/atomic.h"

static inline void gm_holders_take(gm_atomic_u64 *count)
{
    gm_add_relaxed(count, 1);
}

static inline void gm_holders_put(gm_atomic_u64 *count)
{
    gm_sub_release(count, 1); /* [holders-P1] */
}

/* For the owner: is there nobody any more? */
static inline bool gm_holders_gone(const gm_atomic_u64 *count)
{
    return gm_load_acquire(count) == 0; /* [holders-P1] */
}

/* Put, and tell whether this was the last: then the caller frees. */
static inline bool gm_holders_put_last(gm_atomic_u64 *count)
{
    if (gm_sub_acq_rel(count, 1) != 1)
        return false; /* [holders-P2] released to the last one */
    return true;      /* [holders-P2] acquired from all others */
}

#endif
