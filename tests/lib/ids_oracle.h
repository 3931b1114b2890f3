/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What an id allocator has to answer, from one byte for each id. Slow and obvious. */
#ifndef GM_TESTS_LIB_IDS_ORACLE_H
#define GM_TESTS_LIB_IDS_ORACLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct gmt_ids {
    uint32_t first;
    uint64_t count;
    unsigned char *taken; /* [count] */
    uint64_t low;         /* none below this index is free; spares going through all of them each time */
};

static inline uint64_t gmt_ids_last(const struct gmt_ids *ids)
{
    return ids->first + (ids->count - 1);
}

static inline bool gmt_ids_inside(const struct gmt_ids *ids, uint64_t first, uint64_t count)
{
    return first >= ids->first && count <= ids->count && first - ids->first <= ids->count - count;
}

/* Are all of [first, first + count) so? They are inside. */
static inline bool gmt_ids_all(const struct gmt_ids *ids, uint64_t first, uint64_t count, bool taken)
{
    return memchr(ids->taken + (first - ids->first), !taken, count) == NULL;
}

static inline void gmt_ids_mark(struct gmt_ids *ids, uint64_t first, uint64_t count, bool taken)
{
    uint64_t index = first - ids->first;
    memset(ids->taken + index, taken, count);
    if (!taken && index < ids->low)
        ids->low = index;
    while (ids->low < ids->count && ids->taken[ids->low])
        ids->low++;
}

/* The lowest id in [least, most] where count are free that begins at a multiple of align; UINT64_MAX: none. */
static inline uint64_t gmt_ids_fit(const struct gmt_ids *ids, uint64_t least, uint64_t most, uint64_t count,
                                   uint64_t align)
{
    uint64_t id = ids->first + ids->low > least ? ids->first + ids->low : least;
    for (id = (id + align - 1) / align * align; id <= most && gmt_ids_inside(ids, id, count); id += align) {
        if (gmt_ids_all(ids, id, count, false))
            return id;
    }
    return UINT64_MAX;
}

/* The lowest taken id at or above from; UINT64_MAX: none. */
static inline uint64_t gmt_ids_after(const struct gmt_ids *ids, uint64_t from)
{
    uint64_t index = from < ids->first ? 0 : from - ids->first;
    const unsigned char *found = index < ids->count ? memchr(ids->taken + index, 1, ids->count - index) : NULL;
    return found != NULL ? ids->first + (uint64_t)(found - ids->taken) : UINT64_MAX;
}

static inline uint64_t gmt_ids_taken(const struct gmt_ids *ids)
{
    uint64_t taken = 0;
    for (uint64_t i = 0; i < ids->count; i++)
        taken += ids->taken[i];
    return taken;
}

#endif
