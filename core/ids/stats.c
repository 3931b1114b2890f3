/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Id allocator: counting. No counter is kept, because that would cost every call a second locked instruction. */
#include "ids/ids.h"

#include <errno.h>

#include "base/math.h"

#define LEAF_ORDER 6

/* Order of the largest aligned run of clear bits in a leaf, -1 if all are set. */
static int order_in(uint64_t leaf)
{
    uint64_t runs = ~leaf; /* bit i: a run of 2^order begins here */
    int order = -1;
    while (runs != 0) {
        order++;
        unsigned length = 1u << order;
        if (order == LEAF_ORDER)
            break;
        uint64_t starts = length < 32 ? ~UINT64_C(0) / ((UINT64_C(1) << 2 * length) - 1) : 1;
        runs &= runs >> length & starts;
    }
    return order;
}

/* Order of the largest aligned block in the clear leaves [begin, end), which are numbered as ids are: from 0. */
static int order_of(uint64_t begin, uint64_t end)
{
    int largest = -1;
    while (begin < end) {
        int order = 63 - __builtin_clzll(end - begin);
        if (begin != 0 && __builtin_ctzll(begin) < order)
            order = __builtin_ctzll(begin);
        if (order + LEAF_ORDER > largest)
            largest = order + LEAF_ORDER;
        begin += UINT64_C(1) << order;
    }
    return largest > 31 ? 31 : largest;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

int gm_ids_stats_get(const struct gm_ids *ids, struct gm_ids_stats *out)
{
    if (ids == NULL || out == NULL)
        return -EINVAL;
    uint64_t number = ids->base / GM_IDS_LEAF_BITS; /* of the first leaf */
    uint64_t clear = number;                        /* where the clear leaves begin that end here */
    uint64_t taken = 0;
    int largest = -1;
    for (uint64_t leaf = 0; leaf <= ids->tree.last[0]; leaf++) {
        uint64_t bits = gm_load_relaxed(&ids->tree.level[0][leaf]);
        taken += (unsigned)__builtin_popcountll(bits & gm_ids_real(ids, leaf));
        if (bits == 0)
            continue;
        largest = larger(largest, larger(order_in(bits), order_of(clear, number + leaf)));
        clear = number + leaf + 1;
    }
    largest = larger(largest, order_of(clear, number + ids->tree.last[0] + 1));
    uint64_t count = (uint64_t)ids->last - ids->first + 1;
    *out = (struct gm_ids_stats){
        .taken = taken,
        .free = count - taken,
        .memory_bytes = sizeof(*ids) + ids->bytes,
        .order_largest = largest,
    };
    return 0;
}
