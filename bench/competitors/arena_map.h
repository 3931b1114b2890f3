/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A hash map from the first address of a range to a number, for re-implementations of allocators that have one.
 * Places are tried one after the other; at most half of them are used, and none is a stone: what stands behind one
 * that is removed moves up.
 */
#ifndef BENCH_ARENA_MAP_H
#define BENCH_ARENA_MAP_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define BENCH_MAP_EMPTY UINT64_MAX

struct bench_map_entry {
    uint64_t key, value;
};

struct bench_map {
    struct bench_map_entry *entries;
    size_t mask, count; /* mask: places - 1 */
};

static inline size_t bench_map_home(const struct bench_map *map, uint64_t key)
{
    return (size_t)((key >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & map->mask;
}

/* Where the key is, or where it would go. */
static inline size_t bench_map_at(const struct bench_map *map, uint64_t key)
{
    size_t at = bench_map_home(map, key);

    while (map->entries[at].key != key && map->entries[at].key != BENCH_MAP_EMPTY)
        at = (at + 1) & map->mask;
    return at;
}

static inline int bench_map_open(struct bench_map *map, size_t places)
{
    map->entries = malloc(places * sizeof(*map->entries));
    if (map->entries == NULL)
        return -ENOMEM;
    map->mask = places - 1;
    map->count = 0;
    for (size_t i = 0; i < places; i++)
        map->entries[i].key = BENCH_MAP_EMPTY;
    return 0;
}

static inline int bench_map_put(struct bench_map *map, uint64_t key, uint64_t value)
{
    if (2 * map->count > map->mask) {
        struct bench_map twice;
        if (bench_map_open(&twice, 2 * (map->mask + 1)) != 0)
            return -ENOMEM;
        for (size_t i = 0; i <= map->mask; i++)
            if (map->entries[i].key != BENCH_MAP_EMPTY)
                twice.entries[bench_map_at(&twice, map->entries[i].key)] = map->entries[i];
        twice.count = map->count;
        free(map->entries);
        *map = twice;
    }
    map->entries[bench_map_at(map, key)] = (struct bench_map_entry){key, value};
    map->count++;
    return 0;
}

/* NULL: it is not there. */
static inline struct bench_map_entry *bench_map_get(const struct bench_map *map, uint64_t key)
{
    struct bench_map_entry *entry = &map->entries[bench_map_at(map, key)];

    return entry->key == key ? entry : NULL;
}

static inline void bench_map_remove(struct bench_map *map, struct bench_map_entry *entry)
{
    size_t hole = (size_t)(entry - map->entries);

    for (size_t at = (hole + 1) & map->mask; map->entries[at].key != BENCH_MAP_EMPTY; at = (at + 1) & map->mask) {
        size_t home = bench_map_home(map, map->entries[at].key);
        if (((at - home) & map->mask) < ((at - hole) & map->mask))
            continue;
        map->entries[hole] = map->entries[at];
        hole = at;
    }
    map->entries[hole].key = BENCH_MAP_EMPTY;
    map->count--;
}

#endif
