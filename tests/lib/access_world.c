/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The guest of access_world.h, and its model: a second copy of the host memory, and a byte for each page. */
#include "lib/access_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define AROUND 16 /* bytes looked at before and behind what was accessed */

const struct gmt_area gmt_areas[GMT_WORLD_AREAS] = {
    {0x1000, 0x3000, 0x1000, GM_RW},
    {0x4000, 0x1234, 0x8000, GM_RW}, /* ends within a page */
    {0x5234, 0x1dcc, 0x10234, GM_RW},
    {0x7000, 0x1000, 0, 0},
    {0x8000, 0x1000, 0x14000, GM_READ},
    {0x9000, 0x1000, 0x15000, GM_WRITE},
    {0xa000, 0x804, 0x16000, GM_RW}, /* neighbours in host memory, too, that cut an integer */
    {0xa804, 0x7fc, 0x16804, GM_RW},
    {0xb000, 0x1000, 0x2000, GM_RW}, /* the second page of the first, once more */
    {2 * MIB - 0x1000, 0x2000, 0x20000, GM_RW},
    {4 * MIB, 4 * MIB, 2 * MIB, GM_RW}, /* blocks of one word */
    {8 * MIB, 0x1003, 0x30000, GM_RW},
    {GIB - 0x804, 0x1000, 0x407fc, GM_RW},
    {GMT_WORLD_TRACKED - 0x1000, 0x2000, 0x50000, GM_RW}, /* the second page is not tracked */
    {GM_GPA_LAST + 1 - 0x2000, 0x1000, 0, 0},
    {GM_GPA_LAST + 1 - 0x1000, 0x1000, 0x60000, GM_RW},
};

static const struct gmt_area *area_of(gm_gpa gpa)
{
    for (unsigned i = 0; i < GMT_WORLD_AREAS; i++) {
        if (gpa - gmt_areas[i].gpa < gmt_areas[i].size)
            return &gmt_areas[i];
    }
    return NULL;
}

static uint64_t less_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A range goes on for so many bytes, at most len, in the area that it begins in, or in none. Addresses wrap. */
static uint64_t run_of(gm_gpa gpa, uint64_t len, const struct gmt_area **area)
{
    *area = area_of(gpa);
    if (*area != NULL)
        return less_of(len, (*area)->gpa + (*area)->size - gpa);
    for (unsigned i = 0; i < GMT_WORLD_AREAS; i++)
        len = less_of(len, gmt_areas[i].gpa - gpa);
    return len;
}

static int add_all(struct gmt_world *world, struct gm_backing *ram)
{
    struct gm_txn *txn;
    int error = gm_txn_begin(world->space, &txn);
    for (unsigned i = 0; i < GMT_WORLD_AREAS && error == 0; i++) {
        const struct gmt_area *area = &gmt_areas[i];
        struct gm_region_desc desc = {.gpa = area->gpa, .size = area->size, .kind = GM_KIND_DEVICE};
        if (area->rights != 0) {
            desc.kind = area->rights == GM_READ ? GM_KIND_ROM : GM_KIND_RAM;
            desc.rights = area->rights;
            desc.backing = ram;
            desc.offset = area->offset;
        }
        error = gm_txn_add(txn, &desc);
    }
    return error != 0 ? error : gm_txn_commit(txn, GM_COMMIT_WAIT);
}

static int fill(struct gmt_world *world)
{
    const struct gm_dirty_config dirty = {.size = GMT_WORLD_TRACKED, .numa_node = -1, .flags = GM_DIRTY_ON};
    struct gm_space_config config = {.numa_node = -1};
    struct gm_backing *ram;
    int error = gm_dirty_create(&dirty, &world->dirty);
    if (error != 0)
        return error;
    config.dirty = world->dirty;
    error = gm_space_create(&config, &world->space);
    if (error != 0)
        return error;
    error = gm_backing_anonymous(GMT_WORLD_HOST, GM_BACKING_NORESERVE, &ram);
    if (error != 0)
        return error;
    world->host = gm_backing_address(ram);
    error = add_all(world, ram);
    gm_backing_put(ram);
    int registered = gm_reader_register();
    if (error == 0) {
        world->snapshot = gm_snapshot_take(gm_pin(world->space));
        world->view = gm_snapshot_view(world->snapshot);
        (void)gm_unpin();
    }
    if (registered == 0)
        (void)gm_reader_unregister();
    return error;
}

struct gmt_world *gmt_world_open(void)
{
    struct gmt_world *world = calloc(1, sizeof(*world));
    if (world == NULL)
        return NULL;
    world->on = true;
    world->model = calloc(1, GMT_WORLD_HOST);
    if (world->model != NULL && fill(world) == 0)
        return world;
    gmt_world_close(world);
    return NULL;
}

void gmt_world_close(struct gmt_world *world)
{
    gm_snapshot_put(world->snapshot);
    (void)gm_space_destroy(world->space);
    gm_dirty_destroy(world->dirty);
    free(world->touched);
    free(world->dirty_page);
    free(world->model);
    free(world);
}

void gmt_world_reset(struct gmt_world *world)
{
    for (size_t i = 0; i < world->touched_count; i++) {
        memset(world->host + world->touched[i].offset, 0, world->touched[i].len);
        memset(world->model + world->touched[i].offset, 0, world->touched[i].len);
    }
    world->touched_count = 0;
    if (gm_dirty_clear(world->dirty, 0, GMT_WORLD_TRACKED) != 0 || (!world->on && gm_dirty_enable(world->dirty) != 0))
        abort();
    world->on = true;
    for (size_t i = 0; i < world->dirty_count; i++)
        world->is_dirty[world->dirty_page[i]] = 0;
    world->dirty_count = 0;
}

uint64_t gmt_world_expect(gm_gpa gpa, uint64_t len, unsigned rights, int *error)
{
    *error = 0;
    if (len != 0 && gpa + (len - 1) < gpa) {
        *error = -EOVERFLOW;
        return 0;
    }
    for (uint64_t good = 0; good < len;) {
        const struct gmt_area *area;
        uint64_t run = run_of(gpa + good, len - good, &area);
        if (area == NULL)
            *error = -EFAULT;
        else if (area->rights == 0)
            *error = -ENXIO;
        else if ((area->rights & rights) != rights)
            *error = -EACCES;
        if (*error != 0)
            return good;
        good += run;
    }
    return len;
}

void gmt_world_read(const struct gmt_world *world, gm_gpa gpa, uint8_t *out, uint64_t len)
{
    const struct gmt_area *area;
    for (uint64_t at = 0, run; at < len; at += run) {
        run = run_of(gpa + at, len - at, &area);
        memcpy(out + at, world->model + area->offset + (gpa + at - area->gpa), run);
    }
}

/* The list with room for one more. */
static void *with_room(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room * 2 + 1024;
    list = realloc(list, *room * size);
    if (list == NULL)
        abort();
    return list;
}

/* Whole words, so that the bytes beside what was written are looked at once more at the end. */
static void touch(struct gmt_world *world, uint64_t offset, uint64_t len)
{
    const uint64_t first = offset & ~UINT64_C(7), end = (offset + len + 7) & ~UINT64_C(7);
    world->touched = with_room(world->touched, world->touched_count, &world->touched_room, sizeof(*world->touched));
    world->touched[world->touched_count++] = (struct gmt_touched){first, end - first};
}

static void mark(struct gmt_world *world, uint64_t page)
{
    if (!world->on || page >= GMT_WORLD_TRACKED / GM_PAGE_SIZE || world->is_dirty[page] != 0)
        return;
    world->is_dirty[page] = 1;
    world->dirty_page = with_room(world->dirty_page, world->dirty_count, &world->dirty_room, sizeof(uint64_t));
    world->dirty_page[world->dirty_count++] = page;
}

void gmt_world_write(struct gmt_world *world, gm_gpa gpa, const uint8_t *bytes, uint64_t len)
{
    const struct gmt_area *area;
    for (uint64_t at = 0, run; at < len; at += run) {
        run = run_of(gpa + at, len - at, &area);
        uint64_t offset = area->offset + (gpa + at - area->gpa);
        touch(world, offset, run);
        memcpy(world->model + offset, bytes + at, run);
        for (uint64_t page = (gpa + at) / GM_PAGE_SIZE; page <= (gpa + at + (run - 1)) / GM_PAGE_SIZE; page++)
            mark(world, page);
    }
#ifdef GM_FUZZ_CANARY
    if (len > 0 && ((gpa + len) & 0xfff) == 1) /* a mark too short where the last byte begins a page */
        world->is_dirty[((gpa + len - 1) & (GMT_WORLD_TRACKED - 1)) / GM_PAGE_SIZE] = 0;
#endif
}

static bool same_page(const struct gmt_world *world, gm_gpa gpa)
{
    return gpa >= GMT_WORLD_TRACKED ||
           gm_dirty_is_marked(world->dirty, gpa) == (int)world->is_dirty[gpa / GM_PAGE_SIZE];
}

static bool same_pages(const struct gmt_world *world, gm_gpa first, uint64_t len)
{
    const uint64_t before = first % GM_PAGE_SIZE;
    for (uint64_t at = 0; at < before + len; at += GM_PAGE_SIZE) {
        if (!same_page(world, first - before + at))
            return false;
    }
    return true;
}

bool gmt_world_same(const struct gmt_world *world, gm_gpa gpa, uint64_t len)
{
    const gm_gpa first = gpa - AROUND;
    const uint64_t around = len + UINT64_C(2) * AROUND;
    const struct gmt_area *area;
    for (uint64_t at = 0, run; at < around; at += run) {
        run = run_of(first + at, around - at, &area);
        if (area == NULL || area->rights == 0)
            continue;
        uint64_t offset = area->offset + (first + at - area->gpa);
        if (memcmp(world->host + offset, world->model + offset, run) != 0)
            return false;
    }
    return same_pages(world, first, around) && gm_dirty_count(world->dirty, 0, UINT64_MAX) == world->dirty_count;
}

bool gmt_world_same_all(const struct gmt_world *world)
{
    for (size_t i = 0; i < world->touched_count; i++) {
        const struct gmt_touched *touched = &world->touched[i];
        if (memcmp(world->host + touched->offset, world->model + touched->offset, touched->len) != 0)
            return false;
    }
    for (size_t i = 0; i < world->dirty_count; i++) {
        if (!same_page(world, world->dirty_page[i] * GM_PAGE_SIZE))
            return false;
    }
    return true;
}
