/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * That streams are repeatable, that all of their addresses translate, and that they have the shape they
 * promise.
 */
#include "checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_LENGTH ((size_t)1 << 17)

static void check_shares(const struct bench_layout *layout, enum bench_stream_kind kind,
                         const struct bench_stream_stats *stats)
{
    const char *name = layout->name;
    size_t count = layout->ram_count, hottest = stats->hottest_index;
    double largest = (double)layout->ram[hottest].size / (double)layout->ram_bytes;

    if (kind == BENCH_UNIFORM && layout->weight == BENCH_BY_RANGE) {
        CHECK(stats->ranges_hit * 100 >= count * 97, "%s: %zu hit", name, stats->ranges_hit);
        CHECK(stats->hottest < 1.2 / (double)count + 0.001, "%s: %f", name, stats->hottest);
    }
    if (kind == BENCH_UNIFORM && layout->weight == BENCH_BY_SIZE && layout->ram_bytes > BENCH_BLOCK)
        CHECK(stats->hottest > largest - 0.01 && stats->hottest < largest + 0.01, "%s: %f", name,
              stats->hottest);
    if (kind == BENCH_HOT94 && count > 1) {
        CHECK(stats->hottest > 0.93 && stats->hottest < 0.95, "%s: %f", name, stats->hottest);
        CHECK(hottest != 0, "%s", name);
        CHECK(layout->weight == BENCH_BY_SIZE || (hottest != (count - 1) / 2 && hottest != count / 2),
              "%s: %zu of %zu", name, hottest, count);
    }
    if (kind == BENCH_VIRTQ && layout->ram_bytes > BENCH_BLOCK) {
        CHECK(stats->same_range >= 0.98, "%s: %f", name, stats->same_range);
        CHECK(stats->same_page >= 0.34 && stats->same_page <= 0.54, "%s: %f", name, stats->same_page);
        CHECK(count == 1 || hottest != 0, "%s", name);
    }
    if (kind == BENCH_SEQUENTIAL && layout->ram_bytes > BENCH_BLOCK)
        CHECK(stats->same_page > 0.98, "%s: %f", name, stats->same_page);
}

/* 64 bytes further, unless the entry ends before; then the start of the next one that is long enough. */
static void check_step(const struct bench_layout *layout, uint64_t from, uint64_t to)
{
    ptrdiff_t index = bench_oracle_index(layout, from, 1);
    uint64_t right = from + 64;

    while (bench_oracle_index(layout, right, BENCH_ACCESS_LEN) != index) {
        index = (index + 1) % (ptrdiff_t)layout->ram_count;
        right = bench_round_up(layout->ram[index].gpa, 8);
    }
    CHECK(to == right, "%s: 0x%llx, not 0x%llx", layout->name, (unsigned long long)to,
          (unsigned long long)right);
}

static void check_stream(const struct bench_layout *layout, enum bench_stream_kind kind)
{
    const char *name = bench_stream_name(kind);
    uint64_t *gpa = bench_stream(layout, kind, STREAM_LENGTH, 8, BENCH_ACCESS_LEN, CHECK_SEED);
    uint64_t *again = bench_stream(layout, kind, STREAM_LENGTH, 8, BENCH_ACCESS_LEN, CHECK_SEED);
    uint64_t *other = bench_stream(layout, kind, STREAM_LENGTH, 8, BENCH_ACCESS_LEN, CHECK_SEED + 1);
    uint64_t *pages = bench_stream(layout, kind, CHECK_ANSWERS, 512, 4096, CHECK_SEED);
    struct bench_stream_stats stats = {0};

    if (gpa == NULL || again == NULL || other == NULL) {
        CHECK(0, "%s: no %s stream", layout->name, name);
        goto out;
    }
    CHECK(memcmp(gpa, again, STREAM_LENGTH * 8) == 0, "%s %s: not repeatable", layout->name, name);
    CHECK(memcmp(gpa, other, STREAM_LENGTH * 8) != 0, "%s %s: seed ignored", layout->name, name);
    for (size_t i = 0; i < STREAM_LENGTH; i++) {
        CHECK(gpa[i] % 8 == 0 && bench_oracle(layout, gpa[i], BENCH_ACCESS_LEN) != 0, "%s %s 0x%llx",
              layout->name, name, (unsigned long long)gpa[i]);
        if (kind == BENCH_SEQUENTIAL && i > 0)
            check_step(layout, gpa[i - 1], gpa[i]);
    }
    for (size_t i = 0; pages != NULL && i < CHECK_ANSWERS; i++)
        CHECK(pages[i] % 512 == 0 && bench_oracle(layout, pages[i], 4096) != 0, "%s %s", layout->name, name);
    CHECK(bench_stream_stats(layout, gpa, STREAM_LENGTH, &stats) == 0, "%s", layout->name);
    check_shares(layout, kind, &stats);
    printf("  %-10s range %5.3f page %5.3f hottest %5.3f (entry %zu), entries hit %zu\n", name,
           stats.same_range, stats.same_page, stats.hottest, stats.hottest_index, stats.ranges_hit);
out:
    free(gpa);
    free(again);
    free(other);
    free(pages);
}

static void check_bad_arguments(const struct bench_layout *layout)
{
    enum bench_stream_kind no_such_kind = (enum bench_stream_kind)BENCH_STREAM_KINDS;

    CHECK(bench_stream(layout, BENCH_UNIFORM, 0, 8, 8, CHECK_SEED) == NULL, "count 0");
    CHECK(bench_stream(layout, BENCH_UNIFORM, 1, 0, 8, CHECK_SEED) == NULL, "align 0");
    CHECK(bench_stream(layout, BENCH_UNIFORM, 1, 24, 8, CHECK_SEED) == NULL, "align 24");
    CHECK(bench_stream(layout, BENCH_UNIFORM, 1, 8, 0, CHECK_SEED) == NULL, "len 0");
    CHECK(bench_stream(layout, BENCH_UNIFORM, 1, 8, UINT64_C(1) << 53, CHECK_SEED) == NULL, "too long");
    CHECK(bench_stream(layout, no_such_kind, 1, 8, 8, CHECK_SEED) == NULL, "no such kind");
    CHECK(bench_stream_edges(layout, 0, 8, CHECK_SEED) == NULL, "count 0");
}

void bench_check_streams(const struct bench_layout *layout)
{
    for (unsigned kind = 0; kind < BENCH_STREAM_KINDS; kind++)
        check_stream(layout, (enum bench_stream_kind)kind);
    check_bad_arguments(layout);
}
