/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What allocators are loaded with: ranges that are there before, and a list of operations with the answers to them,
 * all a function of kind, size and seed. A unit is what a row counts: an allocation, or one and the free of it.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "arena.h"

#define BENCH_PAGE UINT64_C(4096)
#define BENCH_LOAD_REQUESTS 1024

enum bench_load_kind {
    BENCH_LOAD_BUMP,                /* N pages into an empty arena */
    BENCH_LOAD_PACKED,              /* one more page above N that leave no gap */
    BENCH_LOAD_PACKED_HIGHEST,      /* one more below N that lie at the end: the mirror image */
    BENCH_LOAD_CHECKERBOARD,        /* N holes of a page, and two pages are wanted */
    BENCH_LOAD_NO_FIT,              /* the same holes, and a TiB is wanted */
    BENCH_LOAD_HIGH_WINDOW,         /* the same holes, and a page in 2 MiB far above them is wanted */
    BENCH_LOAD_FIXED,               /* the same holes, and that very page is wanted */
    BENCH_LOAD_NATURAL_TRAP,        /* N gaps of 2 MiB, none of them aligned, and 2 MiB at 2 MiB are wanted */
    BENCH_LOAD_TRAP,                /* N gaps of 640 pages, and 384 at 2 MiB are wanted: 328 are left */
    BENCH_LOAD_LOW_WINDOW,          /* N gaps above 4 GiB, one page below, and it is wanted */
    BENCH_LOAD_LOW_WINDOW_HIGHEST,  /* the same page, as the highest one below 4 GiB */
    BENCH_LOAD_CHECKERBOARD_HIGHEST, /* N holes of a page above a GiB, and the highest two pages are wanted */
    BENCH_LOAD_CLASSES,             /* N gaps too short for each of 20 alignments by a page, asked for in turn */
    BENCH_LOAD_WINDOW_EDGES,        /* N gaps of 8 pages, and windows that begin or end in them, or are just enough */
    BENCH_LOAD_CHURN,               /* N natural blocks of 1 to 8 pages: any of them goes, another comes */
    BENCH_LOAD_VMM,                 /* a guest of N ranges: memory slots and BARs, which are plugged or move */
    BENCH_LOAD_IOVA,                /* N blocks of 4 KiB to 2 MiB from the top, a tenth of them below 4 GiB */
    BENCH_LOAD_KINDS
};

struct bench_load {
    enum bench_load_kind kind;
    size_t n;
    uint64_t base, size; /* [bytes] of the arena */
    uint32_t needs;      /* BENCH_CAN_..., of an arena that is to carry it */
    struct bench_request requests[BENCH_LOAD_REQUESTS];
    size_t request_count;

    struct bench_extent *placed; /* sorted by address; slot i is for range i */
    size_t placed_count;
    size_t slots;

    struct bench_op *ops;
    size_t units, per_unit;      /* per_unit operations a unit, one of them an allocation */
    uint64_t *answers;           /* what each unit's allocation gets, BENCH_NOWHERE: nothing */
    uint64_t *sums;              /* units + 1: of the answers before a unit; BENCH_NOWHERE counts as 0 */
    uint64_t unit_failures;      /* 1 where the answer is that there is no place */
    int neutral;                 /* the last unit leaves everything as the first one found it */
};

/* 0, -ENOMEM, or -EINVAL when n is 0 or more than 2^24. */
int bench_load_make(enum bench_load_kind kind, size_t n, uint64_t seed, struct bench_load **out);
void bench_load_free(struct bench_load *load);

/* Of the row, up to the number: "allocate/bump/". */
const char *bench_load_name(enum bench_load_kind kind);

/* Slots as they are before the first unit. */
void bench_load_slots(const struct bench_load *load, uint64_t *slots);

/* This arena can answer it exactly. */
int bench_load_suits(const struct bench_load *load, const struct bench_arena *arena);

/* The answer to units [from, from + count) is the load's. */
int bench_load_right(const struct bench_load *load, size_t from, size_t count, const struct bench_answer *answer);

/* ---- among the files that make loads ------------------------------------------------------------------ */

/* load_churn.c, load_windows.c, load_guest.c: everything but the sums. 0 or -ENOMEM. */
int bench_load_churn(struct bench_load *load, uint64_t seed);
int bench_load_checkerboard_highest(struct bench_load *load);
int bench_load_classes(struct bench_load *load);
int bench_load_window_edges(struct bench_load *load, uint64_t seed);
int bench_load_vmm(struct bench_load *load, uint64_t seed);
int bench_load_iova(struct bench_load *load, uint64_t seed);

/* Room for so much; what there was is forgotten. 0 or -ENOMEM. */
int bench_load_room(struct bench_load *load, size_t placed, size_t units, size_t per_unit, size_t slots);

#endif
