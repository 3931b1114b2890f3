/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * That everybody who is compared, competitors and the library, gives the oracle's answer for every address,
 * also where the answer is no; and that the oracle itself agrees with a plain walk over the ranges.
 */
#include "checks.h"

#include <guestmem/translate.h>
#include <guestmem/view.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_COMPETITORS 16

/*
 * The oracle once more, from the ranges and without a search: every byte has to be RAM, one after the other.
 */
static uint64_t plain_answer(const struct bench_layout *layout, uint64_t gpa, uint64_t len)
{
    uint64_t hva = 0, done = 0;

    for (size_t i = 0; i < layout->count && done < len; i++) {
        const struct bench_range *range = &layout->ranges[i];
        uint64_t at = gpa + done;
        if (at < range->first || at > range->last || at < gpa)
            continue;
        if (range->kind != BENCH_RAM)
            return 0;
        uint64_t here = bench_range_hva(layout, range) + (at - range->first);
        if (done > 0 && here != hva + done)
            return 0;
        hva = here - done;
        done += range->last - at + 1;
    }
    return done >= len ? hva : 0;
}

/* What a floor promises: its one delta wherever there may be RAM at all. */
static uint64_t floor_answer(const struct bench_layout *layout, uint64_t gpa)
{
    const struct bench_ram *first = &layout->ram[0], *last = &layout->ram[layout->ram_count - 1];
    uint64_t end = last->gpa + last->size;

    if (gpa < first->gpa || gpa >= end || end - gpa < BENCH_ACCESS_LEN)
        return 0;
    return gpa - first->gpa + first->hva;
}

static void check_competitor(const struct bench_competitor *competitor, const struct bench_layout *layout,
                             const uint64_t *gpa, const char *stream, void *self)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < CHECK_ANSWERS; i++) {
        uint64_t right = competitor->exact ? bench_oracle(layout, gpa[i], BENCH_ACCESS_LEN)
                                           : floor_answer(layout, gpa[i]);
        sum += right;
        CHECK(competitor->run_call(self, &gpa[i], 1) == right, "%s %s %s 0x%llx", competitor->name,
              layout->name, stream, (unsigned long long)gpa[i]);
    }
    CHECK(competitor->run_call(self, gpa, CHECK_ANSWERS) == sum, "%s %s %s", competitor->name, layout->name,
          stream);
    CHECK(competitor->run_dependent(self, gpa, CHECK_ANSWERS) == sum, "%s %s %s", competitor->name,
          layout->name, stream);
}

static void check_batch(const struct bench_layout *layout, const struct gm_view *view, const uint64_t *gpa,
                        const char *stream)
{
    static void *hva[CHECK_ANSWERS];
    size_t answered = gm_translate_batch(view, gpa, CHECK_ANSWERS, BENCH_ACCESS_LEN, GM_RW, hva);

    for (size_t i = 0; i < CHECK_ANSWERS; i++) {
        answered -= hva[i] != NULL;
        CHECK((uintptr_t)hva[i] == bench_oracle(layout, gpa[i], BENCH_ACCESS_LEN), "%s batch, %s %s 0x%llx",
              gm_isa_name(), layout->name, stream, (unsigned long long)gpa[i]);
    }
    CHECK(answered == 0, "%s batch, %s %s: count is wrong", gm_isa_name(), layout->name, stream);
}

static void check_library(const struct bench_layout *layout, const struct gm_view *view, const uint64_t *gpa,
                          const char *stream)
{
    static const char *const kernels[] = {"scalar", "avx2", "avx512", "neon"};
    const char *chosen = gm_isa_name();

    for (size_t i = 0; i < CHECK_ANSWERS; i++) {
        uint64_t right = bench_oracle(layout, gpa[i], BENCH_ACCESS_LEN);
        CHECK((uintptr_t)gm_translate(view, gpa[i], BENCH_ACCESS_LEN, GM_RW) == right, "%s %s 0x%llx",
              layout->name, stream, (unsigned long long)gpa[i]);
    }
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        if (gm_isa_select(kernels[i]) == 0)
            check_batch(layout, view, gpa, stream);
    }
    CHECK(gm_isa_select(chosen) == 0, "%s", chosen);
}

/* What the oracle of RAM does not say: ROM may be read only, devices have no memory. */
static void check_not_ram(const struct bench_layout *layout, const struct gm_view *view)
{
    for (size_t i = 0; i < layout->count; i++) {
        const struct bench_range *range = &layout->ranges[i];
        uint64_t size = range->last - range->first + 1;
        if (range->kind == BENCH_DEVICE)
            CHECK(gm_translate_why(view, range->first, 1, GM_READ) == -ENXIO, "%s %s", layout->name,
                  range->name);
        if (range->kind != BENCH_ROM)
            continue;
        CHECK((uintptr_t)gm_translate(view, range->first, size, GM_READ) == bench_range_hva(layout, range),
              "%s %s", layout->name, range->name);
        CHECK(gm_translate_why(view, range->first, 1, GM_WRITE) == -EACCES, "%s %s", layout->name,
              range->name);
    }
}

static void check_one_stream(const struct bench_layout *layout, const uint64_t *gpa, const char *stream,
                          void *const *built, const struct gm_view *view)
{
    for (size_t i = 0; i < CHECK_ANSWERS; i++) {
        uint64_t right = plain_answer(layout, gpa[i], BENCH_ACCESS_LEN);
        CHECK(bench_oracle(layout, gpa[i], BENCH_ACCESS_LEN) == right, "oracle, %s %s 0x%llx", layout->name,
              stream, (unsigned long long)gpa[i]);
    }
    for (size_t i = 0; bench_competitors[i].name != NULL; i++)
        check_competitor(&bench_competitors[i], layout, gpa, stream, built[i]);
    check_library(layout, view, gpa, stream);
}

static void check_all_streams(const struct bench_layout *layout, void *const *built,
                              const struct gm_view *view)
{
    uint64_t *edges = bench_stream_edges(layout, CHECK_ANSWERS, BENCH_ACCESS_LEN, CHECK_SEED);
    size_t refused = 0;

    for (unsigned i = 0; i < BENCH_STREAM_KINDS; i++) {
        enum bench_stream_kind kind = (enum bench_stream_kind)i;
        uint64_t *gpa = bench_stream(layout, kind, CHECK_ANSWERS, 8, BENCH_ACCESS_LEN, CHECK_SEED);
        CHECK(gpa != NULL, "%s: no %s stream", layout->name, bench_stream_name(kind));
        if (gpa != NULL)
            check_one_stream(layout, gpa, bench_stream_name(kind), built, view);
        free(gpa);
    }
    if (edges != NULL)
        check_one_stream(layout, edges, "edges", built, view);
    for (size_t i = 0; edges != NULL && i < CHECK_ANSWERS; i++)
        refused += bench_oracle(layout, edges[i], BENCH_ACCESS_LEN) == 0;
    CHECK(refused > CHECK_ANSWERS / 2 && refused < CHECK_ANSWERS, "%s: %zu edges are refused", layout->name,
          refused);
    free(edges);
    check_not_ram(layout, view);
}

static void check_space(const struct bench_layout *layout, void *const *built)
{
    struct bench_space space;
    char error[256] = "";
    int result = bench_space_build(layout, &space, error, sizeof(error));

    CHECK(result == 0, "%s", error);
    if (result != 0)
        return;
    const struct gm_view *view = gm_pin(space.space);
    CHECK(view != NULL, "%s: the thread is not a reader", layout->name);
    if (view != NULL) {
        check_all_streams(layout, built, view);
        CHECK(gm_unpin() == 0, "%s", layout->name);
    }
    CHECK(bench_space_destroy(&space) == 0, "%s", layout->name);
}

void bench_check_answers(const struct bench_layout *layout)
{
    void *built[MAX_COMPETITORS] = {NULL};
    int complete = 1;

    for (size_t i = 0; bench_competitors[i].name != NULL && i < MAX_COMPETITORS; i++) {
        built[i] = bench_competitors[i].build(layout->ram, layout->ram_count);
        CHECK(built[i] != NULL, "%s %s: no memory", bench_competitors[i].name, layout->name);
        complete &= built[i] != NULL;
    }
    if (complete)
        check_space(layout, built);
    for (size_t i = 0; bench_competitors[i].name != NULL && i < MAX_COMPETITORS; i++) {
        if (built[i] != NULL)
            bench_competitors[i].destroy(built[i]);
    }
}

void bench_check_floor_batch(void)
{
    enum { LENGTH = 61, DELTA = 0x7000 }; /* no multiple of any vector */
    uint64_t gpa[LENGTH], hva[LENGTH + 1];
    struct bench_rng rng = {CHECK_SEED};

    for (size_t count = 0; count <= LENGTH; count++) {
        for (size_t i = 0; i < LENGTH; i++)
            gpa[i] = bench_random(&rng);
        for (size_t i = 0; i <= LENGTH; i++)
            hva[i] = 0;
        bench_floor_batch(gpa, count, DELTA, hva);
        for (size_t i = 0; i <= LENGTH; i++)
            CHECK(hva[i] == (i < count ? gpa[i] + DELTA : 0), "%zu of %zu", i, count);
    }
}
