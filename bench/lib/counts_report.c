/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Counts are written per operation and to three digits, as the times are. The kernel's counts are in the JSON alone:
 * in a table they would be columns of zeros, and what they are good for is said in words, "disturbed".
 *
 * The field of the twin program is the numbers of both members in a fixed order, separated by spaces: for each,
 * samples, disturbed, and count and share of every event.
 */
#include "counts_report.h"

#include <stdlib.h>

#include "counters.h"

/* Below that the median is of repetitions that nothing disturbed. */
#define DISTURBED_SHARE 0.25

static const struct {
    enum bench_event event;
    const char *name;
} shown[] = {
    {BENCH_CYCLES, "cycles"},
    {BENCH_INSTRUCTIONS, "instructions"},
    {BENCH_BRANCH_MISSES, "branch misses"},
    {BENCH_L1D_LOAD_MISSES, "L1D load misses"},
    {BENCH_DTLB_LOAD_MISSES, "dTLB load misses"},
};
#define SHOWN (sizeof(shown) / sizeof(shown[0]))

static int is_disturbed(const struct bench_counted *counted)
{
    return counted->samples > 0 && counted->disturbed >= DISTURBED_SHARE * counted->samples;
}

static int row_is_disturbed(const struct bench_row *row)
{
    return row->skipped[0] == '\0' && (is_disturbed(&row->counted_ours) || is_disturbed(&row->counted_floor));
}

/* "~" marks what was counted for a part of the time only. */
static void print_one(const struct bench_counted *counted, enum bench_event event)
{
    if (counted->per_op[event] < 0 || counted->samples == 0)
        printf("-");
    else
        printf("%s%.3g", counted->share[event] < BENCH_WHOLE_SHARE ? "~" : "", counted->per_op[event]);
}

static void print_hardware(const struct bench_counted *ours, const struct bench_counted *floor)
{
    const char *separator = "      an operation:";

    for (size_t i = 0; i < SHOWN; i++) {
        enum bench_event event = shown[i].event;
        if (ours->samples == 0 || ours->per_op[event] < 0)
            continue;
        printf("%s ", separator);
        print_one(ours, event);
        if (floor->samples > 0) {
            printf(" (floor ");
            print_one(floor, event);
            printf(")");
        }
        printf(" %s", shown[i].name);
        separator = ",";
    }
    if (separator[0] == ',')
        printf("\n");
}

void bench_counts_print(const struct bench_row *row)
{
    const struct bench_counted *ours = &row->counted_ours, *floor = &row->counted_floor;

    if (row->skipped[0] != '\0')
        return;
    print_hardware(ours, floor);
    if (!row_is_disturbed(row))
        return;
    printf("      disturbed repetitions:");
    if (ours->samples > 0)
        printf(" ours %u of %u%s", ours->disturbed, ours->samples, floor->samples > 0 ? "," : "");
    if (floor->samples > 0)
        printf(" floor %u of %u", floor->disturbed, floor->samples);
    printf("\n");
}

void bench_counts_print_summary(const struct bench_row *rows, size_t count)
{
    size_t disturbed = 0, counted = 0;

    for (size_t i = 0; i < count; i++) {
        counted += rows[i].counted_ours.samples > 0 || rows[i].counted_floor.samples > 0;
        disturbed += (size_t)row_is_disturbed(&rows[i]);
    }
    if (disturbed > 0)
        printf("%zu of %zu rows were disturbed: something else ran on their CPU in a quarter of the repetitions\n",
               disturbed, counted);
    if (bench_counters_skipped() != NULL)
        printf("counters not available: %s\n", bench_counters_skipped());
}

static void json_member(FILE *out, const char *before, const char *name, const struct bench_counted *counted)
{
    const char *separator = "";

    fprintf(out, "%s\"%s\": {\"repetitions\": %u, \"disturbed\": %u", before, name, counted->samples,
            counted->disturbed);
    for (int event = 0; event < BENCH_EVENTS; event++)
        if (counted->per_op[event] >= 0)
            fprintf(out, ", \"%s\": %.6g", bench_event_name((enum bench_event)event), counted->per_op[event]);
    for (int event = 0; event < BENCH_EVENTS; event++) {
        if (counted->per_op[event] < 0 || counted->share[event] >= BENCH_WHOLE_SHARE)
            continue;
        fprintf(out, "%s\"%s\": %.3f", separator[0] == '\0' ? ", \"multiplexed\": {" : separator,
                bench_event_name((enum bench_event)event), counted->share[event]);
        separator = ", ";
    }
    fprintf(out, separator[0] == '\0' ? "}" : "}}");
}

void bench_counts_json(FILE *out, const struct bench_row *row)
{
    const struct bench_counted *ours = &row->counted_ours, *floor = &row->counted_floor;

    if (row->skipped[0] != '\0' || (ours->samples == 0 && floor->samples == 0))
        return;
    fprintf(out, ",\n     \"counters\": {");
    if (ours->samples > 0)
        json_member(out, "", "ours", ours);
    if (floor->samples > 0)
        json_member(out, ours->samples > 0 ? ",\n       " : "", "floor", floor);
    fprintf(out, "}");
}

static void write_member(FILE *out, const struct bench_counted *counted)
{
    fprintf(out, "%u %u ", counted->samples, counted->disturbed);
    for (int event = 0; event < BENCH_EVENTS; event++)
        fprintf(out, "%.9g %.4f ", counted->per_op[event], counted->share[event]);
}

static const char *take_member(struct bench_counted *counted, const char *field)
{
    char *end;

    counted->samples = (unsigned)strtoul(field, &end, 10);
    counted->disturbed = (unsigned)strtoul(end, &end, 10);
    for (int event = 0; event < BENCH_EVENTS; event++) {
        counted->per_op[event] = strtod(end, &end);
        counted->share[event] = strtod(end, &end);
    }
    return end;
}

void bench_counts_write(FILE *out, const struct bench_row *row)
{
    fputc('\t', out);
    write_member(out, &row->counted_ours);
    write_member(out, &row->counted_floor);
}

void bench_counts_take(struct bench_row *row, const char *field)
{
    (void)take_member(&row->counted_floor, take_member(&row->counted_ours, field));
}
