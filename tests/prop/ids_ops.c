/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Random operations on id allocators of many sizes against an array of bytes: every result, every id, and from time to
 * time every word of the allocator and its image. A run makes one allocator; the seed and the number of the run name
 * it.
 *
 *   usage: ids_ops [seed [operations [run]]]     run: play only that one
 *   GM_ISA           makes another seed: this test is run once for each set of kernels, which it does not use
 *   GM_TEST_SEED     seed, when there is no argument
 *   GM_TEST_COUNT    operations, when there is no argument (default 10 million)
 *   GM_TEST_SCALE    per cent of the default count (default 100)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <guestmem/ids.h>

#include "lib/ids_check.h"
#include "lib/ids_oracle.h"
#include "lib/rand.h"
#include "lib/setting.h"

#define DEFAULT_SEED UINT64_C(20261120)
#define DEFAULT_COUNT UINT64_C(10000000)
#define MOST_IDS (UINT64_C(1) << 20)

struct run {
    struct gm_ids *ids;
    struct gmt_ids oracle;
    uint64_t random, done;
    unsigned flags;
    const char *wrong; /* NULL: nothing so far */
};

static uint64_t below(struct run *run, uint64_t bound)
{
    return gmt_rand_below(&run->random, bound);
}

static void check(struct run *run, bool right, const char *what)
{
    if (!right && run->wrong == NULL)
        run->wrong = what;
}

/* An id, mostly one of the allocator. */
static uint32_t some_id(struct run *run)
{
    const struct gmt_ids *oracle = &run->oracle;
    switch (below(run, 16)) {
    case 0: return (uint32_t)(oracle->first - 1 - below(run, 70));
    case 1: return (uint32_t)(gmt_ids_last(oracle) + 1 + below(run, 70));
    case 2: return (uint32_t)gmt_rand(&run->random);
    case 3: return oracle->first;
    case 4: return (uint32_t)gmt_ids_last(oracle);
    default: return (uint32_t)(oracle->first + below(run, oracle->count));
    }
}

/* A number of ids: few, about a word, or some words. */
static uint64_t some_count(struct run *run)
{
    return below(run, UINT64_C(1) << (1 + below(run, 9)));
}

/* A call that takes count ids at the lowest fit. */
static void compare_fit(struct run *run, int result, uint32_t got, uint64_t want, uint64_t count, const char *what)
{
    check(run, result == (want == UINT64_MAX ? -ENOSPC : 0), what);
    if (result != 0 || run->wrong != NULL)
        return;
    check(run, got == want, what);
    gmt_ids_mark(&run->oracle, want, count, true);
}

static void take(struct run *run)
{
    uint32_t id = 0;
    uint64_t want = gmt_ids_fit(&run->oracle, 0, UINT64_MAX, 1, 1);
    int result = gm_ids_take(run->ids, &id);
    compare_fit(run, result, id, want, 1, "take");
}

static void take_any(struct run *run)
{
    uint32_t id = 0;
    int result = gm_ids_take_any(run->ids, &id);
    check(run, (result == 0) == (run->oracle.low < run->oracle.count), "take_any");
    check(run, result == 0 || result == -ENOSPC, "result of take_any");
    if (result != 0)
        return;
    check(run, gmt_ids_inside(&run->oracle, id, 1) && gmt_ids_all(&run->oracle, id, 1, false), "id of take_any");
    if (run->wrong == NULL)
        gmt_ids_mark(&run->oracle, id, 1, true);
}

static void take_in(struct run *run)
{
    uint32_t least = some_id(run), most = least, id = 0;
    if (below(run, 8) == 0)
        most = some_id(run);
    else
        most += (uint32_t)some_count(run);
    int result = gm_ids_take_in(run->ids, least, most, &id);
    if (least > most)
        check(run, result == -EINVAL, "take_in an inverted window");
    else
        compare_fit(run, result, id, gmt_ids_fit(&run->oracle, least, most, 1, 1), 1, "take_in");
}

static void take_range(struct run *run)
{
    uint64_t count = some_count(run), align = 1;
    unsigned order = 0;
    uint32_t first = 0;
    for (; align < count; align *= 2)
        order++;
    bool group = below(run, 2) == 0;
    if (group)
        count = align;
    int result = group ? gm_ids_take_group(run->ids, order, &first)
                       : gm_ids_take_range(run->ids, (uint32_t)count, &first);
    if (count == 0)
        check(run, result == -EINVAL, "take_range of none");
    else
        compare_fit(run, result, first, gmt_ids_fit(&run->oracle, 0, UINT64_MAX, count, align), count, "take_range");
}

static void reserve(struct run *run)
{
    uint32_t first = some_id(run);
    bool one = below(run, 4) == 0;
    uint64_t count = one ? 1 : some_count(run);
    int result = one ? gm_ids_take_at(run->ids, first) : gm_ids_reserve(run->ids, first, count);
    int want = -EINVAL;
    if (count != 0)
        want = !gmt_ids_inside(&run->oracle, first, count)           ? -ERANGE
               : !gmt_ids_all(&run->oracle, first, count, false) ? -EBUSY
                                                                 : 0;
    check(run, result == want, "reserve");
    if (result == 0 && run->wrong == NULL)
        gmt_ids_mark(&run->oracle, first, count, true);
}

static void give(struct run *run)
{
    uint32_t first = some_id(run);
    uint64_t count = below(run, 2) == 0 ? 1 : some_count(run);
    unsigned order = 0;
    int want = -EINVAL, result;
    if (below(run, 2) == 0) { /* one that is taken, so that it succeeds */
        uint64_t taken = gmt_ids_after(&run->oracle, first);
        first = taken != UINT64_MAX ? (uint32_t)taken : first;
    }
    if (below(run, 3) == 0) {
        while (UINT64_C(1) << order < count)
            order++;
        count = UINT64_C(1) << order;
        first = below(run, 8) == 0 ? first : first & ~(uint32_t)(count - 1);
        result = gm_ids_give_group(run->ids, first, order);
    } else {
        result = count == 1 ? gm_ids_give(run->ids, first) : gm_ids_give_range(run->ids, first, count);
    }
    if (count != 0 && (order == 0 || first % count == 0))
        want = !gmt_ids_inside(&run->oracle, first, count)          ? -ERANGE
               : !gmt_ids_all(&run->oracle, first, count, true) ? -ENOENT
                                                                : 0;
    check(run, result == want, "give");
    if (result == 0 && run->wrong == NULL)
        gmt_ids_mark(&run->oracle, first, count, false);
}

static void look(struct run *run)
{
    uint32_t id = some_id(run), next = 0;
    uint64_t after = gmt_ids_after(&run->oracle, id);
    int want = gmt_ids_inside(&run->oracle, id, 1) ? gmt_ids_all(&run->oracle, id, 1, true) : -ERANGE;
    check(run, gm_ids_is_taken(run->ids, id) == want, "is_taken");
    check(run, gm_ids_next(run->ids, id, &next) == (after == UINT64_MAX ? -ENOENT : 0), "next");
    check(run, after == UINT64_MAX || next == after, "id of next");
}

/* Order of the largest group that is free, by trying all. */
static int largest(const struct gmt_ids *oracle)
{
    for (int order = 20; order >= 0; order--) {
        if (gmt_ids_fit(oracle, 0, UINT64_MAX, UINT64_C(1) << order, UINT64_C(1) << order) != UINT64_MAX)
            return order;
    }
    return -1;
}

static void count(struct run *run)
{
    struct gm_ids_stats stats;
    check(run, gm_ids_stats_get(run->ids, &stats) == 0, "stats_get");
    check(run, stats.taken == gmt_ids_taken(&run->oracle), "stats.taken");
    check(run, stats.free == run->oracle.count - stats.taken, "stats.free");
    check(run, stats.order_largest == largest(&run->oracle), "stats.order_largest");
    const char *wrong = gmt_ids_check(run->ids);
    check(run, wrong == NULL, wrong);
}

/* Go on with what was restored from an image. */
static void restore(struct run *run)
{
    const struct gm_ids_config config = {
        .first = run->oracle.first, .count = run->oracle.count, .numa_node = -1, .flags = run->flags};
    size_t size = 0, more = 0;
    struct gm_ids *restored = NULL;
    check(run, gm_ids_save(run->ids, NULL, 0, &size) == -ENOBUFS, "size of the image");
    unsigned char *image = malloc(size);
    check(run, image != NULL && gm_ids_save(run->ids, image, size, &more) == 0 && more == size, "save");
    if (run->wrong == NULL)
        check(run, gm_ids_load(image, size, run->flags != 0 ? &config : NULL, &restored) == 0, "load");
    free(image);
    if (restored == NULL)
        return;
    gm_ids_destroy(run->ids);
    run->ids = restored;
}

static void step(struct run *run, unsigned favour_give)
{
    uint64_t choice = below(run, 100);
    if (choice < favour_give)
        give(run);
    else if (choice < favour_give + 20)
        take(run);
    else if (choice < favour_give + 25)
        take_any(run);
    else if (choice < favour_give + 32)
        take_in(run);
    else if (choice < favour_give + 42)
        take_range(run);
    else if (choice < favour_give + 50)
        reserve(run);
    else
        look(run);
    run->done++;
    if (below(run, 100 + run->oracle.count) == 0)
        count(run);
    if (below(run, 200 + run->oracle.count) == 0)
        restore(run);
}

static void choose_bounds(struct run *run)
{
    static const uint64_t counts[] = {1, 2, 63, 64, 65, 127, 128, 129, 2048, 2049, 4095, 4097, 9000, MOST_IDS};
    uint64_t which = below(run, 60);
    struct gmt_ids *oracle = &run->oracle;
    oracle->count = which < 13 ? counts[which] : which == 13 ? MOST_IDS : 1 + below(run, 3000);
    switch (below(run, 4)) {
    case 0: oracle->first = 0; break;
    case 1: oracle->first = (uint32_t)below(run, 130); break;
    case 2: oracle->first = (uint32_t)((UINT64_C(1) << 32) - oracle->count); break;
    default: oracle->first = (uint32_t)below(run, (UINT64_C(1) << 32) - oracle->count);
    }
}

/* Some phases, each of which rather fills or rather empties. */
static bool play(uint64_t seed, uint64_t number, uint64_t *done)
{
    struct run run = {.random = gmt_mix(seed ^ gmt_mix(number))};
    choose_bounds(&run);
    run.flags = below(&run, 2) == 0 ? GM_IDS_OWNED : 0;
    const struct gm_ids_config config = {
        .first = run.oracle.first, .count = run.oracle.count, .numa_node = -1, .flags = run.flags};
    run.oracle.taken = calloc(run.oracle.count, 1);
    if (run.oracle.taken == NULL || gm_ids_create(&config, &run.ids) != 0) {
        fprintf(stderr, "ids_ops: no memory\n");
        exit(1);
    }
    for (unsigned phase = 0; phase < 10; phase++) {
        unsigned favour_give = 10 + (unsigned)below(&run, 40);
        for (unsigned i = 0; i < 1000 && run.wrong == NULL; i++)
            step(&run, favour_give);
        if (below(&run, 4) == 0 && run.wrong == NULL) { /* until it is full */
            for (uint64_t i = 0; i <= run.oracle.count && run.oracle.low < run.oracle.count && run.wrong == NULL; i++)
                take(&run);
        }
    }
    count(&run);
    if (run.wrong != NULL)
        fprintf(stderr, "FAILED: %s: seed %" PRIu64 " run %" PRIu64 " operation %" PRIu64 ", %" PRIu64 " ids from %"
                PRIu32 "\n", run.wrong, seed, number, run.done, run.oracle.count, run.oracle.first);
    gm_ids_destroy(run.ids);
    free(run.oracle.taken);
    *done += run.done;
    return run.wrong == NULL;
}

int main(int argc, char **argv)
{
    uint64_t seed = setting(argc, argv, 1, "GM_TEST_SEED", DEFAULT_SEED);
    uint64_t most = setting(argc, argv, 2, "GM_TEST_COUNT", scaled(DEFAULT_COUNT, 100));
    uint64_t only = setting(argc, argv, 3, NULL, UINT64_MAX), done = 0, run = only == UINT64_MAX ? 0 : only;
    const char *isa = getenv("GM_ISA");
    for (size_t i = 0; argc < 2 && isa != NULL && isa[i] != '\0'; i++)
        seed = seed * 31 + (unsigned char)isa[i];
    bool good = true;
    do
        good = play(seed, run++, &done);
    while (good && only == UINT64_MAX && done < most);
    printf("seed %" PRIu64 ": %" PRIu64 " operations, up to run %" PRIu64 "\n", seed, done, run);
    return good && done > 0 ? 0 : 1;
}
