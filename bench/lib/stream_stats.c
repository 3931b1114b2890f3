/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What a stream turned out to be, so that a report can say it and the self-test can insist on it. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

int bench_stream_stats(const struct bench_layout *layout, const uint64_t *gpa, size_t count,
                       struct bench_stream_stats *out)
{
    size_t *hits = calloc(layout->ram_count + 1, sizeof(*hits));
    size_t same_range = 0, same_page = 0, most = 0;
    ptrdiff_t before = -1;

    if (hits == NULL)
        return -ENOMEM;
    *out = (struct bench_stream_stats){0};
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t index = bench_oracle_index(layout, gpa[i], 1);
        if (i > 0 && index >= 0 && index == before)
            same_range++;
        if (i > 0 && gpa[i] / BENCH_PAGE == gpa[i - 1] / BENCH_PAGE)
            same_page++;
        if (index >= 0)
            hits[index]++;
        before = index;
    }
    for (size_t i = 0; i < layout->ram_count; i++) {
        out->ranges_hit += hits[i] > 0;
        if (hits[i] > most) {
            most = hits[i];
            out->hottest_index = i;
        }
    }
    free(hits);
    double steps = count > 1 ? (double)(count - 1) : 1.0;
    out->same_range = (double)same_range / steps;
    out->same_page = (double)same_page / steps;
    out->hottest = count > 0 ? (double)most / (double)count : 0.0;
    return 0;
}
