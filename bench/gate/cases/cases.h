/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the files of guestmem's own plug-in share: the operations that ci/gate watches, compiled once for each revision
 * and always from the working tree, so that both revisions do the same.
 *
 * No case makes a system call or waits for a grace period: those vary by ten times whatever the code is.
 *
 * The self-test makes a side worse on purpose. GATE_INJECT_EVERY=33: one operation in 33 is done again, which is 3 %
 * on any machine, where instructions that do nothing would vanish in the shadow of a load. GATE_INJECT_NOP: one
 * instruction more for each operation, for the counts, which see it wherever it is.
 */
#ifndef GATE_CASES_H
#define GATE_CASES_H

#include <guestmem/guestmem.h>

#include "../gate.h"

/* A revision from before a part of the library has no cases of it, and is compared without them. */
#if __has_include(<guestmem/access_bulk.h>)
#define GATE_HAS_ACCESS 1
#else
#define GATE_HAS_ACCESS 0
#endif
#if __has_include(<guestmem/virtqueue.h>)
#define GATE_HAS_CHAINS 1
#else
#define GATE_HAS_CHAINS 0
#endif

#define GATE_BATCH 256  /* addresses of a batch */
#define GATE_EIGHTH 8   /* of a page is one operation where pages are copied */
#define GATE_HARVEST 64 /* pages that one harvest takes */
#define GATE_LINEAR_SIZE (UINT64_C(4) << 30)

enum gate_layout {
    GATE_APART, /* regions of whole 2 MiB blocks with holes between them */
    GATE_MIXED, /* a boundary in each 2 MiB block, neighbours apart in host memory */
    GATE_REAL,  /* the memory of a recorded machine: bench/layouts/q35-16g-hotplug.layout */
    GATE_LINEAR /* as apart, in a linear space */
};

enum gate_mix {
    GATE_UNIFORM, /* by region; on the recorded machine by size, as a guest spreads its accesses */
    GATE_HOT      /* 94 % in one region */
};

enum gate_work {
    GATE_TRANSLATES, /* nothing but the space */
    GATE_MARKS,
    GATE_HARVESTS,
    GATE_RANGES,
    GATE_IDS,
    GATE_ACCESSES,
    GATE_TRACKED, /* as accesses, in a space whose bitmap counts marks */
    GATE_CHAINS,
    GATE_INDIRECT /* as chains, which lie in tables of their own */
};

struct gate_place {
    enum gate_layout layout;
    enum gate_mix mix;
    unsigned regions;
    unsigned len;    /* [bytes] of an access */
    const char *isa; /* the batch kernels that it needs, or NULL */
    enum gate_work work;
    unsigned reach; /* [bytes] of each region that accesses go to; 0: anywhere, since nothing is touched */
};

struct gate_state {
    struct gm_space *space;
    struct gm_backing *backing;
    struct gm_snapshot *snapshot; /* holds the view, so that the pins of run_pin are not nested ones */
    const struct gm_view *view;
    struct gm_dirty *dirty;
    struct gm_arena *arena;
    struct gm_ids *ids;
    struct gate_memory memory;
    uint64_t len;
    uint64_t last; /* what the floor checks and adds */
    uint64_t delta;
    uint64_t touched; /* [bytes] of host memory that may be */
    int registered;
    int writes; /* whether the second thread does */
    int failed; /* what the writer's last failure was, or 0 */
};
/* Reached directly, as what is static; -fvisibility says nothing about declarations. */
#pragma GCC visibility push(hidden)
extern struct gate_state gate;

/* places.c: regions, and addresses in them. */
unsigned gate_region_count(const struct gate_place *place);
struct gm_region_desc gate_region_of(const struct gate_place *place, unsigned index);
gm_gpa gate_reached(const struct gate_place *place, unsigned region); /* where accesses to a region begin */
void gate_fill(const struct gate_case *which, const struct gate_memory *memory);

/* The operations, and the least that could do their work: floors.c, or beside them. */
gate_run run_call, run_inline, run_span, run_handle, run_iov;
gate_run run_batch, run_linear;
gate_run run_pin, run_one_by_one;
gate_run run_mark, run_mark_range, run_harvest, run_churn, run_ids;
gate_run run_read_u64, run_write_u64, run_read_some, run_write_some, run_read_page, run_write_page;
gate_run run_chain;
gate_run floor_call, floor_inline, floor_handle, floor_pin, floor_one_by_one, floor_linear, floor_mark;
gate_run floor_read_u64, floor_write_u64, floor_read_some, floor_write_some, floor_chain;

/* work.c: what marks, ranges and ids work on, before there is a space. */
int gate_work_setup(enum gate_work work);
void gate_work_teardown(void);

/* access.c: host memory that is touched, with something in it that depends on the address alone. */
int gate_access_setup(const struct gate_place *place);
void gate_access_teardown(void);

/* chain.c: the guest's rings, once there is a view. */
int gate_chain_setup(const struct gate_place *place);

/* pin.c: what a second thread does. */
void beside_reader(void);
void beside_writer(void);
#pragma GCC visibility pop

#ifdef GATE_INJECT_NOP
#define ONE_MORE() __asm__ volatile("nop")
#define PAGE_MORE() __asm__ volatile(".rept 8\n\tnop\n\t.endr")
#define HARVEST_MORE() __asm__ volatile(".rept 64\n\tnop\n\t.endr")
#define BATCH_MORE() __asm__ volatile(".rept 256\n\tnop\n\t.endr")
#define LINEAR_MORE() __asm__ volatile(".rept 1024\n\tnop\n\t.endr")
#else
#define ONE_MORE() ((void)0)
#define PAGE_MORE() ((void)0)
#define HARVEST_MORE() ((void)0)
#define BATCH_MORE() ((void)0)
#define LINEAR_MORE() ((void)0)
#endif

#endif
