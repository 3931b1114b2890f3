/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Failing an operation at its first step, at its second, and so on until it gets through. Every time that a step
 * fails, the operation has to say so and to have changed nothing: regions, translations, counters, file
 * descriptors and mappings are compared; what is lost from the heap, AddressSanitizer finds at the end.
 */
#ifndef GM_TESTS_FAULT_SWEEP_H
#define GM_TESTS_FAULT_SWEEP_H

#include "lib/cm.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/fault.h"
#include "guestmem/guestmem.h"
#include "lib/dump.h"
#include "map/check.h"

#define LARGE (UINT64_C(512) << 20)
#define RESERVATION_TEXT 8192

/* What the process holds; the space may be NULL. */
struct footprint {
    unsigned fds;
    uint64_t large; /* units of LARGE in mappings, so that the heap's own comings and goings do not count */
    char reservation[RESERVATION_TEXT]; /* what is mapped inside a linear space, and how */
    struct gm_space_stats stats;
    char *text;
};

static inline unsigned count_fds(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* Go through the mappings: the large ones are counted, those that begin in first..last are written down. */
static inline void take_mappings(struct footprint *print, uint64_t first, uint64_t last)
{
    char line[512];
    size_t used = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    print->large = 0;
    while (fgets(line, sizeof(line), maps) != NULL) {
        uint64_t start;
        uint64_t end;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2)
            continue;
        print->large += (end - start) / LARGE;
        if (start < first || start > last)
            continue;
        int more = snprintf(print->reservation + used, RESERVATION_TEXT - used, "%s", line);
        used += (size_t)more;
        assert_true(used < RESERVATION_TEXT);
    }
    fclose(maps);
}

static inline void assert_sound(const struct gm_space *space)
{
    const char *why = "";
    const struct gm_view *view = gm_pin(space);
    assert_non_null(view);
    if (gm_map_check(view, &why) != 0)
        fail_msg("gm_map_check: %s", why);
    assert_result(gm_unpin(), 0);
}

static inline struct footprint footprint_take(struct gm_space *space)
{
    struct footprint print = {.fds = count_fds()};
    if (space == NULL) {
        take_mappings(&print, 1, 0);
        return print;
    }
    assert_sound(space);
    print.text = gmt_dump_space(space);
    assert_non_null(print.text);
    assert_result(gm_space_stats_get(space, &print.stats), 0);
    const struct gm_view *view = gm_pin(space);
    uint64_t base = view->linear_base;
    uint64_t size = view->linear_size;
    assert_result(gm_unpin(), 0);
    take_mappings(&print, size != 0 ? base : 1, size != 0 ? base + size - 1 : 0);
    return print;
}

static inline void footprint_drop(struct footprint *print)
{
    free(print->text);
    print->text = NULL;
}

/* Compare what is shown; with all set also what is held. */
static inline void assert_footprint(struct gm_space *space, const struct footprint *before, bool all)
{
    struct footprint now = footprint_take(space);
    if (space != NULL)
        assert_same_text(now.text, before->text);
    if (all) {
        assert_int_equal(now.fds, before->fds);
        assert_int_equal(now.large, before->large);
        assert_same_text(now.reservation, before->reservation);
        assert_memory_equal(&now.stats, &before->stats, sizeof(now.stats));
    }
    footprint_drop(&now);
}

enum outcome {
    FAILS,   /* a failed step makes the operation fail, and it has changed nothing */
    ABSORBS, /* a failure behind the point of no return is made good later: the operation may also succeed */
    NO_STEPS /* nothing in it can fail */
};

struct operation {
    const char *name;
    enum outcome outcome;
    int (*run)(void *world);
    void (*undo)(void *world); /* after success: back to where it was; NULL where there is nothing to undo */
};

/* space: where the operation's world has its space now; may point to NULL. Returns how many steps were failed. */
static inline unsigned sweep(const struct operation *operation, void *world, struct gm_space **space)
{
    struct footprint before = footprint_take(*space);
    assert_result(operation->run(world), 0);
    struct footprint after = footprint_take(*space);
    unsigned failed = 0;
    for (bool through = false; !through; failed++) {
        if (operation->undo != NULL)
            operation->undo(world);
        assert_footprint(*space, &before, false);
        struct footprint now = footprint_take(*space);
        gm_fault_arm(failed + 1);
        int result = operation->run(world);
        through = !gm_fault_disarm();
        if (result == 0 && !through && operation->outcome != ABSORBS)
            fail_msg("%s succeeds although its step %u failed", operation->name, failed + 1);
        if (result == 0) {
            assert_footprint(*space, &after, false);
        } else {
            assert_false(through);
            assert_result(result, -ENOMEM);
            assert_footprint(*space, &now, true);
            assert_result(operation->run(world), 0); /* and it does work when memory is back */
            assert_footprint(*space, &after, false);
        }
        footprint_drop(&now);
        assert_true(failed < 500);
    }
    if (operation->undo != NULL)
        operation->undo(world);
    assert_footprint(*space, &before, false);
    footprint_drop(&before);
    footprint_drop(&after);
    failed--;
    print_message("%s: %u steps\n", operation->name, failed);
    assert_int_equal(operation->outcome == NO_STEPS, failed == 0);
    return failed;
}

#endif
