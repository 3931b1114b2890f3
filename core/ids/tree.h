/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Which leaves may have a free id: a tree of summaries above the leaves, a front, and a stray. All that the threads
 * of the id allocator share, and the whole of their protocol; tests/model explores this very code.
 *
 * Participants: any number of takers and givers.
 * Shared words: leaves, summaries, front, stray; ids/words.h has their layout. Bits of a leaf are set by takers and
 *   cleared by givers, and they alone decide who owns an id. A summary claims that some of its children are full:
 *   leaves without a free id, or summaries that claim all of theirs. The front claims that the leaves below it are
 *   full. The stray names one leaf of which all this need not be true. Claims that fall short cost a taker another
 *   look. None may hide an id:
 *
 * Invariant I1: an id that was given back by a call which has returned, and that was not taken since, lies in the
 *   leaf of the stray; or the front stands at or below its leaf and no summary on the way from there to the root
 *   claims it.
 *
 * Argument. A giver clears its bit and then looks at all that might hide it, summaries first and the front last
 * (gm_ids_show). What does, or has a claim pending, it takes back; or it makes its leaf the stray. It does so whether
 * its leaf was full or not, because whoever opened the leaf before may have come no further than that. These accesses
 * and those of a claimer have one order (seq_cst):
 *     claimer: begin, check, settle             giver: clear the bit, look at the claim
 *   - The giver looks before begin: its bit was cleared before the check, which finds the leaf open. [ids-P2]
 *   - It looks between begin and settle: it finds pending and changes the word, and settle fails. [ids-P1]
 *   - It looks after settle: it finds the claim. [ids-P1]
 *   One level up the same holds of a child that is a summary, which the giver has found, or made, to claim less than
 *   all. The front is moved up by one who begins, looks at leaves and summaries, and settles; because the giver has
 *   looked at the front last, a mover that began later finds its leaf and the summaries as they were left. Moving it
 *   down needs no check. A stray is replaced by one who loads it, finds its leaf full, and exchanges it. A giver
 *   whose leaf is the stray, and hidden, exchanges it too, for a later version: either the other finds the leaf open,
 *   or its exchange fails. [ids-P3]
 * Invariant I2: a taker passes over a leaf only if it saw it full, or saw a claim that it is and that it is not the
 *   stray. So by I1 no id below the one it gets was free all through its call; and if it gets none, none was.
 *
 * Order: what a giver did happens before what the next taker of the id does: [ids-P2] is release and acquire as well.
 * Progress: a search (gm_ids_find) is wait-free, and so is a claim, which is tried once. To take or give bits of a
 *   leaf and to take back claims is lock-free: it is repeated only when another call has changed the word.
 * Owned (GM_IDS_OWNED): takers and givers come one at a time. Nothing that they have looked at changes before they
 *   store, so each exchange is a plain store that cannot fail (gm_ids_swap), and a claim needs no begin. Others only
 *   look.
 * Cost: no take and no give can do with less than one locked instruction, and mostly they do with that one. The stray
 *   is there for allocators that are nearly full: an id that comes back is then mostly the next to be taken, and one
 *   exchange makes it known and leaves all summaries as they are.
 */
#ifndef GM_IDS_TREE_H
#define GM_IDS_TREE_H

#include "ids/words.h"

#if defined(GM_SEED_BUG) && GM_SEED_BUG == 3 /* the sanitizer lane must notice that giving back orders nothing */
#define gm_ids_cas_clear gm_cas_relaxed
#else
#define gm_ids_cas_clear gm_cas_seq_cst
#endif

#define GM_IDS_LEVELS 7 /* 2^32 ids: 2^26 leaves, then 2^21, 2^16, 2^11, 2^6, 2, 1 summaries */
#define GM_IDS_NONE UINT64_MAX
#define GM_IDS_SLOW __attribute__((noinline, unused)) static /* what is rare shall not cost what is not */

struct gm_ids_tree {
    gm_atomic_u64 front;
    gm_atomic_u64 stray; /* 0: none, else the leaf's index + 1 */
    gm_atomic_u64 *level[GM_IDS_LEVELS] __attribute__((aligned(64))); /* 0: leaves */
    unsigned top; /* level of the root; 0 where there is one leaf only */
    bool owned;   /* one taker or giver at a time; set before anybody else knows the tree */
    uint32_t last[GM_IDS_LEVELS]; /* index of the last word of a level */
};

/* One exchange of the protocol, of a word that was found at *value; with cas where others may be at it. */
#define gm_ids_swap(tree, cas, word, value, next) \
    ((tree)->owned ? (gm_store_relaxed(word, next), true) : cas(word, value, next))

static inline gm_atomic_u64 *gm_ids_parent(const struct gm_ids_tree *tree, unsigned level, uint64_t at)
{
    return &tree->level[level + 1][at >> GM_IDS_FAN_SHIFT];
}

static inline uint32_t gm_ids_child_bit(uint64_t at)
{
    return UINT32_C(1) << (at & (GM_IDS_FAN - 1));
}

static inline bool gm_ids_full(const struct gm_ids_tree *tree, unsigned level, uint64_t at)
{
    uint64_t word = gm_load_seq_cst(&tree->level[level][at]); /* [ids-P2] the check */
    return level == 0 ? word == GM_IDS_LEAF_FULL : gm_ids_claimed(word) == GM_IDS_CLAIM_FULL;
}

/* Let the parent claim that a word is full, if it is. Tried once: where somebody interferes the claim falls short. */
static inline void gm_ids_close(const struct gm_ids_tree *tree, unsigned level, uint64_t at)
{
    if (level == tree->top)
        return;
    gm_atomic_u64 *parent = gm_ids_parent(tree, level, at);
    uint64_t value = gm_load_relaxed(parent);
    uint32_t bit = gm_ids_child_bit(at);
    if ((gm_ids_claimed(value) & bit) != 0)
        return;
    if (tree->owned) { /* the caller has seen that it is full, and it still is */
        gm_store_relaxed(parent, value | bit);
        return;
    }
    if (!gm_ids_begin(parent, &value))
        return;
    uint32_t claimed = gm_ids_claimed(value);
    (void)gm_ids_settle(parent, value, gm_ids_full(tree, level, at) ? claimed | bit : claimed);
}

/* Is this leaf where takers look, whatever the stray is? */
static inline bool gm_ids_shown(const struct gm_ids_tree *tree, uint64_t leaf)
{
    uint64_t hides = 0;
    uint64_t at = leaf;
    if (gm_ids_claimed(gm_load_relaxed(&tree->front)) > leaf) /* spares the rest */
        return false;
    for (unsigned level = 0; level < tree->top; level++) {
        uint64_t parent = gm_load_seq_cst(gm_ids_parent(tree, level, at)); /* [ids-P1] */
        hides |= parent & (GM_IDS_PENDING | gm_ids_child_bit(at));
        at >>= GM_IDS_FAN_SHIFT;
    }
    uint64_t front = gm_load_seq_cst(&tree->front); /* [ids-P1] */
    return hides == 0 && (front & GM_IDS_PENDING) == 0 && gm_ids_claimed(front) <= leaf;
}

/* Take back what the tree claims of a leaf, from the leaf up. */
static inline void gm_ids_open(const struct gm_ids_tree *tree, uint64_t leaf)
{
    for (unsigned level = 0; level < tree->top; level++) {
        gm_atomic_u64 *parent = gm_ids_parent(tree, level, leaf);
        uint64_t hides = GM_IDS_PENDING | gm_ids_child_bit(leaf);
        uint64_t value = gm_load_seq_cst(parent); /* [ids-P1] */
        while ((value & hides) != 0 && !gm_ids_swap(tree, gm_cas_seq_cst, parent, &value, value & ~hides)) {
        }
        leaf >>= GM_IDS_FAN_SHIFT;
    }
}

/*
 * The first leaf at or above from of which neither it nor the tree says that it is full, or GM_IDS_NONE. Claims what it
 * finds to be full. Goes through the leaves in order and never back, hence is wait-free.
 */
GM_IDS_SLOW uint64_t gm_ids_find(const struct gm_ids_tree *tree, uint64_t from)
{
    unsigned level = 0;
    uint64_t at = from;
    if (tree->top != 0 && gm_ids_full(tree, tree->top, 0))
        return GM_IDS_NONE;
    while (at <= tree->last[level]) {
        if (level < tree->top) {
            uint32_t claimed = gm_ids_claimed(gm_load_seq_cst(gm_ids_parent(tree, level, at)));
            uint32_t closed = claimed | (gm_ids_child_bit(at) - 1);
            if (closed == GM_IDS_CLAIM_FULL) { /* go on right of the parent */
                at >>= GM_IDS_FAN_SHIFT;
                level++;
                if (claimed == GM_IDS_CLAIM_FULL)
                    gm_ids_close(tree, level, at);
                at++;
                continue;
            }
            at = (at & ~(uint64_t)(GM_IDS_FAN - 1)) + (uint64_t)__builtin_ctz(~closed);
        }
        if (gm_ids_full(tree, level, at)) {
            gm_ids_close(tree, level, at);
            at++;
        } else if (level == 0) {
            return at;
        } else {
            level--;
            at <<= GM_IDS_FAN_SHIFT;
        }
    }
    for (level = 1; level < tree->top; level++) { /* the way up at the right edge */
        if (gm_ids_full(tree, level, tree->last[level]))
            gm_ids_close(tree, level, tree->last[level]);
    }
    return GM_IDS_NONE;
}

/* The leaf that is named by a value of the stray; GM_IDS_NONE: no leaf. */
static inline uint64_t gm_ids_stray_leaf(uint64_t stray)
{
    return (uint64_t)gm_ids_claimed(stray) - 1;
}

/* The first leaf at or above from that may have a free id, or GM_IDS_NONE. */
static inline uint64_t gm_ids_seek(const struct gm_ids_tree *tree, uint64_t from)
{
    uint64_t stray = gm_ids_stray_leaf(gm_load_seq_cst(&tree->stray));
    uint64_t front = gm_ids_claimed(gm_load_seq_cst(&tree->front));
    uint64_t found = gm_ids_find(tree, front < from ? from : front);
    return stray >= from && stray < found && !gm_ids_full(tree, 0, stray) ? stray : found;
}

/*
 * The first leaf that may have a free id, the stray apart, for a taker who found the front at this value and its leaf
 * full. Tries to move the front there.
 */
GM_IDS_SLOW uint64_t gm_ids_raise(struct gm_ids_tree *tree, uint64_t front)
{
    uint32_t at = gm_ids_claimed(front);
    uint64_t found = gm_ids_find(tree, at);
    if (tree->owned && found != GM_IDS_NONE)
        gm_store_relaxed(&tree->front, found);
    if (tree->owned || found == GM_IDS_NONE || !gm_ids_begin(&tree->front, &front))
        return found;
    found = gm_ids_find(tree, at);
    (void)gm_ids_settle(&tree->front, front, found != GM_IDS_NONE ? (uint32_t)found : at);
    return found;
}

/* Take back all that hides a leaf. */
GM_IDS_SLOW void gm_ids_unhide(struct gm_ids_tree *tree, uint64_t leaf)
{
    gm_ids_open(tree, leaf);
    uint64_t front = gm_load_seq_cst(&tree->front); /* [ids-P1] */
    for (;;) {
        uint64_t at = gm_ids_claimed(front);
        if ((at <= leaf && (front & GM_IDS_PENDING) == 0) ||
            gm_ids_swap(tree, gm_cas_seq_cst, &tree->front, &front,
                        gm_ids_claim(front, (uint32_t)(at < leaf ? at : leaf))))
            return;
    }
}

/* Establish I1 for ids of a leaf that the caller has just given back. */
static inline void gm_ids_show(struct gm_ids_tree *tree, uint64_t leaf)
{
    if (gm_ids_shown(tree, leaf))
        return;
    uint64_t stray = gm_load_seq_cst(&tree->stray); /* [ids-P3] */
    uint64_t other = gm_ids_stray_leaf(stray);
    if (other != GM_IDS_NONE && other != leaf && !gm_ids_full(tree, 0, other))
        gm_ids_unhide(tree, other); /* an exception no more */
    if (!gm_cas_seq_cst(&tree->stray, &stray, gm_ids_claim(stray, (uint32_t)leaf + 1))) /* [ids-P3] */
        gm_ids_unhide(tree, leaf);
}

/* The same where nobody interferes: what is stored does not depend on what was there, which may still be loading. */
static inline void gm_ids_show_owned(struct gm_ids_tree *tree, uint64_t leaf)
{
    if (gm_ids_shown(tree, leaf))
        return;
    uint64_t other = gm_ids_stray_leaf(gm_load_relaxed(&tree->stray));
    gm_store_relaxed(&tree->stray, leaf + 1);
    if (other != GM_IDS_NONE && other != leaf && !gm_ids_full(tree, 0, other))
        gm_ids_unhide(tree, other);
}

/* Clear bits of a leaf that are set; false, and nothing changed, if one is not. */
static inline bool gm_ids_clear(struct gm_ids_tree *tree, uint64_t leaf, uint64_t bits)
{
    gm_atomic_u64 *word = &tree->level[0][leaf];
    uint64_t value = gm_load_relaxed(word);
    if (tree->owned && (value & bits) == bits) {
        gm_store_relaxed(word, value & ~bits);
        gm_ids_show_owned(tree, leaf);
        return true;
    }
    do {
        if ((value & bits) != bits)
            return false;
    } while (!gm_ids_cas_clear(word, &value, value & ~bits)); /* [ids-P2] */
    gm_ids_show(tree, leaf);
    return true;
}

/* Set bits of a leaf that are clear; false, and nothing changed, if one is not. */
static inline bool gm_ids_set(struct gm_ids_tree *tree, uint64_t leaf, uint64_t bits)
{
    gm_atomic_u64 *word = &tree->level[0][leaf];
    uint64_t value = gm_load_seq_cst(word);
    do {
        if ((value & bits) != 0)
            return false;
    } while (!gm_ids_swap(tree, gm_cas_acquire, word, &value, value | bits)); /* [ids-P2] */
    return true;
}

/* Set the lowest clear bit of a leaf that is also in allowed; 0 if there is none, else that bit. */
static inline uint64_t gm_ids_set_lowest(struct gm_ids_tree *tree, uint64_t leaf, uint64_t allowed)
{
    gm_atomic_u64 *word = &tree->level[0][leaf];
    uint64_t value = gm_load_seq_cst(word);
    for (;;) {
        uint64_t bit = ~value & allowed & (0 - (~value & allowed));
        if (bit == 0 || gm_ids_swap(tree, gm_cas_acquire, word, &value, value | bit)) /* [ids-P2] */
            return bit;
    }
}

/* The lowest free bit of the stray, which was found at this value; else nobody needs to look there again. */
static inline uint64_t gm_ids_set_stray(struct gm_ids_tree *tree, uint64_t stray)
{
    uint64_t bit = gm_ids_set_lowest(tree, gm_ids_stray_leaf(stray), GM_IDS_LEAF_FULL);
    if (bit == 0)
        (void)gm_ids_swap(tree, gm_cas_seq_cst, &tree->stray, &stray, gm_ids_claim(stray, 0)); /* [ids-P3] */
    return bit;
}

/* Take the lowest free id from where it mostly is: returns its bit, and its leaf in *leaf; 0: look for it. */
static inline uint64_t gm_ids_set_near(struct gm_ids_tree *tree, uint64_t *leaf)
{
    uint64_t stray = gm_ids_stray_leaf(gm_load_seq_cst(&tree->stray));
    uint64_t front = gm_ids_claimed(gm_load_seq_cst(&tree->front));
    *leaf = stray < front ? stray : front;
    return gm_ids_set_lowest(tree, *leaf, GM_IDS_LEAF_FULL);
}

/* Take the lowest free id: returns its bit, and its leaf in *leaf; 0 if there is none. */
GM_IDS_SLOW uint64_t gm_ids_set_first(struct gm_ids_tree *tree, uint64_t *leaf)
{
    for (;;) {
        uint64_t bit = 0;
        uint64_t stray = gm_load_seq_cst(&tree->stray); /* [ids-P3] */
        uint64_t front = gm_load_seq_cst(&tree->front);
        uint64_t exception = gm_ids_stray_leaf(stray);
        *leaf = gm_ids_claimed(front);
        if (exception <= *leaf && (bit = gm_ids_set_stray(tree, stray)) != 0)
            *leaf = exception;
        if (bit != 0 || (bit = gm_ids_set_lowest(tree, *leaf, GM_IDS_LEAF_FULL)) != 0)
            return bit;
        uint64_t found = gm_ids_raise(tree, front);
        if (exception > *leaf && exception < found && (bit = gm_ids_set_stray(tree, stray)) != 0)
            found = exception;
        *leaf = found;
        if (bit != 0 || found == GM_IDS_NONE ||
            (bit = gm_ids_set_lowest(tree, found, GM_IDS_LEAF_FULL)) != 0)
            return bit;
    }
}

#endif
