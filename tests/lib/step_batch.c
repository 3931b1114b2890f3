/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Batches of every size around the width of a vector, at every alignment that a pointer may have, and with
 * their arrays against pages that fault: a kernel that reads or writes one element too many dies here.
 */
#include "lib/steps.h"

#include <inttypes.h>
#include <string.h>

#include "lib/expect.h"

#define BATCH_MAX 67
#define CANARY 0xa5

struct batch {
    gm_gpa *gpa;
    void **hva;
    size_t count;
    size_t before; /* canary bytes in front of hva */
    size_t after;  /* and behind it */
};

/* Arrays touch the end of their room, or start somewhere in it. */
static struct batch place(struct gmt_world *world)
{
    struct batch batch = {.count = gmt_pick(world->stream, BATCH_MAX + 1)};
    size_t bytes = batch.count * sizeof(*batch.gpa);
    uint64_t where = gmt_take(world->stream, 1);
    size_t shift = ((where >> 2) & 7) * sizeof(*batch.gpa);
    batch.gpa = (where & 1) != 0 ? gmt_guard_last(&world->gpas, bytes) : (void *)(world->gpas.start + shift);
    batch.hva = (where & 2) != 0 ? gmt_guard_last(&world->hvas, bytes) : (void *)(world->hvas.start + shift);
    batch.before = (size_t)((unsigned char *)batch.hva - world->hvas.start);
    batch.after = world->hvas.room - batch.before - bytes;
    memset(world->hvas.start, CANARY, world->hvas.room);
    return batch;
}

static void check_canary(struct gmt_world *world, const char *name, const struct batch *batch)
{
    const unsigned char *end = (const unsigned char *)(batch->hva + batch->count);
    for (size_t i = 0; i < batch->before; i++) {
        if (world->hvas.start[i] != CANARY)
            gmt_fail(world, "%s of %zu: wrote %zu bytes before hva", name, batch->count, batch->before - i);
    }
    for (size_t i = 0; i < batch->after; i++) {
        if (end[i] != CANARY)
            gmt_fail(world, "%s of %zu: wrote %zu bytes past hva", name, batch->count, i + 1);
    }
}

static void check_result(struct gmt_world *world, const char *name, const struct batch *batch,
                         void *const *want, size_t found, uint64_t len, unsigned rights)
{
    size_t want_found = 0;
    for (size_t i = 0; i < batch->count; i++) {
        want_found += want[i] != NULL;
        if (batch->hva[i] != want[i])
            gmt_fail(world, "%s [%zu of %zu] %#" PRIx64 " + %#" PRIx64 " rights %#x: %p, model %p", name, i,
                     batch->count, batch->gpa[i], len, rights, batch->hva[i], want[i]);
    }
    if (found != want_found)
        gmt_fail(world, "%s of %zu: returned %zu, model %zu", name, batch->count, found, want_found);
    check_canary(world, name, batch);
}

void gmt_step_batch(struct gmt_world *world)
{
    struct gmt_lens lens = gmt_lens_open(world);
    struct gmt_access access = gmt_pick_access(world, lens.model);
    struct batch batch = place(world);
    void *want[BATCH_MAX];
    /* a long range for each of many addresses would spend the time of the test on a few batches */
    uint64_t len = batch.count > 8 && access.len > GM_PAGE_SIZE && access.len <= GM_GPA_LAST ? 8 : access.len;
    for (size_t i = 0; i < batch.count; i++) {
        batch.gpa[i] = i == 0 ? access.gpa : gmt_pick_gpa(world, lens.model);
        want[i] = gmt_expect_pointer(lens.model, batch.gpa[i], len, access.rights);
    }
    if (lens.view != NULL) {
        size_t found = gm_translate_batch(lens.view, batch.gpa, batch.count, len, access.rights, batch.hva);
        check_result(world, "gm_translate_batch", &batch, want, found, len, access.rights);
    }
    gmt_lens_close(&lens);
}

void gmt_step_linear(struct gmt_world *world)
{
    struct gmt_lens lens = gmt_lens_open(world);
    struct gmt_access access = gmt_pick_access(world, lens.model);
    struct batch batch = place(world);
    void *want[BATCH_MAX];
    uint64_t size = world->profile->linear_size;
    uint64_t len = access.len;
    if (lens.view != NULL && lens.view->linear_size != size)
        gmt_fail(world, "view->linear_size %#" PRIx64 ", configured %#" PRIx64, lens.view->linear_size, size);
    for (size_t i = 0; i < batch.count; i++) {
        batch.gpa[i] = i == 0 ? access.gpa : gmt_pick_gpa(world, lens.model);
        want[i] = NULL;
        if (lens.view != NULL && len != 0 && len <= size && batch.gpa[i] <= size - len)
            want[i] = (void *)(uintptr_t)(lens.view->linear_base + batch.gpa[i]);
    }
    if (lens.view != NULL) {
        size_t found = gm_linear_batch(lens.view, batch.gpa, batch.count, len, batch.hva);
        check_result(world, "gm_linear_batch", &batch, want, found, len, 0);
    }
    gmt_lens_close(&lens);
}
