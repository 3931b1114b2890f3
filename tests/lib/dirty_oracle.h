/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Marks beside an independent witness: the kernel, which sees every write (guestmem/watch.h). Threads write to memory
 * at random places, with any alignment and length, and mark what they wrote, while the main thread harvests: first the
 * kernel's list, then the bitmap, again and again. The rules:
 *
 *   No write is lost: what the kernel reports is marked. More exactly: a mark follows its write, so a write that the
 *   kernel reports in harvest n (and had not in n - 1) is marked after harvest n - 1 of the bitmap began, at the
 *   earliest; so for each page the last harvest that has it marked is n - 1 or later, once all marks are made.
 *   Nothing is made up: what is marked was reported by the kernel in that round. Marks may be a superset only by
 *   rounding out to pages, and these pages are the kernel's: over a round the two are equal.
 *
 * In every other round the kernel's list goes into a bitmap of its own, at another offset, and is read from there.
 * Finally some pages are written to and not marked, and one is marked and not written to: the rules have to say so.
 */
#ifndef GM_TESTS_LIB_DIRTY_ORACLE_H
#define GM_TESTS_LIB_DIRTY_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include <guestmem/dirty.h>
#include <guestmem/watch.h>

#define GMT_ORACLE_PAGES UINT64_C(1500)
#define GMT_ORACLE_LEN (GMT_ORACLE_PAGES * 4096)
#define GMT_ORACLE_LONGEST (UINT64_C(40) * 4096) /* write, in bytes */
#define GMT_ORACLE_BASE (UINT64_C(3961) * 4096)  /* where the bitmap has the memory: words and summaries are cut */

struct gmt_oracle {
    unsigned char *memory;
    struct gm_watch *watch;
    struct gm_dirty *marks, *seen;
    uint64_t mark_last[GMT_ORACLE_PAGES]; /* number of the last harvest of the round that had the page, or 0 */
    uint64_t seen_last[GMT_ORACLE_PAGES];
    uint64_t number, harvests, marked, reported, lost, made_up, wrong;
    bool by_bitmap;
    uint64_t running; /* threads that are still writing */
    /* To be set before a run: write to [first, first + len) of the memory, and mark it. In any thread, between enter
     * and leave, which may be NULL. All return 0, or something else that is counted as a wrong answer. */
    int (*enter)(struct gmt_oracle *oracle);
    int (*write)(struct gmt_oracle *oracle, uint64_t first, uint64_t len, unsigned char value);
    int (*leave)(struct gmt_oracle *oracle);
    void *arg; /* for these three */
};

/* Private anonymous memory, or a memfd. Returns 0; -errno of gm_watch_create; -ENOMEM. */
int gmt_oracle_open(struct gmt_oracle *oracle, bool anonymous);
void gmt_oracle_close(struct gmt_oracle *oracle);

/* So many writes. Prints what was done; returns 0, or 1 when a rule was broken or would not have been noticed. */
int gmt_oracle_run(struct gmt_oracle *oracle, const char *name, uint64_t *random, uint64_t writes);

/* The first and the last byte, and one of each page between: others write there too, so each is an atomic store. */
void gmt_oracle_store(struct gmt_oracle *oracle, uint64_t first, uint64_t len, unsigned char value);

#endif
