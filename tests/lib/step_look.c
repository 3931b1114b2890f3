/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Lookups of one address or range: every answer of the library beside the one of the model. */
#include "lib/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/expect.h"

#define ACCESS "[%#" PRIx64 " + %#" PRIx64 ") rights %#x"

void gmt_step_translate(struct gmt_world *world)
{
    struct gmt_lens lens = gmt_lens_open(world);
    struct gmt_access access = gmt_pick_access(world, lens.model);
    gm_gpa gpa = access.gpa;
    uint64_t len = access.len;
    unsigned rights = access.rights;
    uintptr_t want = 0;
    int want_why = gmt_expect_access(lens.model, gpa, len, rights, &want);
    if (lens.view != NULL) {
        void *hva = gm_translate(lens.view, gpa, len, rights);
        if (hva != (void *)want)
            gmt_fail(world, "gm_translate" ACCESS ": %p, model %p", gpa, len, rights, hva, (void *)want);
        void *slow = gm_translate_slow(lens.view, gpa, len, rights);
        if (slow != hva)
            gmt_fail(world, "gm_translate_slow" ACCESS ": %p, gm_translate %p", gpa, len, rights, slow, hva);
        void *direct = gm_translate_direct(lens.view, gpa, len, rights);
        if (direct != NULL && direct != hva)
            gmt_fail(world, "gm_translate_direct" ACCESS ": %p, model %p", gpa, len, rights, direct, hva);
        int why = gm_translate_why(lens.view, gpa, len, rights);
        if (why != want_why)
            gmt_fail(world, "gm_translate_why" ACCESS ": %d, model %d", gpa, len, rights, why, want_why);
    }
    gmt_lens_close(&lens);
}

static void check_span(struct gmt_world *world, const struct gmt_lens *lens, gm_gpa gpa,
                       const struct gm_span *span, const struct gmt_region *region)
{
    void *want = (void *)(region->hva + (gpa - region->gpa));
    bool sane = span->len != 0 && gpa + (span->len - 1) >= gpa;
    if (span->address != want || span->rights != region->rights)
        gmt_fail(world, "span at %#" PRIx64 ": %p rights %u, model %p rights %u", gpa, span->address,
                 span->rights, want, region->rights);
    else if (!sane || !gmt_expect_uniform(lens->model, gpa, span->len))
        gmt_fail(world, "span at %#" PRIx64 ": length %#" PRIx64 " is not contiguous with these rights", gpa,
                 span->len);
}

void gmt_step_span(struct gmt_world *world)
{
    struct gmt_lens lens = gmt_lens_open(world);
    gm_gpa gpa = gmt_pick_gpa(world, lens.model);
    const struct gmt_region *region = NULL;
    int want = gmt_expect_span(lens.model, gpa, &region);
    for (unsigned slow = 0; slow < 2 && lens.view != NULL; slow++) {
        struct gm_span span = {&span, UINT64_C(0x5a5a), 77};
        int got = slow != 0 ? gm_translate_span_slow(lens.view, gpa, &span)
                            : gm_translate_span(lens.view, gpa, &span);
        if (got != want)
            gmt_fail(world, "span (slow %u) at %#" PRIx64 ": %d, model %d", slow, gpa, got, want);
        else if (got == 0)
            check_span(world, &lens, gpa, &span, region);
        else if (span.address != &span || span.len != UINT64_C(0x5a5a) || span.rights != 77)
            gmt_fail(world, "span (slow %u) at %#" PRIx64 ": out was written on error %d", slow, gpa, got);
    }
    gmt_lens_close(&lens);
}

#define IOV_ROOM 64

/* Answers are compared entry by entry; what lies behind them must still be the filling. */
static void check_iov(struct gmt_world *world, const struct gmt_access *access, const struct iovec *got,
                      int used, const struct iovec *want, int want_used)
{
    if (used != want_used) {
        gmt_fail(world, "iov " ACCESS ": %d, model %d", access->gpa, access->len, access->rights, used,
                 want_used);
        return;
    }
    for (int i = 0; i < used; i++) {
        if (got[i].iov_base != want[i].iov_base || got[i].iov_len != want[i].iov_len)
            gmt_fail(world, "iov " ACCESS " entry %d: %p+%#zx, model %p+%#zx", access->gpa, access->len,
                     access->rights, i, got[i].iov_base, got[i].iov_len, want[i].iov_base, want[i].iov_len);
    }
}

void gmt_step_iov(struct gmt_world *world)
{
    struct gmt_lens lens = gmt_lens_open(world);
    struct gmt_access access = gmt_pick_access(world, lens.model);
    unsigned room = (unsigned)gmt_pick(world->stream, IOV_ROOM + 1);
    struct iovec want[IOV_ROOM];
    struct iovec *got = gmt_guard_last(&world->gpas, room * sizeof(*got));
    memset(got, 0x5a, room * sizeof(*got));
    int want_used = gmt_expect_iov(lens.model, access.gpa, access.len, access.rights, want, room);
    if (lens.view != NULL) {
        int used = gm_translate_iov(lens.view, access.gpa, access.len, access.rights, got, room);
        check_iov(world, &access, got, used, want, want_used);
        const unsigned char *bytes = (const unsigned char *)got;
        for (size_t i = 0; used < 0 && i < room * sizeof(*got); i++) {
            if (bytes[i] != 0x5a)
                gmt_fail(world, "iov " ACCESS ": written although the result is %d", access.gpa, access.len,
                         access.rights, used);
        }
    }
    gmt_lens_close(&lens);
}

static bool same_region(const struct gm_region_info *info, const struct gmt_region *region)
{
    return info->gpa == region->gpa && info->size == region->size && info->tag == region->tag &&
           (uintptr_t)info->address == region->hva && info->kind == region->kind &&
           info->rights == region->rights;
}

static void check_found(struct gmt_world *world, const char *name, gm_gpa gpa, int got,
                        const struct gm_region_info *info, const struct gmt_region *want)
{
    if ((got == 0) != (want != NULL) || (got != 0 && got != -ENOENT))
        gmt_fail(world, "%s at %#" PRIx64 ": %d, model has %s", name, gpa, got,
                 want != NULL ? "one" : "none");
    else if (got == 0 && !same_region(info, want))
        gmt_fail(world,
                 "%s at %#" PRIx64 ": %#" PRIx64 "+%#" PRIx64 " tag %" PRIu64 " %p rights %u, model %#" PRIx64
                 "+%#" PRIx64 " tag %" PRIu64 " %p rights %u", name, gpa, info->gpa, info->size, info->tag,
                 info->address, info->rights, want->gpa, want->size, want->tag, (void *)want->hva,
                 want->rights);
}

void gmt_step_find(struct gmt_world *world)
{
    struct gmt_lens lens = gmt_lens_open(world);
    gm_gpa gpa = gmt_pick_gpa(world, lens.model);
    struct gm_region_info info;
    if (lens.view != NULL) {
        int got = gm_region_find(lens.view, gpa, &info);
        check_found(world, "gm_region_find", gpa, got, &info, gmt_model_at(lens.model, gpa));
        got = gm_region_next(lens.view, gpa, &info);
        check_found(world, "gm_region_next", gpa, got, &info, gmt_expect_next(lens.model, gpa));
    }
    gmt_lens_close(&lens);
}
