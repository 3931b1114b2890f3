/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A line for each region, and below it what every lookup answers at its edges and just outside them: that is
 * where a half-applied change shows.
 */
#include "lib/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define GMT_DUMP_IOV 4

static void dump_access(FILE *out, const struct gm_view *view, gm_gpa gpa, uint64_t len)
{
    fprintf(out, "  %#" PRIx64 "+%#" PRIx64 ":", gpa, len);
    for (unsigned rights = GM_ANY; rights <= GM_RW; rights++) {
        void *hva = gm_translate(view, gpa, len, rights);
        fprintf(out, " %p/%d", hva, gm_translate_why(view, gpa, len, rights));
    }
    struct iovec iov[GMT_DUMP_IOV];
    int pieces = gm_translate_iov(view, gpa, len, GM_ANY, iov, GMT_DUMP_IOV);
    fprintf(out, " iov %d", pieces);
    for (int i = 0; i < pieces; i++)
        fprintf(out, " %p+%zx", iov[i].iov_base, iov[i].iov_len);
    struct gm_span span;
    int error = gm_translate_span(view, gpa, &span);
    if (error != 0)
        fprintf(out, " span %d\n", error);
    else
        fprintf(out, " span %p+%" PRIx64 " rights %u\n", span.address, span.len, span.rights);
}

static void dump_region(FILE *out, const struct gm_view *view, const struct gm_region_info *info)
{
    fprintf(out, "%#" PRIx64 "+%#" PRIx64 " %p tag %#" PRIx64 " kind %u rights %u\n", info->gpa, info->size,
            info->address, info->tag, (unsigned)info->kind, info->rights);
    gm_gpa end = info->gpa + info->size;
    dump_access(out, view, info->gpa - 1, 1);
    dump_access(out, view, info->gpa - 1, 2);
    dump_access(out, view, info->gpa, 1);
    dump_access(out, view, info->gpa, info->size);
    dump_access(out, view, end - 1, 1);
    dump_access(out, view, end - 1, 2);
    dump_access(out, view, end, 1);
}

char *gmt_dump_view(const struct gm_view *view)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    struct gm_region_info info;
    uint64_t count = 0;
    for (gm_gpa gpa = 0; gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size) {
        dump_region(out, view, &info);
        count++;
    }
    fprintf(out, "%" PRIu64 " regions, linear %" PRIx64 "\n", count, view->linear_size);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *gmt_dump_space(const struct gm_space *space)
{
    const struct gm_view *view = gm_pin(space);
    if (view == NULL)
        return NULL;
    char *text = gmt_dump_view(view);
    gm_unpin();
    return text;
}
