/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A guest address space with the ranges of a layout, made as a VMM would: one backing for each piece of host
 * memory, one transaction for all ranges. The only file here that needs the library, so that layouts, streams
 * and competitors can be used without it.
 */
#include "internal.h"

#include <guestmem/backing.h>
#include <guestmem/dirty.h>
#include <guestmem/space.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int wrap_objects(const struct bench_layout *layout, struct bench_space *out)
{
    out->backings = calloc(layout->object_count + 1, sizeof(struct gm_backing *));
    if (out->backings == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < layout->object_count; i++) {
        const struct bench_object *object = &layout->objects[i];
        int result = gm_backing_wrap(object->base, object->reserved, NULL, NULL, &out->backings[i]);
        if (result != 0)
            return result;
        out->backing_count++;
    }
    return 0;
}

static int add_range(const struct bench_layout *layout, const struct bench_space *space, struct gm_txn *txn,
                     const struct bench_range *range, uint64_t tag)
{
    static const enum gm_kind kinds[] = {
        [BENCH_RAM] = GM_KIND_RAM, [BENCH_ROM] = GM_KIND_ROM, [BENCH_DEVICE] = GM_KIND_DEVICE};
    struct gm_region_desc desc = {
        .gpa = range->first, .size = range->last - range->first + 1, .kind = kinds[range->kind], .tag = tag};

    if (range->kind != BENCH_DEVICE) {
        desc.backing = space->backings[range->object];
        desc.offset = layout->objects[range->object].phase + range->offset;
    }
    return gm_txn_add(txn, &desc);
}

static int add_ranges(const struct bench_layout *layout, struct bench_space *space, char *error,
                      size_t error_size)
{
    struct gm_txn *txn;
    int result = gm_txn_begin(space->space, &txn);

    if (result != 0)
        return bench_fail(error, error_size, result, "%s: begin: %s", layout->name, strerror(-result));
    for (size_t i = 0; i < layout->count; i++) {
        const struct bench_range *range = &layout->ranges[i];
        result = add_range(layout, space, txn, range, i);
        if (result != 0) {
            gm_txn_abort(txn);
            return bench_fail(error, error_size, result, "%s: range '%s' at 0x%llx: %s", layout->name,
                              range->name, (unsigned long long)range->first, strerror(-result));
        }
    }
    result = gm_txn_commit(txn, GM_COMMIT_WAIT);
    if (result != 0)
        bench_fail(error, error_size, result, "%s: commit: %s", layout->name, strerror(-result));
    return result;
}

static void put_backings(struct bench_space *space)
{
    for (size_t i = 0; i < space->backing_count; i++)
        gm_backing_put(space->backings[i]);
    free(space->backings);
    *space = (struct bench_space){0};
}

static int build(const struct bench_layout *layout, struct bench_space *out, struct gm_dirty *dirty, char *error,
                 size_t error_size)
{
    const struct gm_space_config config = {.numa_node = -1, .dirty = dirty};
    struct bench_space space = {.dirty = dirty};
    int result = gm_space_create(&config, &space.space);

    if (result == 0)
        result = wrap_objects(layout, &space);
    if (result != 0)
        bench_fail(error, error_size, result, "%s: %s", layout->name, strerror(-result));
    else
        result = add_ranges(layout, &space, error, error_size);
    if (result == 0) {
        *out = space;
        return 0;
    }
    gm_space_destroy(space.space);
    put_backings(&space);
    return result;
}

int bench_space_build(const struct bench_layout *layout, struct bench_space *out, char *error,
                      size_t error_size)
{
    return build(layout, out, NULL, error, error_size);
}

int bench_space_build_tracked(const struct bench_layout *layout, struct bench_space *out, char *error,
                              size_t error_size)
{
    const struct bench_ram *end = &layout->ram[layout->ram_count - 1];
    const struct gm_dirty_config config = {.size = end->gpa + end->size, .numa_node = -1, .flags = GM_DIRTY_ON};
    struct gm_dirty *dirty;
    int result = gm_dirty_create(&config, &dirty);

    if (result != 0)
        return bench_fail(error, error_size, result, "%s: bitmap: %s", layout->name, strerror(-result));
    result = build(layout, out, dirty, error, error_size);
    if (result != 0)
        gm_dirty_destroy(dirty);
    return result;
}

int bench_space_destroy(struct bench_space *space)
{
    int result = gm_space_destroy(space->space);

    if (result == 0) {
        gm_dirty_destroy(space->dirty);
        put_backings(space);
    }
    return result;
}
