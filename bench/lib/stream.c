/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Streams of addresses that translate. What is asked decides the result more than how it is answered: a short
 * array is learnt by the branch predictor, and a hot range that is the first probe of a search makes the
 * search look free. So streams are long, drawn, and their hot ranges are not where searches begin.
 */
#include "internal.h"

#include <stdlib.h>

#define HOT_PERCENT 94
#define SEQUENTIAL_STEP 64

/* A range this small a part of all RAM is no place where a guest keeps its buffers. */
#define NEGLIGIBLE_PART 64

/*
 * Drivers recycle buffers, so that a queue's traffic stays in a window of memory, and rarely changes the
 * range.
 */
#define VIRTQ_RANGES 4
#define VIRTQ_WINDOW (UINT64_C(16) << 20)
#define VIRTQ_SAME_PAGE_PERCENT 44
#define VIRTQ_LEAVE_PERCENT 1

/* The addresses that may be asked for in one entry: first + k * align with k < places. */
struct pool {
    uint64_t first;
    uint64_t places;
    size_t index; /* in layout->ram */
    uint64_t before; /* weight of all pools before this one */
};

struct source {
    struct pool *pools;
    size_t count;
    uint64_t weight; /* of all pools */
    uint64_t align;
    size_t ram_count;
    enum bench_weight by;
    struct bench_rng rng;
};

static uint64_t weight_of(const struct source *source, const struct pool *pool)
{
    return source->by == BENCH_BY_SIZE ? pool->places : 1;
}

static int source_open(struct source *source, const struct bench_layout *layout, uint64_t len)
{
    source->pools = calloc(layout->ram_count + 1, sizeof(*source->pools));
    if (source->pools == NULL)
        return -1;
    for (size_t i = 0; i < layout->ram_count; i++) {
        const struct bench_ram *ram = &layout->ram[i];
        uint64_t first = bench_round_up(ram->gpa, source->align);
        if (len > ram->size || first > ram->gpa + (ram->size - len))
            continue;
        struct pool *pool = &source->pools[source->count++];
        pool->first = first;
        pool->places = (ram->gpa + (ram->size - len) - first) / source->align + 1;
        pool->index = i;
        pool->before = source->weight;
        source->weight += weight_of(source, pool);
    }
    return source->count > 0 ? 0 : -1;
}

static uint64_t draw_address(struct source *source, const struct pool *pool)
{
    return pool->first + bench_random_below(&source->rng, pool->places) * source->align;
}

/* Any pool but one (NULL: any at all), with its weight as its chance. */
static const struct pool *draw_pool(struct source *source, const struct pool *but)
{
    uint64_t left_out = but != NULL ? weight_of(source, but) : 0;
    uint64_t at = bench_random_below(&source->rng, source->weight - left_out);
    size_t low = 0, high = source->count - 1;

    if (but != NULL && at >= but->before)
        at += left_out;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (source->pools[middle].before <= at)
            low = middle;
        else
            high = middle - 1;
    }
    return &source->pools[low];
}

typedef int avoid_rule(const struct source *source, const struct pool *pool);

/* Binary searches begin in the middle, lists at the start: neither may be hot. */
static int is_probed_early(const struct source *source, const struct pool *pool)
{
    size_t last = source->ram_count - 1;

    return pool->index == 0 || pool->index == last / 2 || pool->index == (last + 1) / 2;
}

static int is_among_first(const struct source *source, const struct pool *pool)
{
    return pool->index == 0 || (pool->index == 1 && source->ram_count > 4);
}

/*
 * The best pool that is not avoided and not taken: the largest, or any where all count the same. NULL if all
 * that is left is negligible.
 */
static const struct pool *best_pool(struct source *source, avoid_rule *avoid, const struct pool *const *taken,
                                    size_t taken_count)
{
    uint64_t negligible = source->by == BENCH_BY_SIZE ? source->weight / NEGLIGIBLE_PART : 0;
    const struct pool *best = NULL;
    uint64_t best_score = 0;

    for (size_t i = 0; i < source->count; i++) {
        const struct pool *pool = &source->pools[i];
        uint64_t score = source->by == BENCH_BY_SIZE ? pool->places : bench_random(&source->rng);
        int usable = !avoid(source, pool) && weight_of(source, pool) >= negligible;
        for (size_t k = 0; k < taken_count; k++)
            usable &= taken[k] != pool;
        if (usable && (best == NULL || score > best_score)) {
            best = pool;
            best_score = score;
        }
    }
    return best;
}

static const struct pool *hot_pool(struct source *source)
{
    const struct pool *hot = best_pool(source, is_probed_early, NULL, 0);

    if (hot == NULL)
        hot = best_pool(source, is_among_first, NULL, 0);
    return hot != NULL ? hot : &source->pools[source->count - 1];
}

static void fill_uniform(struct source *source, uint64_t *gpa, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gpa[i] = draw_address(source, draw_pool(source, NULL));
}

static void fill_hot(struct source *source, uint64_t *gpa, size_t count)
{
    const struct pool *hot = hot_pool(source);

    for (size_t i = 0; i < count; i++) {
        int is_hot = source->count == 1 || bench_random_below(&source->rng, 100) < HOT_PERCENT;
        gpa[i] = draw_address(source, is_hot ? hot : draw_pool(source, hot));
    }
}

static void fill_sequential(struct source *source, uint64_t *gpa, size_t count)
{
    uint64_t stride = source->align < SEQUENTIAL_STEP ? SEQUENTIAL_STEP / source->align : 1;
    const struct pool *pool = draw_pool(source, NULL);
    uint64_t place = bench_random_below(&source->rng, pool->places);

    for (size_t i = 0; i < count; i++) {
        gpa[i] = pool->first + place * source->align;
        place += stride;
        if (place >= pool->places) {
            place = 0;
            pool = pool + 1 < source->pools + source->count ? pool + 1 : source->pools;
        }
    }
}

/* The part of a pool in which one queue's buffers lie. */
static struct pool virtq_window(struct source *source, const struct pool *pool)
{
    struct pool window = *pool;
    uint64_t places = VIRTQ_WINDOW / source->align;

    if (places > 0 && places < pool->places) {
        window.first += bench_random_below(&source->rng, pool->places - places + 1) * source->align;
        window.places = places;
    }
    return window;
}

static size_t virtq_windows(struct source *source, struct pool windows[VIRTQ_RANGES])
{
    const struct pool *taken[VIRTQ_RANGES];
    size_t count = 0;

    while (count < VIRTQ_RANGES && (taken[count] = best_pool(source, is_among_first, taken, count)) != NULL) {
        windows[count] = virtq_window(source, taken[count]);
        count++;
    }
    if (count == 0)
        windows[count++] = virtq_window(source, hot_pool(source));
    return count;
}

/* The part of a pool that is in the page of an address of that pool. */
static struct pool page_of(const struct source *source, const struct pool *pool, uint64_t gpa)
{
    uint64_t page = bench_round_down(gpa, BENCH_PAGE);
    uint64_t last = pool->first + (pool->places - 1) * source->align;
    struct pool part = *pool;

    if (part.first < page)
        part.first = bench_round_up(page, source->align);
    if (last > page + BENCH_PAGE - 1)
        last = page + BENCH_PAGE - 1;
    part.places = (last - part.first) / source->align + 1;
    return part;
}

static void fill_virtq(struct source *source, uint64_t *gpa, size_t count)
{
    struct pool windows[VIRTQ_RANGES];
    size_t window_count = virtq_windows(source, windows);
    const struct pool *window = &windows[0];

    gpa[0] = draw_address(source, window);
    for (size_t i = 1; i < count; i++) {
        uint64_t dice = bench_random_below(&source->rng, 100);
        if (dice < VIRTQ_SAME_PAGE_PERCENT) {
            struct pool page = page_of(source, window, gpa[i - 1]);
            gpa[i] = draw_address(source, &page);
            continue;
        }
        if (dice >= 100 - VIRTQ_LEAVE_PERCENT)
            window = &windows[bench_random_below(&source->rng, window_count)];
        gpa[i] = draw_address(source, window);
    }
}

const char *bench_stream_name(enum bench_stream_kind kind)
{
    static const char *const names[BENCH_STREAM_KINDS] = {"uniform", "hot94", "sequential", "virtq"};

    return (unsigned)kind < BENCH_STREAM_KINDS ? names[kind] : "unknown";
}

uint64_t *bench_stream(const struct bench_layout *layout, enum bench_stream_kind kind, size_t count,
                       uint64_t align, uint64_t len, uint64_t seed)
{
    static void (*const fill[BENCH_STREAM_KINDS])(struct source *, uint64_t *, size_t) = {
        fill_uniform, fill_hot, fill_sequential, fill_virtq};
    struct source source = {
        .align = align, .ram_count = layout->ram_count, .by = layout->weight, .rng = {seed}};
    uint64_t *gpa = NULL;

    if (count == 0 || len == 0 || align == 0 || (align & (align - 1)) != 0 || align > BENCH_GPA_LAST ||
        (unsigned)kind >= BENCH_STREAM_KINDS)
        return NULL;
    if (source_open(&source, layout, len) == 0)
        gpa = calloc(count, sizeof(*gpa));
    if (gpa != NULL)
        fill[kind](&source, gpa, count);
    free(source.pools);
    return gpa;
}
