/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The writing thread: regions come, go, grow and shrink, by commits that wait and commits that do not, and
 * now and then a transaction is dropped. Each region gets memory of its own, which is unmapped when the
 * library lets go.
 */
#include "lib/torture.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

struct slot {
    uint64_t tag; /* 0: no region */
    uint64_t pages;
    uint64_t backing_pages;
};

struct state {
    struct gmt_writer *writer;
    struct gm_txn *txn;
    struct slot slots[GMT_SLOTS];
    uint64_t seed;
    uint64_t serial; /* of the newest commit */
    uint64_t incarnation;
    uint64_t elsewhere; /* commits of the other space */
};

/* Every step of the writer has to work; a step that does not is an error of the library or of this test. */
static void need(struct state *state, const char *what, int error)
{
    if (error != 0)
        gmt_torture_error(state->writer->torture, "%s: %d", what, error);
}

static void remove_slot(struct state *state, unsigned number)
{
    struct slot *slot = &state->slots[number];
    if (slot->tag == 0)
        return;
    need(state, "gm_txn_remove", gm_txn_remove(state->txn, GMT_SLOT_GPA(number), slot->pages * GM_PAGE_SIZE));
    slot->tag = 0;
    state->writer->removed++;
}

/* Mostly all of its memory, so that readers find more regions than holes. */
static uint64_t pick_pages(struct state *state, const struct slot *slot)
{
    bool all = gmt_rand_below(&state->seed, 2) == 0;
    return all ? slot->backing_pages : 1 + gmt_rand_below(&state->seed, slot->backing_pages);
}

static void add_slot(struct state *state, unsigned number, uint64_t tag)
{
    struct slot *slot = &state->slots[number];
    struct gm_region_desc desc = {.gpa = GMT_SLOT_GPA(number), .tag = tag};
    slot->backing_pages = GMT_SLOT_PAGES / 2 + 1 + gmt_rand_below(&state->seed, GMT_SLOT_PAGES / 2);
    slot->pages = pick_pages(state, slot);
    slot->tag = tag;
    desc.size = slot->pages * GM_PAGE_SIZE;
    int error = gmt_stamps_map(&state->writer->torture->stamps, slot->backing_pages, tag, &desc.backing);
    need(state, "a mapping", error);
    if (error != 0)
        return;
    need(state, "gm_txn_add", gm_txn_add(state->txn, &desc));
    gm_backing_put(desc.backing);
    state->writer->added++;
}

static void resize_slot(struct state *state, unsigned number)
{
    struct slot *slot = &state->slots[number];
    slot->pages = pick_pages(state, slot);
    need(state, "gm_txn_resize", gm_txn_resize(state->txn, GMT_SLOT_GPA(number), slot->pages * GM_PAGE_SIZE));
    state->writer->resized++;
}

/* Slots 0 and 1 come and go together, with tags that differ in the last bit alone. */
static void edit_pair(struct state *state)
{
    uint64_t tag = ++state->incarnation << 8;
    bool back = gmt_rand_below(&state->seed, 4) != 0;
    for (unsigned number = 0; number < 2; number++) {
        remove_slot(state, number);
        if (back)
            add_slot(state, number, tag | number);
    }
}

static void edit(struct state *state)
{
    unsigned number = (unsigned)gmt_rand_below(&state->seed, GMT_SLOTS);
    uint64_t choice = gmt_rand_below(&state->seed, 8);
    if (number < 2) {
        edit_pair(state);
        return;
    }
    if (state->slots[number].tag != 0 && choice < 3) {
        resize_slot(state, number);
        return;
    }
    remove_slot(state, number);
    if (choice != 7)
        add_slot(state, number, ++state->incarnation << 8 | number);
}

static void advance_clock(struct state *state)
{
    struct gm_region_desc clock = {
        .gpa = GMT_CLOCK_GPA, .size = GM_PAGE_SIZE, .kind = GM_KIND_DEVICE, .tag = state->serial + 1};
    if (state->serial != 0)
        need(state, "clock", gm_txn_remove(state->txn, GMT_CLOCK_GPA, GM_PAGE_SIZE));
    need(state, "clock", gm_txn_add(state->txn, &clock));
}

/* Tell the readers. What had been published before a grace period began is complete when it has ended. */
static void tell(struct state *state, bool waited)
{
    struct gmt_torture *torture = state->writer->torture;
    __atomic_store_n(&torture->published, state->serial, __ATOMIC_RELEASE);
    if (waited)
        __atomic_store_n(&torture->completed, state->serial, __ATOMIC_RELEASE);
}

/*
 * The other space has one region, which grows and shrinks: what counts is that its generations go on, also
 * between the begin and the commit of a transaction on the first.
 */
static void transact_elsewhere(struct state *state)
{
    struct gm_txn *txn;
    const struct gm_region_desc desc = {.size = GM_PAGE_SIZE, .kind = GM_KIND_DEVICE};
    need(state, "gm_txn_begin", gm_txn_begin(state->writer->torture->other, &txn));
    if (state->elsewhere == 0)
        need(state, "gm_txn_add", gm_txn_add(txn, &desc));
    else
        need(state, "gm_txn_resize", gm_txn_resize(txn, 0, (1 + state->elsewhere % 2) * GM_PAGE_SIZE));
    need(state, "gm_txn_commit", gm_txn_commit(txn, GM_COMMIT_ASYNC));
    state->elsewhere++;
}

static void transact(struct state *state)
{
    struct slot before[GMT_SLOTS];
    memcpy(before, state->slots, sizeof(before));
    need(state, "gm_txn_begin", gm_txn_begin(state->writer->torture->space, &state->txn));
    for (uint64_t edits = 1 + gmt_rand_below(&state->seed, 3); edits > 0; edits--)
        edit(state);
    if (state->serial != 0 && gmt_rand_below(&state->seed, 16) == 0) {
        gm_txn_abort(state->txn);
        memcpy(state->slots, before, sizeof(before));
        state->writer->aborted++;
        return;
    }
    advance_clock(state);
    if (gmt_rand_below(&state->seed, 4) == 0) {
        transact_elsewhere(state);
        usleep(gmt_rand_below(&state->seed, 2) == 0 ? 0 : 30); /* for readers to find it */
    }
    bool wait = gmt_rand_below(&state->seed, 4) == 0;
    need(state, "gm_txn_commit", gm_txn_commit(state->txn, wait ? GM_COMMIT_WAIT : GM_COMMIT_ASYNC));
    state->serial++;
    state->writer->waited += wait;
    state->writer->async += !wait;
    tell(state, wait);
    if (gmt_rand_below(&state->seed, 32) == 0) {
        need(state, "gm_space_reclaim", gm_space_reclaim(state->writer->torture->space));
        tell(state, true);
        state->writer->reclaims++;
    }
}

void *gmt_torture_write(void *argument)
{
    struct gmt_writer *writer = argument;
    struct state state = {.writer = writer, .seed = writer->torture->seed};
    while (!gmt_torture_stopped(writer->torture)) {
        transact(&state);
        if (gmt_rand_below(&state.seed, 4) == 0)
            sched_yield();
    }
    return NULL;
}
