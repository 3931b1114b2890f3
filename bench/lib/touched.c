/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The working set is found by the oracle and not by what is measured, so that it can be compared with it. */
#include "touched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define PIECE 256
#define PIECES 1024 /* with 512 regions about 440 of them have one */
#define WORD 8

static uint64_t *place_of(const struct bench_touched *touched, size_t i)
{
    return (uint64_t *)(void *)(touched->base + touched->flat.gpa[i]);
}

static int arrays(struct bench_touched *out, size_t count)
{
    size_t chunks = count / BENCH_CHUNK;

    out->guest = (struct bench_addresses){calloc(count, sizeof(uint64_t)), count, calloc(chunks, sizeof(uint64_t))};
    out->flat = (struct bench_addresses){calloc(count, sizeof(uint64_t)), count, calloc(chunks, sizeof(uint64_t))};
    if (out->guest.gpa == NULL || out->guest.sums == NULL || out->flat.gpa == NULL || out->flat.sums == NULL)
        return -ENOMEM;
    return 0;
}

static void draw(const struct bench_layout *layout, const uint64_t *pieces, uint64_t seed, struct bench_touched *out)
{
    struct bench_rng rng = {seed};

    for (size_t i = 0; i < out->guest.count; i++) {
        uint64_t gpa = pieces[bench_random_below(&rng, PIECES)] + WORD * bench_random_below(&rng, PIECE / WORD);
        out->guest.gpa[i] = gpa;
        out->flat.gpa[i] = bench_oracle(layout, gpa, WORD) - (uintptr_t)out->base;
        out->guest.sums[i / BENCH_CHUNK] += bench_touched_value(gpa);
        out->flat.sums[i / BENCH_CHUNK] += bench_touched_value(gpa);
    }
}

int bench_touched_build(struct bench_layout *layout, enum bench_stream_kind kind, size_t count, uint64_t seed,
                        struct bench_touched *out)
{
    uint64_t *pieces = bench_stream(layout, kind, PIECES, PIECE, PIECE, seed);
    int result = pieces != NULL ? arrays(out, count) : -ENOMEM;

    if (result == 0)
        result = bench_layout_unlock(layout);
    if (result == 0) {
        out->base = layout->reservation;
        out->bytes = layout->reservation_size;
        draw(layout, pieces, seed, out);
        bench_touched_fill(out);
    }
    free(pieces);
    return result;
}

void bench_touched_fill(const struct bench_touched *touched)
{
    for (size_t i = 0; i < touched->guest.count; i++)
        *place_of(touched, i) = bench_touched_value(touched->guest.gpa[i]);
}

int bench_touched_is_written(const struct bench_touched *touched)
{
    for (size_t i = 0; i < touched->guest.count; i++)
        if (*place_of(touched, i) != touched->guest.gpa[i])
            return 0;
    return 1;
}

void bench_touched_free(struct bench_touched *touched)
{
    free(touched->guest.gpa);
    free(touched->guest.sums);
    free(touched->flat.gpa);
    free(touched->flat.sums);
    memset(touched, 0, sizeof(*touched));
}
