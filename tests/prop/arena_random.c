/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * GM_PLACE_RANDOM chooses each place that fits equally often: Pearson's chi-square over many choices in the same state.
 * The generator is seeded, so a failure is no accident: with a statistic of 6 deviations it would be one in 10^8.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/arena_model.h"
#include "lib/rand.h"

#define BINS_MOST 4096
#define DRAWS_A_BIN 60

static struct gmt_arena_model model;
static uint64_t place[BINS_MOST], weight[BINS_MOST], seen[BINS_MOST];
static unsigned bins;
static bool good = true;

static void require(bool condition, const char *what)
{
    if (!condition)
        fprintf(stderr, "FAILED: %s\n", what);
    good = good && condition;
}

static struct gm_arena *create(uint64_t first, uint64_t last, uint64_t granule, uint64_t seed)
{
    const struct gm_arena_config config = {.first = first, .last = last, .granule = granule, .numa_node = -1,
                                           .seed = seed};
    struct gm_arena *arena = NULL;
    require(gm_arena_create(&config, &arena) == 0, "gm_arena_create");
    gmt_arena_model_init(&model, &config);
    return arena;
}

static void reserve(struct gm_arena *arena, uint64_t first, uint64_t last)
{
    struct gmt_range range = {.first = first, .last = last};
    require(gm_arena_reserve(arena, first, last, 0, 0, &range.handle) == 0, "gm_arena_reserve");
    gmt_arena_model_add(&model, &range);
}

static struct gmt_want want_of(const struct gm_request *request)
{
    return (struct gmt_want){.size = request->size, .align = request->align < model.granule ? model.granule :
                             request->align, .phase = request->phase, .min = request->min,
                             .max = request->max != 0 ? request->max : UINT64_MAX, .before = request->guard_before,
                             .after = request->guard_after, .no_cross = request->no_cross};
}

/* A bin for each place. */
static void list_places(const struct gm_request *request)
{
    const struct gmt_want want = want_of(request);
    uint64_t from = 0;
    for (bins = 0; bins < BINS_MOST && gmt_gaps_up(&model, &want, from, UINT64_MAX, &place[bins]); bins++) {
        from = place[bins] + 1;
        weight[bins] = 1;
    }
}

/* A bin for each gap, by how many numbers a range of the size may start at; alignment and window are not used. */
static void list_gaps(const struct gm_request *request)
{
    uint64_t first = 0, last = 0;
    bins = 0;
    for (int i = -1; i < (int)model.count; i++) {
        if (!gmt_arena_model_gap(&model, i, &first, &last) || last - first < request->size - 1)
            continue;
        place[bins] = first;
        weight[bins++] = (last - first - (request->size - 1)) / model.granule + 1;
    }
}

static unsigned bin_of(uint64_t first)
{
    unsigned bin = bins - 1;
    while (bin > 0 && place[bin] > first)
        bin--;
    return bin;
}

static void draw(struct gm_arena *arena, const struct gm_request *request, unsigned draws, bool exact)
{
    for (unsigned i = 0; i < bins; i++)
        seen[i] = 0;
    for (unsigned i = 0; i < draws; i++) {
        struct gm_range_info info = {.first = 0};
        require(gm_arena_take(arena, request, &info) == 0 && gm_arena_give(arena, info.range) == 0, "take, give");
        unsigned bin = bin_of(info.first);
        require(!exact || place[bin] == info.first, "a place that fits");
        seen[bin]++;
    }
}

static void judge(const char *name, unsigned draws)
{
    double total = 0, chi = 0, freedom = bins - 1.0;
    for (unsigned i = 0; i < bins; i++)
        total += (double)weight[i];
    for (unsigned i = 0; i < bins; i++) {
        double expected = (double)draws * (double)weight[i] / total;
        chi += ((double)seen[i] - expected) * ((double)seen[i] - expected) / expected;
    }
    double excess = chi - freedom; /* variance of the statistic: 2 * freedom */
    printf("%-28s %4u bins, %7u draws, chi-square %.1f\n", name, bins, draws, chi);
    if (bins < 2 || (excess > 0 && excess * excess > 36 * 2 * freedom)) {
        fprintf(stderr, "FAILED: %s is not uniform\n", name);
        good = false;
    }
}

static void test_places(struct gm_arena *arena, const char *name, const struct gm_request *request)
{
    list_places(request);
    draw(arena, request, bins * DRAWS_A_BIN, true);
    judge(name, bins * DRAWS_A_BIN);
}

static void fragment(struct gm_arena *arena, uint64_t base, unsigned ranges, uint64_t granule)
{
    uint64_t state = 5, at = base;
    for (unsigned i = 0; i < ranges; i++) {
        at += gmt_rand_below(&state, 9) * granule;
        uint64_t length = (1 + gmt_rand_below(&state, 3)) * granule;
        reserve(arena, at, at + (length - 1));
        at += length;
    }
}

static void small_spaces(void)
{
    struct gm_arena *arena = create(0, 99, 1, 1);
    test_places(arena, "empty", &(struct gm_request){.size = 7, .place = GM_PLACE_RANDOM});
    fragment(arena, 3, 10, 1);
    test_places(arena, "flat", &(struct gm_request){.size = 3, .place = GM_PLACE_RANDOM});
    test_places(arena, "flat, aligned", &(struct gm_request){.size = 3, .align = 4, .phase = 1,
                                                             .place = GM_PLACE_RANDOM});
    test_places(arena, "flat, window", &(struct gm_request){.size = 2, .min = 6, .max = 71, .place = GM_PLACE_RANDOM});
    test_places(arena, "flat, guards", &(struct gm_request){.size = 2, .guard_before = 1, .guard_after = 1,
                                                            .place = GM_PLACE_RANDOM});
    test_places(arena, "flat, no_cross", &(struct gm_request){.size = 3, .no_cross = 4, .place = GM_PLACE_RANDOM});
    gm_arena_destroy(arena);
}

static void trees(void)
{
    const uint64_t base = UINT64_C(0) - 4096 * 2400;
    struct gm_arena *arena = create(base, UINT64_MAX, 4096, 2);
    fragment(arena, base, 380, 4096);
    test_places(arena, "tree", &(struct gm_request){.size = 4096 * 4, .place = GM_PLACE_RANDOM});
    test_places(arena, "tree, natural", &(struct gm_request){.size = 8192, .align = 8192, .place = GM_PLACE_RANDOM});
    test_places(arena, "tree, aligned", &(struct gm_request){.size = 4096 * 3, .align = 8192, .phase = 4096,
                                                             .place = GM_PLACE_RANDOM});
    test_places(arena, "tree, window", &(struct gm_request){.size = 4096, .min = base + 4096 * 701 + 1,
                                                            .max = base + 4096 * 1203, .place = GM_PLACE_RANDOM});
    test_places(arena, "tree, few places", &(struct gm_request){.size = 4096 * 8, .max = UINT64_MAX - 4096 * 800,
                                                                .place = GM_PLACE_RANDOM});
    test_places(arena, "tree, guards, no_cross", &(struct gm_request){.size = 4096 * 2, .guard_before = 4096,
                                                                      .no_cross = 4096 * 4,
                                                                      .place = GM_PLACE_RANDOM});
    gm_arena_destroy(arena);
}

/* Few places in a space that is nearly full, so that drawing numbers until one fits would not find them. */
static void crowded(void)
{
    const uint64_t block = UINT64_C(1) << 20;
    struct gm_arena *arena = create(0, 200 * block - 1, 1, 4);
    for (uint64_t i = 0; i < 200; i++)
        reserve(arena, i * block + (i % 40 == 7 ? 2 : 0), i * block + block - 1 - (i % 50 == 9 ? 3 : 0));
    test_places(arena, "crowded", &(struct gm_request){.size = 1, .place = GM_PLACE_RANDOM});
    test_places(arena, "crowded, aligned", &(struct gm_request){.size = 1, .align = 2, .phase = 1,
                                                                .place = GM_PLACE_RANDOM});
    test_places(arena, "crowded, window", &(struct gm_request){.size = 2, .min = 9 * block, .max = 190 * block,
                                                               .place = GM_PLACE_RANDOM});
    gm_arena_destroy(arena);
}

/* Gaps of very different length, of which the longest holds half of 2^64. */
static void whole_space(void)
{
    struct gm_arena *arena = create(0, UINT64_MAX, 1, 3);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t edge = UINT64_C(1) << (63 - i);
        reserve(arena, edge, edge + 99);
    }
    const struct gm_request request = {.size = 1000, .place = GM_PLACE_RANDOM};
    list_gaps(&request);
    draw(arena, &request, 20000, false);
    judge("whole space", 20000);
    gm_arena_destroy(arena);
}

/* The same seed gives the same places, another one gives others. */
static void seeds(void)
{
    const struct gm_request request = {.size = 4, .place = GM_PLACE_RANDOM};
    struct gm_arena *arenas[3] = {create(0, 99999, 1, 7), create(0, 99999, 1, 7), create(0, 99999, 1, 8)};
    unsigned same = 0;
    for (unsigned i = 0; i < 200; i++) {
        struct gm_range_info info[3];
        for (unsigned j = 0; j < 3; j++)
            require(gm_arena_take(arenas[j], &request, &info[j]) == 0, "take");
        require(info[0].first == info[1].first && info[0].range == info[1].range, "same seed, same place");
        same += info[0].first == info[2].first;
    }
    require(same < 20, "another seed, other places");
    for (unsigned j = 0; j < 3; j++)
        gm_arena_destroy(arenas[j]);
}

int main(void)
{
    small_spaces();
    trees();
    crowded();
    whole_space();
    seeds();
    return good ? 0 : 1;
}
