/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * How many bytes does translation read from (S3)? Counted by the library, not timed. The general target grows
 * with the guest's memory and its regions; the real 64 GiB q35 guest has a stricter one of its own.
 */
#include "cases.h"

#include <string.h>

#define BLOCK (UINT64_C(2) << 20)
#define FEW_REGIONS 64
#define Q35_64G_BYTES (48.0 * 1024)

/* 8 bytes for 2 MiB of RAM; 8 KiB for each of the first 64 regions, 1 KiB for each further one. */
static double general_limit(const struct bench_layout *layout)
{
    uint64_t few = layout->count < FEW_REGIONS ? layout->count : FEW_REGIONS;

    return (double)(layout->ram_bytes / BLOCK * 8 + few * 8192 + (layout->count - few) * 1024);
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    struct gm_space_stats stats;
    int result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);

    (void)members;
    if (result != 0 || row->wrong)
        return result;
    result = gm_space_stats_get(fixture->space.space, &stats);
    if (result != 0)
        return bench_row_skip(row, "gm_space_stats_get: %s", strerror(-result));
    row->has_ours = 1;
    row->ours = (double)stats.map_bytes;
    row->ours_min = -1;
    row->rule = BENCH_AT_MOST;
    row->limit =
        strcmp(fixture->layout->name, "q35-64g") == 0 ? Q35_64G_BYTES : general_limit(fixture->layout);
    return 0;
}

void bench_case_metadata(struct bench_session *session)
{
    for (size_t i = 0; i < session->input_count; i++) {
        struct bench_row *row =
            bench_row_add(session, "S3", "bytes", "map-bytes/%s", session->inputs[i].label);
        if (row == NULL)
            continue;
        row->prepare = prepare;
        row->input = &session->inputs[i];
        row->value = BENCH_COUNTED;
        row->planned = 0;
    }
}
