/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * low     around 0 and around 1 GiB, page by page block   three 2 MiB blocks full of one- and two-page
 * regions: every form that a mixed block can take gib     regions of up to several GiB, which share whole
 * tables; backed by reservations that are never touched bytes   regions that start and end anywhere within a
 * page, on a GiB edge and on a block edge top     the end of the space at 2^52, and its beginning linear  a
 * linear space that ends inside a GiB
 */
#include "lib/layouts.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define PAGE_CELLS(bytes) ((bytes) >> 12)

const struct gmt_profile gmt_profiles[GMT_PROFILES] = {
    {
        .name = "low",
        .layout = {2, {{0, PAGE_CELLS(MIB(8)), 12}, {GIB(1) - MIB(4), PAGE_CELLS(MIB(8)), 12}}},
        .backing_size = MIB(16),
        .backings = 4,
        .target_max = 60,
        .size_max = 200,
    },
    {
        .name = "block",
        .layout = {1, {{MIB(4), PAGE_CELLS(MIB(6)), 12}}},
        .backing_size = MIB(8),
        .backings = 2,
        .target_max = 900,
        .size_max = 2,
    },
    {
        .name = "gib",
        .layout = {2, {{0, PAGE_CELLS(MIB(2)), 12}, {GIB(3) - MIB(64), GIB(6) >> 16, 16}}},
        .backing_size = GIB(8),
        .backings = 2,
        .target_max = 40,
        .size_max = 40000,
    },
    {
        .name = "bytes",
        .layout = {2, {{MIB(10) - KIB(8), KIB(16), 0}, {GIB(1) - KIB(12), KIB(24), 0}}},
        .backing_size = KIB(64),
        .backings = 3,
        .target_max = 40,
        .size_max = 9000,
    },
    {
        .name = "top",
        .layout = {2, {{0, PAGE_CELLS(MIB(2)), 12}, {(GM_GPA_LAST - MIB(4)) + 1, PAGE_CELLS(MIB(4)), 12}}},
        .backing_size = MIB(4),
        .backings = 2,
        .target_max = 20,
        .size_max = 300,
    },
    {
        .name = "linear",
        .layout = {2, {{0, PAGE_CELLS(MIB(4)), 12}, {GIB(1) - MIB(2), PAGE_CELLS(MIB(3)), 12}}},
        .backing_size = MIB(8),
        .backings = 2,
        .linear_size = GIB(1) + MIB(1),
        .target_max = 30,
        .size_max = 100,
    },
};
