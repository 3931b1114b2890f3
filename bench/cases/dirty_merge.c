/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does it cost that a log and the bitmap do not begin at the same bit of a word (D6)? KVM's log of a slot begins
 * with the slot, which may lie at any page; a vhost log begins with address 0, and a region of it at any bit. One page
 * in a hundred is dirty in the log and none in the bitmap. The floor is the same log where both begin with a word.
 */
#include "dirty.h"

#include <guestmem/dirty_merge.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_PAGES (UINT64_C(4) << 20) /* 16 GiB */
#define ONE_IN 100

struct merger {
    struct gm_dirty *dirty;
    struct gm_dirty_log log;
};

static struct {
    uint64_t *words; /* of the log, and a word more */
    uint64_t dirty;  /* how many pages */
    struct merger aligned, shifted;
} now; /* of the row in preparation */

static void merge_body(struct bench_run *run)
{
    const struct merger *merger = run->fixture;

    bench_counters_begin(run->counters);
    for (uint64_t i = 0; i < run->iters; i++) {
        run->wrong |= gm_dirty_merge(merger->dirty, &merger->log) != 0;
        bench_counters_pause(run->counters);
        uint64_t begin = bench_now_ns();
        run->wrong |= gm_dirty_count(merger->dirty, 0, UINT64_MAX) != now.dirty;
        run->wrong |= gm_dirty_clear(merger->dirty, 0, (SLOT_PAGES + 2 * DIRTY_WORD) * DIRTY_PAGE) != 0;
        run->excluded_ns += bench_now_ns() - begin;
        bench_counters_resume(run->counters);
    }
}

static int make(struct merger *merger, uint64_t first, uint64_t to)
{
    const struct gm_dirty_config config = {
        .size = (SLOT_PAGES + 2 * DIRTY_WORD) * DIRTY_PAGE, .numa_node = -1, .flags = GM_DIRTY_ON};

    merger->log = (struct gm_dirty_log){.bits = now.words,
                                        .first = first,
                                        .count = SLOT_PAGES,
                                        .page_shift = GM_PAGE_SHIFT,
                                        .to = to * DIRTY_PAGE};
    return gm_dirty_create(&config, &merger->dirty);
}

/* Bits 0 and up to a word after the slot stay clear, so that the same ones count wherever the log begins. */
static int draw(uint64_t seed)
{
    struct bench_rng rng = {seed};

    now.words = calloc(SLOT_PAGES / DIRTY_WORD + 1, sizeof(*now.words));
    if (now.words == NULL)
        return -1;
    for (uint64_t i = 0; i < SLOT_PAGES / ONE_IN; i++) {
        uint64_t page = DIRTY_WORD + bench_random_below(&rng, SLOT_PAGES - DIRTY_WORD);
        now.words[page / DIRTY_WORD] |= UINT64_C(1) << page % DIRTY_WORD;
    }
    for (uint64_t i = 0; i < SLOT_PAGES / DIRTY_WORD; i++)
        now.dirty += (uint64_t)__builtin_popcountll(now.words[i]);
    return 0;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    int is_kvm = strcmp(row->text, "kvm") == 0;

    if (draw(session->options.seed) != 0 || make(&now.aligned, 0, DIRTY_WORD) != 0 ||
        make(&now.shifted, is_kvm ? 0 : row->param, is_kvm ? DIRTY_WORD + row->param : DIRTY_WORD) != 0)
        return bench_row_skip(row, "no memory");
    bench_member_add(members, BENCH_FLOOR, merge_body, &now.aligned, 1);
    bench_member_add(members, BENCH_OURS, merge_body, &now.shifted, 1);
    return 0;
}

static void release(struct bench_row *row)
{
    (void)row;
    gm_dirty_destroy(now.aligned.dirty);
    gm_dirty_destroy(now.shifted.dirty);
    free(now.words);
    memset(&now, 0, sizeof(now));
}

static void add_row(struct bench_session *session, const char *log, uint64_t shift)
{
    struct bench_row *row = bench_row_add(session, "D6", "ns", "dirty/merge/%s/shift:%u", log, (unsigned)shift);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->text = log;
    row->param = shift;
    row->rule = BENCH_TIMES_FLOOR;
    row->limit = 1.5;
    row->planned = 2;
}

void bench_case_dirty_merge(struct bench_session *session)
{
    static const uint64_t shifts[] = {1, 13, 63};

    for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++)
        add_row(session, "kvm", shifts[i]);
    for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++)
        add_row(session, "vhost", shifts[i]);
}
