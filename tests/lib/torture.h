/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the threads of the snapshot torture share, and the work of each.
 *
 * The space holds a few slots, each empty or with one region, and a clock: a device region whose tag is the
 * number of the commit that made it. Every commit replaces the clock, so that any view says which commit it
 * is of, and the age of a view can be judged by the one who holds it.
 */
#ifndef GM_TESTS_LIB_TORTURE_H
#define GM_TESTS_LIB_TORTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <guestmem/guestmem.h>

#include "lib/stamp.h"

#ifndef GM_SEED_BUG
#define GM_SEED_BUG 0
#endif

#define GMT_SLOTS 12
#define GMT_SLOT_PAGES 24
/* Slots begin off block edges, and some reach across one. */
#define GMT_SLOT_GPA(slot) ((gm_gpa)(slot) * UINT64_C(0x2ff000) + GM_PAGE_SIZE)
#define GMT_CLOCK_GPA (UINT64_C(1) << 40)
#define GMT_AGES 8
#define GMT_MAILBOX 4

struct gmt_torture {
    struct gm_space *space;
    struct gm_space *other; /* readers sometimes pin this one around the first; it changes too */
    struct gmt_stamps stamps; /* of the writer */
    uint64_t seed;

    bool stop;
    unsigned phase; /* counts on every half second; in odd ones there is one reader only */
    uint64_t published;                         /* commit that returned last */
    uint64_t completed;                         /* commit whose grace period is over and that was told last */
    struct gm_snapshot *mailbox[GMT_MAILBOX];   /* from readers to the thread that puts them */

    uint64_t errors;
};

/* What one reader saw. Index of the ages: how many commits, the last one counts for more. */
struct gmt_reader {
    struct gmt_torture *torture;
    bool rests; /* in odd phases; a library may treat a lone working reader in another way */
    uint64_t seed;
    uint64_t pins, nested, reads, holes, snapshots, handed;
    uint64_t stale[GMT_AGES];     /* commits that had completed before the pin, yet are newer than its view */
    uint64_t during[GMT_AGES];    /* commits published while the pin was held */
    uint64_t completed[GMT_AGES]; /* of these, grace periods that ended while it was held */
};

struct gmt_writer {
    struct gmt_torture *torture;
    uint64_t waited, async, aborted, reclaims, added, removed, resized;
};

/* Thread bodies. The argument is a struct gmt_reader, a struct gmt_torture and a struct gmt_writer. */
void *gmt_torture_read(void *argument);
void *gmt_torture_put(void *argument);
void *gmt_torture_write(void *argument);

/* Follow the pointers of a view into memory, rounds times; every one has to lead to what the view says. */
void gmt_torture_probe(struct gmt_torture *torture, const struct gm_view *view, uint64_t *seed,
                       unsigned rounds, uint64_t *reads, uint64_t *holes);

/* One number for all that a view shows; a view that changed would change it. */
uint64_t gmt_torture_digest(const struct gm_view *view);

/* Count an error; the first few are printed. */
void gmt_torture_error(struct gmt_torture *torture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline bool gmt_torture_stopped(const struct gmt_torture *torture)
{
    return __atomic_load_n(&torture->stop, __ATOMIC_ACQUIRE);
}

#endif
