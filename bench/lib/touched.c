/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The working set is found by the oracle and not by what is measured, so that it can be compared with it. */
#include "touched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define BYTES (256 * 1024) /* of all pieces */
#define PIECE 256 /* at least; 1024 of them: with 512 regions about 440 have one */
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

static size_t piece_of(size_t len)
{
    return len < PIECE ? PIECE : len;
}

static void draw(const struct bench_layout *layout, const uint64_t *pieces, size_t len, uint64_t seed,
                 struct bench_touched *out)
{
    struct bench_rng rng = {seed};
    size_t piece = piece_of(len);

    for (size_t i = 0; i < out->guest.count; i++) {
        uint64_t gpa = pieces[bench_random_below(&rng, BYTES / piece)] + len * bench_random_below(&rng, piece / len);
        out->guest.gpa[i] = gpa;
        out->flat.gpa[i] = bench_oracle(layout, gpa, len) - (uintptr_t)out->base;
        out->guest.sums[i / BENCH_CHUNK] += bench_touched_value(gpa);
        out->flat.sums[i / BENCH_CHUNK] += bench_touched_value(gpa);
    }
}

int bench_touched_build(struct bench_layout *layout, enum bench_stream_kind kind, size_t count, uint64_t seed,
                        struct bench_touched *out)
{
    return bench_touched_build_long(layout, kind, WORD, count, seed, out);
}

int bench_touched_build_long(struct bench_layout *layout, enum bench_stream_kind kind, size_t len, size_t count,
                             uint64_t seed, struct bench_touched *out)
{
    size_t piece = piece_of(len);
    uint64_t *pieces = bench_stream(layout, kind, BYTES / piece, piece, piece, seed);
    int result = pieces != NULL ? arrays(out, count) : -ENOMEM;

    if (result == 0)
        result = bench_layout_unlock(layout);
    if (result == 0) {
        out->base = layout->reservation;
        out->bytes = layout->reservation_size;
        draw(layout, pieces, len, seed, out);
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
