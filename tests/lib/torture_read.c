/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The reading threads: translate and dereference inside pins and through snapshots, and judge the age of each
 * view.
 *
 * Two rules are checked of every pin. A commit that had returned before the pin began is in its view. And a
 * commit that is newer than the view cannot have completed its wait while the pin is held, for that is what
 * it waits for.
 */
#include "lib/torture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define ERRORS_SHOWN 5
#define HELD 4
#define PATIENCE 300

struct held {
    struct gm_snapshot *snapshot;
    uint64_t digest;
};

void gmt_torture_error(struct gmt_torture *torture, const char *format, ...)
{
    if (__atomic_fetch_add(&torture->errors, 1, __ATOMIC_RELAXED) >= ERRORS_SHOWN)
        return;
    va_list args;
    va_start(args, format);
    flockfile(stderr);
    fputs("ERROR: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(args);
}

static uint64_t clock_of(struct gmt_torture *torture, const struct gm_view *view)
{
    struct gm_region_info info;
    if (gm_region_find(view, GMT_CLOCK_GPA, &info) != 0) {
        gmt_torture_error(torture, "a view without a clock, generation %" PRIu64, view->generation);
        return 0;
    }
    return info.tag;
}

uint64_t gmt_torture_digest(const struct gm_view *view)
{
    struct gm_region_info info;
    uint64_t digest = 0;
    for (gm_gpa gpa = 0; gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size)
        digest = gmt_mix(digest ^ info.tag ^ gmt_mix(info.size) ^ (uintptr_t)info.address);
    return digest;
}

static void probe_one(struct gmt_torture *torture, const struct gm_view *view, uint64_t choice,
                      uint64_t *reads, uint64_t *holes)
{
    uint64_t page = (choice >> 8) % GMT_SLOT_PAGES;
    unsigned mark = (unsigned)(choice >> 32) % GMT_MARKS;
    gm_gpa gpa = GMT_SLOT_GPA(choice % GMT_SLOTS) + page * GM_PAGE_SIZE + GMT_MARK_OFFSET(mark);
    struct gm_region_info info;
    const uint64_t *hva = gm_translate(view, gpa, 8, GM_READ);
    int error = gm_region_find(view, gpa, &info);
    if (error == -ENOENT && hva == NULL) {
        ++*holes;
        return;
    }
    if (error != 0 || (const void *)hva != (const char *)info.address + (gpa - info.gpa)) {
        gmt_torture_error(torture, "at %#" PRIx64 ": translated to %p, region says %d and %p", gpa,
                          (const void *)hva, error, error == 0 ? info.address : NULL);
        return;
    }
    ++*reads;
    uint64_t seen = *hva;
    if (seen != gmt_mark(info.tag, page, mark))
        gmt_torture_error(torture, "at %#" PRIx64 ": read %#" PRIx64 ", region %#" PRIx64 " holds %#" PRIx64,
                          gpa, seen, info.tag, gmt_mark(info.tag, page, mark));
}

void gmt_torture_probe(struct gmt_torture *torture, const struct gm_view *view, uint64_t *seed,
                       unsigned rounds, uint64_t *reads, uint64_t *holes)
{
    for (unsigned i = 0; i < rounds; i++)
        probe_one(torture, view, gmt_rand(seed), reads, holes);
    /* slots 0 and 1 are always replaced in one transaction: no view shows one of them without the other */
    struct gm_region_info first, second;
    int none = gm_region_find(view, GMT_SLOT_GPA(0), &first);
    int other = gm_region_find(view, GMT_SLOT_GPA(1), &second);
    if (none != other || (none == 0 && (first.tag ^ second.tag) != 1))
        gmt_torture_error(torture, "half a transaction: %d and %d, tags %#" PRIx64 " and %#" PRIx64, none,
                          other, none == 0 ? first.tag : 0, other == 0 ? second.tag : 0);
}

static void count_age(uint64_t *ages, uint64_t age)
{
    ages[age < GMT_AGES ? age : GMT_AGES - 1]++;
}

/* Give a snapshot to the thread that puts them, or put it here when that one is busy. */
static void part_with(struct gmt_reader *reader, struct held *held, uint64_t choice)
{
    struct gm_snapshot *snapshot = held->snapshot;
    held->snapshot = NULL;
    if ((choice & 1) != 0) {
        struct gm_snapshot **place = &reader->torture->mailbox[(choice >> 1) % GMT_MAILBOX];
        snapshot = __atomic_exchange_n(place, snapshot, __ATOMIC_ACQ_REL);
        reader->handed++;
    }
    gm_snapshot_put(snapshot);
}

/* Look through an old snapshot and part with it, or take one of this view. */
static void juggle(struct gmt_reader *reader, struct held *held, const struct gm_view *view)
{
    uint64_t choice = gmt_rand(&reader->seed);
    struct held *slot = &held[choice % HELD];
    if (slot->snapshot == NULL) {
        slot->snapshot = gm_snapshot_take(view);
        slot->digest = gmt_torture_digest(view);
        reader->snapshots++;
        return;
    }
    const struct gm_view *old = gm_snapshot_view(slot->snapshot);
    if (gmt_torture_digest(old) != slot->digest)
        gmt_torture_error(reader->torture, "a snapshot of generation %" PRIu64 " has changed",
                          old->generation);
    gmt_torture_probe(reader->torture, old, &reader->seed, 16, &reader->reads, &reader->holes);
    part_with(reader, slot, choice >> 8);
}

/* The view of a pin against what had been told before the pin began. */
static uint64_t judge_pin(struct gmt_reader *reader, const struct gm_view *view, uint64_t published)
{
    uint64_t serial = clock_of(reader->torture, view);
    if (serial < published)
        gmt_torture_error(reader->torture, "commit %" PRIu64 " had returned, yet a later pin shows %" PRIu64,
                          published, serial);
    return serial;
}

/* Just before the unpin: did a grace period end that had to wait for this pin? */
static void judge_unpin(struct gmt_reader *reader, uint64_t serial)
{
    uint64_t completed = __atomic_load_n(&reader->torture->completed, __ATOMIC_ACQUIRE);
    uint64_t published = __atomic_load_n(&reader->torture->published, __ATOMIC_ACQUIRE);
    count_age(reader->during, published > serial ? published - serial : 0);
    count_age(reader->completed, completed > serial ? completed - serial : 0);
    if (completed > serial)
        gmt_torture_error(reader->torture, "commit %" PRIu64 " completed while a pin of %" PRIu64 " was held",
                          completed, serial);
}

/* What bug 2 is: the pointer is followed when the pin no longer protects it. */
static void use_after_unpin(struct gmt_reader *reader, const uint64_t *hva, uint64_t want)
{
    if (GM_SEED_BUG != 2 || hva == NULL)
        return;
    usleep(500);
    if (*hva != want)
        gmt_torture_error(reader->torture, "read %#" PRIx64 " after unpin, %#" PRIx64 " was there", *hva,
                          want);
}

/*
 * A pin inside another one of the same space, as a callback would take it. With patience it is taken again
 * until it shows a newer view: then the writer is just waiting for the pin around it.
 */
static void pin_inside(struct gmt_reader *reader, uint64_t serial, unsigned patience)
{
    struct gmt_torture *torture = reader->torture;
    uint64_t shown = serial;
    for (unsigned i = 0; i <= patience && shown == serial; i++) {
        uint64_t published = __atomic_load_n(&torture->published, __ATOMIC_ACQUIRE);
        const struct gm_view *inner = gm_pin(torture->space);
        shown = judge_pin(reader, inner, published > serial ? published : serial);
        if (i == patience || shown != serial)
            gmt_torture_probe(torture, inner, &reader->seed, 4, &reader->reads, &reader->holes);
        gm_unpin();
        reader->nested++;
    }
}

static void pin_once(struct gmt_reader *reader, struct held *held)
{
    struct gmt_torture *torture = reader->torture;
    uint64_t choice = gmt_rand(&reader->seed);
    bool around = (choice >> 40) % 8 == 0 && gm_pin(torture->other) != NULL;
    if (around && (choice >> 44) % 16 == 0)
        usleep(50);
    uint64_t completed = __atomic_load_n(&torture->completed, __ATOMIC_ACQUIRE);
    uint64_t published = __atomic_load_n(&torture->published, __ATOMIC_ACQUIRE);
    const struct gm_view *view = gm_pin(torture->space);
    uint64_t serial = judge_pin(reader, view, published);
    count_age(reader->stale, completed > serial ? completed - serial : 0);
    gmt_torture_probe(torture, view, &reader->seed, (unsigned)(choice % 48), &reader->reads, &reader->holes);
    if (choice % 8 == 0)
        pin_inside(reader, serial, choice % 64 == 0 ? PATIENCE : 0);
    if ((choice >> 8) % 32 == 0)
        juggle(reader, held, view);
    if ((choice >> 16) % 64 == 0)
        usleep(50); /* long enough for several commits */
    gmt_torture_probe(torture, view, &reader->seed, 4, &reader->reads, &reader->holes);
    const uint64_t *last = gm_translate(view, GMT_SLOT_GPA((choice >> 24) % GMT_SLOTS), 8, GM_READ);
    uint64_t there = GM_SEED_BUG == 2 && last != NULL ? *last : 0;
    judge_unpin(reader, serial);
    gm_unpin();
    if (around)
        gm_unpin();
    reader->nested += around;
    use_after_unpin(reader, last, there);
    reader->pins++;
}

/* Leave the other reader alone for a while, as a thread that is no reader. */
static void rest(struct gmt_reader *reader)
{
    struct gmt_torture *torture = reader->torture;
    if (!reader->rests || (__atomic_load_n(&torture->phase, __ATOMIC_RELAXED) & 1) == 0)
        return;
    if (gm_reader_unregister() != 0)
        gmt_torture_error(torture, "a reader cannot unregister");
    while ((__atomic_load_n(&torture->phase, __ATOMIC_RELAXED) & 1) != 0 && !gmt_torture_stopped(torture))
        usleep(1000);
    if (gm_reader_register() != 0)
        gmt_torture_error(torture, "a reader cannot register again");
}

void *gmt_torture_read(void *argument)
{
    struct gmt_reader *reader = argument;
    struct held held[HELD] = {{NULL, 0}};
    if (gm_reader_register() != 0) {
        gmt_torture_error(reader->torture, "a reader cannot register");
        return NULL;
    }
    while (!gmt_torture_stopped(reader->torture)) {
        rest(reader);
        pin_once(reader, held);
    }
    for (unsigned i = 0; i < HELD; i++)
        gm_snapshot_put(held[i].snapshot);
    if (gm_reader_unregister() != 0)
        gmt_torture_error(reader->torture, "a reader cannot unregister");
    return NULL;
}

/* Never registered as a reader: a snapshot is all that it needs. */
void *gmt_torture_put(void *argument)
{
    struct gmt_torture *torture = argument;
    uint64_t seed = torture->seed ^ 99, reads = 0, holes = 0;
    for (bool last = false; !last;) {
        last = gmt_torture_stopped(torture);
        for (unsigned i = 0; i < GMT_MAILBOX; i++) {
            struct gm_snapshot *snapshot = __atomic_exchange_n(&torture->mailbox[i], NULL, __ATOMIC_ACQ_REL);
            if (snapshot == NULL)
                continue;
            gmt_torture_probe(torture, gm_snapshot_view(snapshot), &seed, 64, &reads, &holes);
            gm_snapshot_put(snapshot);
        }
        usleep(300);
    }
    return NULL;
}
