/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the cases about dirty pages share. Floors have the form of peers (struct bench_dirty_peer), and so has ours.
 */
#ifndef BENCH_DIRTY_H
#define BENCH_DIRTY_H

#include "cases.h"

#define DIRTY_PAGE UINT64_C(4096)
#define DIRTY_WORD 64 /* pages */

/* dirty_ours.c */
const struct bench_dirty_peer *dirty_ours(void);
const struct bench_dirty_peer *dirty_ours_off(void); /* marks are off */

static inline uint64_t dirty_pages_of_mib(uint64_t mib)
{
    return (mib << 20) / DIRTY_PAGE;
}

/* ---- dirty_floor.c: the least that a bitmap of one bit a page has to do; they have no harvest ------------------ */

extern const struct bench_dirty_peer dirty_floor_nothing; /* looks at the address alone */
extern const struct bench_dirty_peer dirty_floor_test;    /* one load and a test; all pages are dirty from the start */
extern const struct bench_dirty_peer dirty_floor_or;      /* one locked OR */
extern const struct bench_dirty_peer dirty_floor_words;   /* one locked OR for each word that a range touches */

struct dirty_bits {
    uint64_t *word;
    uint64_t count; /* words */
    uint64_t missed;
};

/* Whether any page is dirty: reads every word once, with the widest vectors of this CPU. */
int dirty_scan(const struct dirty_bits *bits);

#endif
