/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Dirty litmus: the shapes in which a mark and a harvest can miss one another, each alone and as often as the machine
 * can, with the code that the library is made of (core/dirty/protocol.h, walk.h). Two threads meet at each round; how
 * long one of them waits is steered so that the mark comes first in half of the rounds: then they do overlap.
 *   dirty   pages are dirty already: the marks store nothing; several, so that the harvest comes in the midst of them
 *   clean   the page is clean and its line is set
 *   fill    the mark stores a whole word
 *   beside  both threads mark a page, one of them harvests at once: what it has marked is in it
 * A page is lost when neither the harvest nor a second one, after both threads are done, copies what was written; of
 * beside, when the first does not take it.
 *
 *   usage: dirty_litmus [mutant]    0 none, 1 no barrier, 2 the barrier comes before the bits are taken, 3 lines are
 *                                   cleared after their words were taken, 4 a word is stored and nothing keeps that
 *                                   store before the look at its line, 5 a mark is skipped for the bit alone
 *   GM_TORTURE_SECONDS   how long at most (default 6); a mutant ends with the first page that is lost
 *   exit code            0; 1 when a page was lost; 77 where nothing can be late: no barrier, or one processor
 *
 * Every mutant has to be caught on x86-64. Weaker machines are expected to catch them as well, which nobody has tried;
 * but for 4, which is none where gm_dirty_store is of one order with all looks.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/barrier.h"
#include "dirty/protocol.h"
#include "lib/skip.h"
#include "lib/setting.h"

static int mutant;
static gm_dirty_line *late[4]; /* lines that mutant 3 has yet to clear */
static unsigned late_count;

static inline void clear_line(gm_dirty_line *line)
{
    if (mutant == 3)
        late[late_count++] = line;
    else
        gm_dirty_store(line, 0);
}
#undef gm_dirty_store
#define gm_dirty_store(line, zero) clear_line(line)
#include "dirty/walk.h"

#define DEFAULT_SECONDS 6
#define PAGES 512 /* a line */
#define PAGE 130
#define WORD (PAGE / GM_DIRTY_FAN)
#define BIT (UINT64_C(1) << PAGE % GM_DIRTY_FAN)
#define CHECK 256 /* rounds between two looks at the clock */
#define OTHERS 12
#define CROWD 40 /* pages of the first shape; in one word, from PAGE on */
#define STEP 3 /* turns */

enum shape { DIRTY, CLEAN, FILL, BESIDE, SHAPES };
static const char *const names[SHAPES] = {"dirty", "clean", "fill", "beside"};

static gm_dirty_word words[PAGES / 64] __attribute__((aligned(4096)));
static gm_dirty_line lines[GM_DIRTY_SPAN] __attribute__((aligned(4096)));
static const struct gm_dirty_levels live = {words, lines};

struct cell {
    uint64_t value __attribute__((aligned(128)));
};

/* What else the marker writes, before the page: the other processor has those lines, so that the page has to wait. */
static struct cell others[OTHERS];
static struct cell page[CROWD], round_begun, round_done;
static uint64_t copy[CROWD];

static enum shape shape; /* of the rounds that run */
static int marker_waits; /* turns of an empty loop, in this round */

static cpu_set_t processors; /* that may be used */

/* Stay on one of the processors: on a busy machine both threads could else be given one and the same for long. */
static void stay_on(unsigned index)
{
    size_t cpu = 0;
    cpu_set_t one;
    while (!CPU_ISSET(cpu, &processors) || index-- != 0)
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)sched_setaffinity(0, sizeof(one), &one);
}

static void turns(int count)
{
    for (; count > 0; count--)
        __asm__ volatile("" ::: "memory");
}

static unsigned crowd(void)
{
    return shape == DIRTY ? CROWD : 1;
}

static bool mark(unsigned index, bool bit_alone)
{
    GM_DIRTY_LIGHT();
    bool shown = bit_alone ? gm_dirty_bit(&live, PAGE + index) != 0 : gm_dirty_shown(&live, PAGE + index) != 0;
    if (!shown)
        gm_dirty_set(&live, WORD, BIT << index);
    return shown;
}

static void mark_word(void)
{
    if (mutant == 4) {
        (void)gm_dirty_fill(&words[WORD]);
        gm_dirty_show(&live, 0);
    } else {
        gm_dirty_set_pages(&live, WORD * 64 - 1, WORD * 64 + 64, false);
    }
}

/* Until the other thread has come so far; without giving up the processor, or the two would take turns on one. */
static uint64_t await(const struct cell *cell, uint64_t round)
{
    uint64_t now;
    do {
        now = gm_load_acquire(&cell->value);
    } while (now < round);
    return now;
}

static void *marker(void *unused)
{
    (void)unused;
    stay_on(1);
    for (uint64_t round = 1; await(&round_begun, round) != UINT64_MAX; round++) {
        turns(marker_waits);
        (void)gm_dirty_shown(&live, PAGE); /* so that the looks of the mark are quick */
        for (unsigned i = 0; i < OTHERS; i++)
            gm_store_relaxed(&others[i].value, round);
        for (unsigned i = 0; i < crowd(); i++) {
            gm_store_relaxed(&page[i].value, round);
            if (shape == FILL)
                mark_word();
            else
                (void)mark(i, false);
        }
        gm_store_release(&round_done.value, round);
    }
    return NULL;
}

static bool keep(void *to, uint64_t word, uint64_t taken, uint64_t own)
{
    (void)own;
    *(uint64_t *)to |= word == WORD ? taken : 0;
    return true;
}

/* Take and copy pages. Does the harvest take the one in the middle? */
static bool harvest(void)
{
    const struct gm_dirty_window all = {0, PAGES};
    uint64_t taken = 0;
    if (mutant == 2)
        (void)gm_barrier();
    (void)gm_dirty_walk(&live, NULL, &all, keep, &taken);
    while (late_count != 0)
        gm_store_seq_cst(late[--late_count], 0);
    if (mutant != 1 && mutant != 2)
        (void)gm_barrier();
    for (unsigned i = 0; i < crowd(); i++)
        if ((taken & BIT << i) != 0)
            copy[i] = gm_load_relaxed(&page[i].value);
    return (taken & BIT << crowd() / 2) != 0;
}

static void prepare(void)
{
    memset(words, 0, sizeof(words));
    memset(lines, 0, sizeof(lines));
    if (shape == DIRTY)
        words[WORD] = ((UINT64_C(1) << CROWD) - 1) << PAGE % GM_DIRTY_FAN;
    if (shape != BESIDE)
        lines[0] = 1;
    for (unsigned i = 0; i < OTHERS; i++)
        gm_add_relaxed(&others[i].value, 1);
    for (unsigned i = 0; i < crowd(); i++)
        gm_add_relaxed(&page[i].value, 0);
}

struct tally {
    uint64_t rounds, lost;
};

/* One round, in which the harvester waits, or, when wait is below 0, the marker; true: the mark came first. */
static bool play(uint64_t round, int wait, struct tally *tally)
{
    bool first = true, old = false;
    prepare();
    marker_waits = -wait;
    gm_store_release(&round_begun.value, round);
    turns(wait);
    if (shape == BESIDE)
        first = mark(0, mutant == 5);
    bool taken = harvest();
    (void)await(&round_done, round);
    bool left = harvest();
    for (unsigned i = 0; i < crowd(); i++)
        old |= copy[i] != round;
    tally->lost += shape == BESIDE ? !taken : old;
    return shape == BESIDE ? first : !left;
}

static uint64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static int rounds_of(uint64_t ms, uint64_t *round)
{
    struct tally tally = {0};
    uint64_t end = now_ms() + ms, first = 0;
    int wait = 100;
    while ((tally.rounds % CHECK != 0 || now_ms() < end) && (mutant == 0 || tally.lost == 0)) {
        ++*round;
        bool was_first = play(*round, wait + (int)(*round * 7 % 16), &tally);
        first += was_first;
        wait += was_first ? -STEP : STEP;
        tally.rounds++;
    }
    printf("%s: %" PRIu64 " rounds, the mark came first in %" PRIu64 ", pages lost: %" PRIu64 "\n", names[shape],
           tally.rounds, first, tally.lost);
    fflush(stdout);
    return tally.lost != 0;
}

static void skip_what_cannot_be(void)
{
    if (!gm_barrier_able() || CPU_COUNT(&processors) < 2)
        gmt_skip("no barrier, or one processor: nothing can be late");
#ifndef __x86_64__
    if (mutant == 4)
        gmt_skip("stores are of one order with looks: nothing can be late");
#endif
}

int main(int argc, char **argv)
{
    uint64_t ms = torture_seconds(DEFAULT_SECONDS) * 1000, round = 0;
    static const enum shape shape_of[] = {SHAPES, DIRTY, DIRTY, CLEAN, FILL, BESIDE};
    pthread_t thread;
    int failed = 0;
    mutant = argc > 1 ? atoi(argv[1]) : 0;
    if (mutant < 0 || mutant > 5)
        return 2;
    if (sched_getaffinity(0, sizeof(processors), &processors) != 0)
        return 1;
    skip_what_cannot_be();
    stay_on(0);
    if (pthread_create(&thread, NULL, marker, NULL) != 0)
        return 1;
    for (unsigned i = 0; i < SHAPES; i++) {
        shape = i;
        if (mutant == 0 || shape_of[mutant] == shape)
            failed |= rounds_of(mutant == 0 ? ms / SHAPES : ms, &round);
    }
    gm_store_release(&round_begun.value, UINT64_MAX);
    pthread_join(thread, NULL);
    return failed;
}
