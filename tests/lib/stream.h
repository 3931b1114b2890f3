/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Decisions out of a byte string. The interpreter of ops.h takes every choice from here, so that random
 * bytes, a saved failure and the input of a fuzzer all drive the same code. Past its end the string reads as
 * zeros.
 */
#ifndef GM_TESTS_LIB_STREAM_H
#define GM_TESTS_LIB_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gmt_stream {
    const uint8_t *bytes;
    size_t len;
    size_t pos;
};

static inline bool gmt_stream_done(const struct gmt_stream *stream)
{
    return stream->pos >= stream->len;
}

/* The next count (at most 8) bytes as a little-endian number. */
static inline uint64_t gmt_take(struct gmt_stream *stream, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (stream->pos < stream->len)
            value |= (uint64_t)stream->bytes[stream->pos] << (8 * i);
        stream->pos++;
    }
    return value;
}

/* A number below bound (bound >= 1), from as few bytes as the bound needs. */
static inline uint64_t gmt_pick(struct gmt_stream *stream, uint64_t bound)
{
    unsigned bytes = bound <= 64 ? 1 : bound <= 8192 ? 2 : bound <= (UINT64_C(1) << 28) ? 4 : 8;
    return gmt_take(stream, bytes) % bound;
}

/* True once in the given number of times. */
static inline bool gmt_once_in(struct gmt_stream *stream, unsigned times)
{
    return gmt_pick(stream, times) == 0;
}

#endif
