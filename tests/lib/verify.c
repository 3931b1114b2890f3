/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A view against a state of the model: first what the library says of itself (gm_map_check), then the list of
 * regions, then translations around the edges of some regions or of all.
 */
#include "lib/steps.h"

#include <errno.h>
#include <inttypes.h>

#include "lib/expect.h"

#include "map/check.h"

#define SAMPLE 4

static void verify_regions(struct gmt_world *world, const struct gmt_lens *lens)
{
    struct gm_region_info info;
    unsigned count = 0;
    int error = 0;
    for (gm_gpa gpa = 0; !world->failed; gpa = info.gpa + info.size) {
        error = gm_region_next(lens->view, gpa, &info);
        if (error != 0)
            break;
        const struct gmt_region *want = gmt_model_at(lens->model, info.gpa);
        count++;
        if (want == NULL || want->gpa != info.gpa || want->size != info.size || want->tag != info.tag ||
            want->hva != (uintptr_t)info.address || want->kind != info.kind || want->rights != info.rights)
            gmt_fail(world,
                     "region %#" PRIx64 "+%#" PRIx64 " tag %" PRIu64 " at %p: not what the model has there",
                     info.gpa, info.size, info.tag, info.address);
    }
    if (!world->failed && (count != lens->model->count || error != -ENOENT))
        gmt_fail(world, "gm_region_next visits %u regions and ends with %d, model has %u", count, error,
                 lens->model->count);
}

static void verify_access(struct gmt_world *world, const struct gmt_lens *lens, gm_gpa gpa, uint64_t len)
{
    for (unsigned rights = GM_ANY; rights <= GM_RW; rights++) {
        void *want = gmt_expect_pointer(lens->model, gpa, len, rights);
        void *got = gm_translate(lens->view, gpa, len, rights);
        if (got != want)
            gmt_fail(world, "gm_translate [%#" PRIx64 " + %#" PRIx64 ") rights %u: %p, model %p", gpa, len,
                     rights, got, want);
    }
}

static void verify_edges(struct gmt_world *world, const struct gmt_lens *lens,
                         const struct gmt_region *region)
{
    verify_access(world, lens, region->gpa - 1, 1);
    verify_access(world, lens, region->gpa - 1, 2);
    verify_access(world, lens, region->gpa, 1);
    verify_access(world, lens, region->gpa + region->size - 1, 1);
    verify_access(world, lens, region->gpa + region->size - 1, 2);
    verify_access(world, lens, region->gpa + region->size, 1);
}

void gmt_verify(struct gmt_world *world, const struct gmt_lens *lens, bool all)
{
    const char *why = NULL;
    int error = gm_map_check(lens->view, &why);
    if (error != 0)
        gmt_fail(world, "gm_map_check: %d (%s)", error, why != NULL ? why : "no reason");
    verify_regions(world, lens);
    unsigned slots = all ? GMT_REGIONS : SAMPLE;
    unsigned first = all ? 0 : (unsigned)gmt_pick(world->stream, lens->model->count + 1);
    for (unsigned i = 0; i < slots && !world->failed; i++) {
        const struct gmt_region *region = &lens->model->region[(first + i) % GMT_REGIONS];
        if (region->size != 0)
            verify_edges(world, lens, region);
    }
}
