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
    static const struct gmt_area *last = gmt_areas; /* the next byte is mostly there, too */
    if (gpa - last->gpa < last->size)
        return last;
    for (unsigned i = 0; i < GMT_WORLD_AREAS; i++) {
        if (gpa - gmt_areas[i].gpa < gmt_areas[i].size)
            return last = &gmt_areas[i];
    }
    return NULL;
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
        memset(world->host + world->touched[i], 0, 8);
        memset(world->model + world->touched[i], 0, 8);
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
        const struct gmt_area *area = area_of(gpa + good);
        if (area == NULL)
            *error = -EFAULT;
        else if (area->rights == 0)
            *error = -ENXIO;
        else if ((area->rights & rights) != rights)
            *error = -EACCES;
        if (*error != 0)
            return good;
        uint64_t room = area->gpa + area->size - (gpa + good);
        good += room < len - good ? room : len - good;
    }
    return len;
}

static uint64_t offset_of(gm_gpa gpa)
{
    const struct gmt_area *area = area_of(gpa);
    return area->offset + (gpa - area->gpa);
}

uint8_t *gmt_world_byte(struct gmt_world *world, gm_gpa gpa)
{
    return world->model + offset_of(gpa);
}

static void append(uint64_t **list, size_t *count, size_t *room, uint64_t value)
{
    if (*count == *room) {
        *room = *room * 2 + 1024;
        *list = realloc(*list, *room * sizeof(**list));
        if (*list == NULL)
            abort();
    }
    (*list)[(*count)++] = value;
}

static void touch(struct gmt_world *world, uint64_t offset)
{
    uint64_t word = offset & ~UINT64_C(7);
    if (world->touched_count == 0 || world->touched[world->touched_count - 1] != word)
        append(&world->touched, &world->touched_count, &world->touched_room, word);
}

static void mark(struct gmt_world *world, gm_gpa gpa)
{
    if (!world->on || gpa >= GMT_WORLD_TRACKED || world->is_dirty[gpa / GM_PAGE_SIZE] != 0)
        return;
    world->is_dirty[gpa / GM_PAGE_SIZE] = 1;
    append(&world->dirty_page, &world->dirty_count, &world->dirty_room, gpa / GM_PAGE_SIZE);
}

void gmt_world_write(struct gmt_world *world, gm_gpa gpa, const uint8_t *bytes, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++) {
        touch(world, offset_of(gpa + i));
        *gmt_world_byte(world, gpa + i) = bytes[i];
        mark(world, gpa + i);
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

bool gmt_world_same(const struct gmt_world *world, gm_gpa gpa, uint64_t len)
{
    for (uint64_t at = gpa - AROUND; at != gpa + len + AROUND; at++) {
        const struct gmt_area *area = area_of(at);
        if (area != NULL && area->rights != 0 && world->host[offset_of(at)] != world->model[offset_of(at)])
            return false;
        if ((at == gpa - AROUND || at % GM_PAGE_SIZE == 0 || at == gpa) && !same_page(world, at))
            return false;
    }
    return gm_dirty_count(world->dirty, 0, UINT64_MAX) == world->dirty_count;
}

bool gmt_world_same_all(const struct gmt_world *world)
{
    for (size_t i = 0; i < world->touched_count; i++) {
        if (memcmp(world->host + world->touched[i], world->model + world->touched[i], 8) != 0)
            return false;
    }
    for (size_t i = 0; i < world->dirty_count; i++) {
        if (!same_page(world, world->dirty_page[i] * GM_PAGE_SIZE))
            return false;
    }
    return true;
}
