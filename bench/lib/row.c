/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * From the samples of a row's members to its value and target. The median stands for a member, because a
 * single quiet repetition is luck and a single disturbed one is bad luck; the minimum is kept beside it.
 */
#include "row.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_member *bench_member_add(struct bench_members *members, const char *name, bench_body *body,
                                      void *fixture, uint64_t granule)
{
    struct bench_member *member;

    if (members->count == BENCH_MAX_MEMBERS)
        return NULL;
    member = &members->list[members->count++];
    memset(member, 0, sizeof(*member));
    snprintf(member->name, sizeof(member->name), "%s", name);
    member->body = body;
    member->fixture = fixture;
    member->granule = granule;
    member->threads = 1;
    return member;
}

int bench_row_skip(struct bench_row *row, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(row->skipped, sizeof(row->skipped), format, args);
    va_end(args);
    return 1;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(const double *samples, unsigned count)
{
    double sorted[BENCH_MAX_REPETITIONS];

    if (count == 0)
        return -1;
    memcpy(sorted, samples, count * sizeof(*samples));
    qsort(sorted, count, sizeof(*sorted), by_value);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static double minimum(const struct bench_member *member)
{
    double least = member->ns_per_op[0];

    for (unsigned i = 1; i < member->samples; i++)
        least = member->ns_per_op[i] < least ? member->ns_per_op[i] : least;
    return least;
}

static const struct bench_member *find(const struct bench_members *members, const char *name)
{
    for (size_t i = 0; i < members->count; i++)
        if (strcmp(members->list[i].name, name) == 0 && members->list[i].samples > 0)
            return &members->list[i];
    return NULL;
}

static void take_rivals(struct bench_row *row, const struct bench_members *members)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct bench_member *member = &members->list[i];
        if (member->samples == 0 || strcmp(member->name, BENCH_OURS) == 0 ||
            strcmp(member->name, BENCH_FLOOR) == 0 || strcmp(member->name, BENCH_LATENCY) == 0)
            continue;
        struct bench_rival *rival = &row->rivals[row->rival_count++];
        snprintf(rival->name, sizeof(rival->name), "%s", member->name);
        rival->peer = member->peer;
        rival->ns = bench_median(member->ns_per_op, member->samples);
        rival->min = minimum(member);
    }
}

static void take_value(struct bench_row *row, const struct bench_member *ours)
{
    double median = bench_median(ours->ns_per_op, ours->samples);

    row->has_ours = 1;
    row->ours = median;
    row->ours_min = minimum(ours);
    if (row->value == BENCH_MINUS_FLOOR && row->has_floor) {
        row->ours = median - row->floor;
        row->ours_min = -1;
    } else if (row->value == BENCH_SPEED_OF_FLOOR && row->has_floor) {
        row->ours = row->floor / median;
        row->ours_min = -1;
    }
}

static const struct bench_rival *rival_beside(const struct bench_row *row)
{
    for (size_t i = 0; i < row->rival_count; i++)
        if (strncmp(row->rivals[i].name, row->beside, strlen(row->beside)) == 0)
            return &row->rivals[i];
    return NULL;
}

static double target_of(const struct bench_row *row, const struct bench_member *latency)
{
    const struct bench_rival *rival;

    switch (row->rule) {
    case BENCH_AT_MOST:
    case BENCH_AT_LEAST:
        return row->limit;
    case BENCH_TIMES_FLOOR:
        return row->has_floor ? row->limit * row->floor : -1;
    case BENCH_TIMES_RIVAL:
        rival = rival_beside(row);
        return rival != NULL ? row->limit * rival->ns : -1;
    case BENCH_TWO_LOADS:
        return latency != NULL ? 2 * bench_median(latency->ns_per_op, latency->samples) + row->limit : -1;
    case BENCH_NO_TARGET:
        break;
    }
    return -1;
}

void bench_row_evaluate(struct bench_row *row, const struct bench_members *members)
{
    const struct bench_member *ours = find(members, BENCH_OURS), *floor = find(members, BENCH_FLOOR);
    const struct bench_member *latency = find(members, BENCH_LATENCY);

    if (ours != NULL)
        bench_counts_evaluate(&ours->counts, ours->counted, ours->disturbed, &row->counted_ours);
    if (floor != NULL) {
        bench_counts_evaluate(&floor->counts, floor->counted, floor->disturbed, &row->counted_floor);
        row->has_floor = 1;
        row->floor = bench_median(floor->ns_per_op, floor->samples);
        row->floor_min = minimum(floor);
    }
    if (ours != NULL)
        take_value(row, ours);
    take_rivals(row, members);
    row->target = target_of(row, latency);
}

int bench_row_met(const struct bench_row *row)
{
    if (!row->has_ours || row->target < 0)
        return -1;
    return row->rule == BENCH_AT_LEAST ? row->ours >= row->target : row->ours <= row->target;
}
