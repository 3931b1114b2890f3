/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Host addresses for a layout. Translation never touches the memory that it finds, so addresses are enough:
 * one reservation without access holds all objects, which lets a machine with little memory measure the map
 * of a 1 TiB guest. The objects stand in a drawn order, each some pages off a 2 MiB boundary, as separate
 * mappings in a real process do; otherwise neighbours would have nearly equal deltas.
 */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* More than this does not fit into a process (47 bits) beside everything else. */
#define RESERVATION_LIMIT (UINT64_C(1) << 46)

int bench_fail(char *error, size_t error_size, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (error_size > 0)
        vsnprintf(error, error_size, format, arguments);
    va_end(arguments);
    return code;
}

struct bench_layout *bench_layout_new(size_t ranges, size_t objects)
{
    struct bench_layout *layout = calloc(1, sizeof(*layout));

    if (layout == NULL)
        return NULL;
    layout->ranges = calloc(ranges, sizeof(*layout->ranges));
    layout->objects = objects > 0 ? calloc(objects, sizeof(*layout->objects)) : NULL;
    if (layout->ranges == NULL || (objects > 0 && layout->objects == NULL)) {
        bench_layout_free(layout);
        return NULL;
    }
    return layout;
}

void bench_layout_free(struct bench_layout *layout)
{
    if (layout == NULL)
        return;
    if (layout->reservation != NULL)
        munmap(layout->reservation, layout->reservation_size);
    free(layout->ram);
    free(layout->objects);
    free(layout->ranges);
    free(layout);
}

int bench_layout_unlock(struct bench_layout *layout)
{
    if (layout->reservation == NULL)
        return 0;
    return mprotect(layout->reservation, layout->reservation_size, PROT_READ | PROT_WRITE) == 0 ? 0 : -errno;
}

/*
 * Guest and host addresses have to be equal within a page. An object can be shifted so that they are, but
 * only by one amount: two ranges that need different shifts cannot both be shown.
 */
static int find_phases(struct bench_layout *layout, char *error, size_t error_size)
{
    for (size_t i = 0; i < layout->count; i++) {
        const struct bench_range *range = &layout->ranges[i];
        if (range->kind == BENCH_DEVICE)
            continue;
        struct bench_object *object = &layout->objects[range->object];
        uint64_t phase = (range->first - range->offset) % BENCH_PAGE;
        uint64_t end = range->offset + (range->last - range->first) + 1;
        if (object->size != 0 && object->phase != phase)
            return bench_fail(error, error_size, -EINVAL,
                              "range '%s' at 0x%llx: its offset in '%s' differs from its address in a page, "
                              "and not by as much as in the object's other ranges",
                              range->name, (unsigned long long)range->first, object->name);
        object->phase = phase;
        if (object->size < end)
            object->size = end;
    }
    return 0;
}

static void shuffle(size_t *order, size_t count, struct bench_rng *rng)
{
    for (size_t i = 0; i < count; i++) {
        size_t other = (size_t)bench_random_below(rng, i + 1);
        order[i] = order[other];
        order[other] = i;
    }
}

/*
 * Distance of each object from the start of the reservation; returns the length of it all, 0 if it is too
 * long.
 */
static uint64_t place(struct bench_layout *layout, const size_t *order, uint64_t *distance,
                      struct bench_rng *rng)
{
    uint64_t end = 0;

    for (size_t i = 0; i < layout->object_count; i++) {
        struct bench_object *object = &layout->objects[order[i]];
        uint64_t pages_off = 1 + bench_random_below(rng, BENCH_BLOCK / BENCH_PAGE - 1);
        object->reserved = bench_round_up(object->phase + object->size, BENCH_PAGE);
        distance[order[i]] = bench_round_up(end, BENCH_BLOCK) + pages_off * BENCH_PAGE;
        end = distance[order[i]] + object->reserved;
        if (object->reserved > RESERVATION_LIMIT || end > RESERVATION_LIMIT)
            return 0;
    }
    return end;
}

static int reserve(struct bench_layout *layout, const uint64_t *distance, uint64_t size)
{
    uint64_t room = size + BENCH_BLOCK;
    void *at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED)
        return -errno;
    layout->reservation = at;
    layout->reservation_size = room;
    char *aligned = (char *)at + (bench_round_up((uintptr_t)at, BENCH_BLOCK) - (uintptr_t)at);
    for (size_t i = 0; i < layout->object_count; i++)
        layout->objects[i].base = aligned + distance[i];
    return 0;
}

static int place_objects(struct bench_layout *layout, uint64_t seed, char *error, size_t error_size)
{
    struct bench_rng rng = {seed};
    size_t *order = calloc(layout->object_count + 1, sizeof(*order));
    uint64_t *distance = calloc(layout->object_count + 1, sizeof(*distance));
    int result = bench_fail(error, error_size, -ENOMEM, "not enough memory");

    if (order != NULL && distance != NULL) {
        shuffle(order, layout->object_count, &rng);
        uint64_t size = place(layout, order, distance, &rng);
        if (size == 0)
            result = bench_fail(error, error_size, -EINVAL, "the objects need more than 2^46 bytes");
        else
            result = reserve(layout, distance, size);
    }
    free(distance);
    free(order);
    return result;
}

/*
 * Neighbours that are contiguous for both sides are one entry: an access may cross from one into the other.
 */
static int list_ram(struct bench_layout *layout)
{
    layout->ram = calloc(layout->count + 1, sizeof(*layout->ram));
    if (layout->ram == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < layout->count; i++) {
        const struct bench_range *range = &layout->ranges[i];
        if (range->kind != BENCH_RAM)
            continue;
        const struct bench_object *object = &layout->objects[range->object];
        uint64_t hva = (uintptr_t)object->base + object->phase + range->offset;
        uint64_t size = range->last - range->first + 1;
        struct bench_ram *before = layout->ram_count > 0 ? &layout->ram[layout->ram_count - 1] : NULL;
        if (before != NULL && before->gpa + before->size == range->first && before->hva + before->size == hva)
            before->size += size;
        else
            layout->ram[layout->ram_count++] = (struct bench_ram){range->first, size, hva};
        layout->ram_bytes += size;
    }
    return 0;
}

int bench_layout_finish(struct bench_layout *layout, uint64_t seed, char *error, size_t error_size)
{
    int result = find_phases(layout, error, error_size);

    if (result == 0 && layout->object_count > 0)
        result = place_objects(layout, seed, error, error_size);
    if (result == 0) {
        result = list_ram(layout);
        if (result != 0)
            bench_fail(error, error_size, result, "not enough memory");
    }
    return result;
}
