/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The table for people. Each row says what it was compared with and whether its target is met, or why it is
 * not there; what could not be measured is counted as such and never as met. */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "counts_report.h"

static const struct {
    const char *id, *question;
} questions[] = {
    {"T1", "one translation, uniform addresses"},
    {"T2", "one translation, 94 % of addresses in one region"},
    {"T3", "translation in batches of 256"},
    {"T4", "translation in a linear space, in batches of 256"},
    {"T5", "pin and unpin"},
    {"T6", "pin, translate and unpin for each address"},
    {"T7", "a buffer of a virtqueue's chain, from its descriptor to an iovec"},
    {"T8", "a reader's speed while a writer publishes without pause, of its speed alone"},
    {"T8-rate", "commits a second that the writers of T8 reached"},
    {"TN", "translation by several readers at once, the slowest one"},
    {"PG", "translation and 8 bytes read there, by page size"},
    {"TR", "the accesses of a trace"},
    {"S1", "publishing an edit, the writer's own time"},
    {"S3", "bytes that translation reads"},
    {"A1", "allocating a range in an arena that fills up"},
    {"A2", "allocating and freeing a range, where the place is hard to find"},
    {"A3", "the same, where alignment or a window hides it"},
    {"A4", "finding the only gap: requests that were refused or misplaced"},
    {"A5", "freeing any natural block and allocating another"},
    {"A6", "ranges looked at by a search for a place, the most"},
    {"A7", "allocating an id"},
    {"A8", "memory for each range"},
    {"D1", "marking a page that is already dirty"},
    {"D2", "marking a clean page"},
    {"D3", "marking 256 pages at once"},
    {"D4", "taking the dirty pages of a guest that has none"},
    {"D5", "taking the dirty pages of a guest of 256 GiB"},
    {"D6", "merging a log that begins inside a word; the floor: one that does not"},
    {"M1", "eight bytes of guest memory"},
    {"M2", "atomic operations on guest memory"},
    {"M3", "copies"},
};

static const char *question_of(const char *id)
{
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        if (strcmp(questions[i].id, id) == 0)
            return questions[i].question;
    return "";
}

/* Numbers in as few digits as say something: 1.37, 63.2, 4812. */
static void number(char *out, size_t size, int there, double value)
{
    if (!there)
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%.*f", value < 10 ? 2 : value < 100 ? 1 : 0, value);
}

static void best_rival(const struct bench_row *row, char *out, size_t size)
{
    const struct bench_rival *best = NULL;

    for (size_t i = 0; i < row->rival_count; i++)
        if (best == NULL || row->rivals[i].ns < best->ns)
            best = &row->rivals[i];
    if (best == NULL)
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%.2f %s", best->ns, best->name);
}

static void print_row(const struct bench_row *row)
{
    char ours[24], floor[24], ratio[24], target[24], bound[28], rival[80];
    int met = bench_row_met(row);

    if (row->skipped[0] != '\0') {
        printf("  %-58s skipped: %s\n", row->name, row->skipped);
        return;
    }
    number(ours, sizeof(ours), row->has_ours, row->ours);
    number(floor, sizeof(floor), row->has_floor, row->floor);
    number(ratio, sizeof(ratio), row->has_ours && row->has_floor && row->value == BENCH_MEDIAN,
           row->has_floor && row->floor > 0 ? row->ours / row->floor : 0);
    number(target, sizeof(target), row->target >= 0, row->target);
    snprintf(bound, sizeof(bound), "%s%s",
             row->target < 0               ? ""
             : row->rule == BENCH_AT_LEAST ? ">="
                                           : "<=",
             target);
    best_rival(row, rival, sizeof(rival));
    printf("  %-58s %9s %8s %6s  %10s %-4s %s\n", row->name, ours, floor, ratio, bound,
           met < 0 ? ""
           : met   ? "yes"
                   : "NO",
           rival);
    if (row->no_ours != NULL)
        printf("  %-58s ours: %s\n", "", row->no_ours);
    bench_counts_print(row);
}

static void print_group(const struct bench_session *session, size_t first)
{
    const char *id = session->rows[first].id;

    printf("\n%s  %s [%s]\n", id, question_of(id), session->rows[first].unit);
    printf("  %-58s %9s %8s %6s  %10s %-4s %s\n", "", "ours", "floor", "ratio", "target", "met",
           "best competitor");
    for (size_t i = first; i < session->row_count; i++)
        if (strcmp(session->rows[i].id, id) == 0)
            print_row(&session->rows[i]);
}

static int group_begins(const struct bench_session *session, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(session->rows[i].id, session->rows[at].id) == 0)
            return 0;
    return 1;
}

static void print_summary(const struct bench_session *session)
{
    size_t met = 0, missed = 0, without = 0, skipped = 0, no_ours = 0;

    for (size_t i = 0; i < session->row_count; i++) {
        int verdict = bench_row_met(&session->rows[i]);
        if (session->rows[i].skipped[0] != '\0')
            skipped++;
        else if (session->rows[i].no_ours != NULL)
            no_ours++;
        else if (verdict < 0)
            without++;
        else if (verdict)
            met++;
        else
            missed++;
    }
    printf("\n%zu of %zu targets met, %zu missed; %zu rows without a target, %zu without ours, %zu skipped\n", met,
           met + missed, missed, without, no_ours, skipped);
}

/* By name, so that nobody has to look for them among all rows. */
static void print_missed(const struct bench_session *session)
{
    for (size_t i = 0; i < session->row_count; i++) {
        const struct bench_row *row = &session->rows[i];
        if (row->skipped[0] == '\0' && row->no_ours == NULL && bench_row_met(row) == 0)
            printf("  missed: %s/%s\n", row->id, row->name);
    }
}

/* Which real peers took part, or why not. */
#define MAX_PUBLISHED 32

/* Adds a peer to the list, without the way in which it was called, which stands behind a plus. */
static size_t add_published(char (*list)[48], size_t count, const char *name)
{
    char base[48];

    snprintf(base, sizeof(base), "%.*s", (int)strcspn(name, "+"), name);
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], base) == 0)
            return count;
    if (count < MAX_PUBLISHED)
        memcpy(list[count++], base, sizeof(base));
    return count;
}

/* The published libraries that any row was measured beside. */
static void print_peers(const struct bench_session *session)
{
    char list[MAX_PUBLISHED][48];
    size_t count = 0;

    for (size_t i = 0; i < session->row_count; i++)
        for (size_t j = 0; j < session->rows[i].rival_count; j++)
            if (session->rows[i].rivals[j].peer)
                count = add_published(list, count, session->rows[i].rivals[j].name);
    for (size_t i = 0; i < count; i++)
        printf("%s %s", i == 0 ? "peers:" : ",", list[i]);
    if (count != 0)
        printf("\n");
    if (bench_peers_skipped() != NULL)
        printf("peers: skipped (%s)\n", bench_peers_skipped());
}

static void print_environment(const struct bench_env *env)
{
    printf("%s, %d CPUs%s, %s, transparent huge pages %s, governor %s\n", env->cpu, env->cpus,
           strcmp(env->virtualised, "yes") == 0 ? " (virtual)" : "", env->kernel, env->thp, env->governor);
    printf("revision %s, %s, kernels %s, load %.2f, spin variation %.1f %%\n", env->revision, env->compiler,
           env->isa, env->load1, env->spin_cv * 100);
    if (!env->quiet)
        printf("WARNING: the machine is not quiet (%s): do not quote these numbers\n", env->noise);
}

void bench_report_print(const struct bench_session *session)
{
    for (size_t i = 0; i < session->row_count; i++)
        if (group_begins(session, i))
            print_group(session, i);
    printf("\nours, floor: medians; competitors with a version are peers, others re-implementations built in here\n");
    print_peers(session);
    print_summary(session);
    print_missed(session);
    bench_counts_print_summary(session->rows, session->row_count);
    print_environment(&session->env);
}
