/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A small generator (SplitMix64 steps) whose whole state is one word, so that any failing run is named by the
 * seed that a test prints.
 */
#ifndef GM_TESTS_LIB_RAND_H
#define GM_TESTS_LIB_RAND_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t gmt_mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static inline uint64_t gmt_rand(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return gmt_mix(*state);
}

/* Uniform enough for tests: the bias of the modulo is below 2^-32 for every bound used here. */
static inline uint64_t gmt_rand_below(uint64_t *state, uint64_t bound)
{
    return gmt_rand(state) % bound;
}

static inline void gmt_rand_fill(uint64_t *state, uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(gmt_rand(state) >> 32);
}

#endif
