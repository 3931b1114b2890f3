/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The words of the id allocator, and how they change. A leaf holds a bit for each id, set while the id is taken. All
 * other words are *claims*, and laid out alike:
 *
 *   bits 0..31    what is claimed: the children that are full (a summary), the first leaf that may not be (the
 *                 front), or the leaf that is an exception, counted from 1 (the stray)
 *   bit  32       pending: somebody is about to claim more
 *   bits 33..63   version
 *
 * To claim more takes two steps, so that whoever makes the claim false in between can be seen to have done so:
 *   begin   set pending, count the version on
 *   check   look at what is to be claimed
 *   settle  exchange the value that begin left for the larger claim; fails if anybody has touched the word since
 * To claim less takes one, and clears pending: that alone lets a settle fail that looked too early.
 *
 * A version comes again after 2^31 claims on one word. A thread that sleeps through exactly so many between its begin
 * and its settle would make a claim that may be false: ids would be overlooked until one of them is given back again,
 * and none would be handed out twice.
 */
#ifndef GM_IDS_WORDS_H
#define GM_IDS_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

#ifndef GM_IDS_LEAF_BITS /* a model checker makes trees of a few bits */
#define GM_IDS_LEAF_BITS 64
#define GM_IDS_FAN_SHIFT 5
#endif
#define GM_IDS_FAN (1u << GM_IDS_FAN_SHIFT)

#define GM_IDS_LEAF_FULL (~UINT64_C(0) >> (64 - GM_IDS_LEAF_BITS))
#define GM_IDS_CLAIM_FULL (~UINT32_C(0) >> (32 - GM_IDS_FAN))
#define GM_IDS_PENDING (UINT64_C(1) << 32)
#define GM_IDS_VERSION (UINT64_C(1) << 33) /* one more */

static inline uint32_t gm_ids_claimed(uint64_t word)
{
    return (uint32_t)word;
}

/* The same word with another claim, the version counted on, nothing pending. */
static inline uint64_t gm_ids_claim(uint64_t word, uint32_t claimed)
{
    return ((word & ~(GM_IDS_VERSION - 1)) + GM_IDS_VERSION) | claimed;
}

/* *value was read from the word; on success it is what stands there now. */
static inline bool gm_ids_begin(gm_atomic_u64 *word, uint64_t *value)
{
    uint64_t pending = gm_ids_claim(*value, gm_ids_claimed(*value)) | GM_IDS_PENDING;
    bool begun = gm_cas_seq_cst(word, value, pending); /* [ids-P1] */
    if (begun)
        *value = pending;
    return begun;
}

/* value is what begin left. */
static inline bool gm_ids_settle(gm_atomic_u64 *word, uint64_t value, uint32_t claimed)
{
    return gm_cas_seq_cst(word, &value, (value & ~(GM_IDS_VERSION - 1)) | claimed);
}

#endif
