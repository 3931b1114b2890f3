/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Collects inputs and rows, and measures the rows input by input, so that a fixture is built once and is
 * alone in memory. The report is in the order of the cases whatever the order of measuring.
 */
#include "session.h"

#include <guestmem/view.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inputset.h"
#include "progress.h"

struct bench_row *bench_row_add(struct bench_session *session, const char *id, const char *unit,
                                const char *format, ...)
{
    char full[sizeof(((struct bench_row *)0)->name) + 16];
    struct bench_row row = {.unit = unit, .planned = 2, .target = -1};
    va_list args;

    va_start(args, format);
    vsnprintf(row.name, sizeof(row.name), format, args);
    va_end(args);
    snprintf(row.id, sizeof(row.id), "%s", id);
    snprintf(full, sizeof(full), "%s/%s", row.id, row.name);
    if (session->has_filter && regexec(&session->filter, full, 0, NULL, 0) != 0)
        return NULL;
    if (session->row_count == session->row_room) {
        size_t room = session->row_room == 0 ? 64 : session->row_room * 2;
        struct bench_row *rows = realloc(session->rows, room * sizeof(*rows));
        if (rows == NULL) {
            session->error = 1;
            return NULL;
        }
        session->rows = rows;
        session->row_room = room;
    }
    session->rows[session->row_count] = row;
    return &session->rows[session->row_count++];
}

static int filter_compile(struct bench_session *session)
{
    char text[128];
    int error;

    if (session->options.filter == NULL)
        return 0;
    error = regcomp(&session->filter, session->options.filter, REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
        regerror(error, &session->filter, text, sizeof(text));
        fprintf(stderr, "guestmem-bench: --filter '%s': %s\n", session->options.filter, text);
        return BENCH_EXIT_USAGE;
    }
    session->has_filter = 1;
    return 0;
}

int bench_session_open(struct bench_session *session, const struct bench_options *options)
{
    int status;

    memset(session, 0, sizeof(*session));
    session->options = *options;
    session->effort = options->seconds > 0 ? bench_effort_of_seconds(options->seconds)
                                           : bench_effort_find(options->effort);
    status = filter_compile(session);
    if (status == 0)
        status = bench_inputs_open(session);
    if (status != 0)
        return status;
    for (size_t i = 0; bench_cases[i] != NULL; i++)
        bench_cases[i](session);
    if (session->error) {
        fprintf(stderr, "guestmem-bench: no memory\n");
        return EXIT_FAILURE;
    }
    return 0;
}

void bench_session_close(struct bench_session *session)
{
    bench_fixture_free(session->fixture);
    bench_inputs_close(session);
    free(session->rows);
    if (session->has_filter)
        regfree(&session->filter);
}

/* Repetitions that a row is expected to have: what time is shared out by. */
static double work_of(const struct bench_session *session, const struct bench_row *row)
{
    unsigned rivals = row->planned > 2 ? row->planned - 2 : 0;

    if (row->remote)
        return 0;
    return (row->planned > 2 ? 2 : row->planned) * session->effort->repetitions +
           (double)(rivals * session->effort->rival_repetitions);
}

static int any_wrong(struct bench_row *row, const struct bench_members *members)
{
    for (size_t i = 0; i < members->count && !row->wrong; i++) {
        if (!members->list[i].wrong)
            continue;
        row->wrong = 1;
        snprintf(row->wrong_member, sizeof(row->wrong_member), "%s", members->list[i].name);
    }
    return row->wrong;
}

static void take_outcome(struct bench_row *row, const struct bench_members *members)
{
    (void)any_wrong(row, members);
    for (size_t i = 0; i < members->count; i++)
        if (members->list[i].failed != 0)
            (void)bench_row_skip(row, "%s: %s", members->list[i].name, strerror(-members->list[i].failed));
    if (row->skipped[0] == '\0')
        bench_row_evaluate(row, members);
}

/* Leaves one member, when that is all that was asked for. */
static int choose(struct bench_row *row, struct bench_members *members, const char *only)
{
    size_t kept = 0;

    for (size_t i = 0; i < members->count; i++)
        if (only == NULL || strcmp(members->list[i].name, only) == 0)
            members->list[kept++] = members->list[i];
    if (kept == 0 && members->count > 0)
        (void)bench_row_skip(row, "has no member '%.48s'", only);
    members->count = kept;
    return row->skipped[0] == '\0';
}

static void measure(struct bench_session *session, struct bench_row *row, double seconds)
{
    struct bench_members *members = calloc(1, sizeof(*members));
    char label[sizeof(row->name) + sizeof(row->id) + 1];

    snprintf(label, sizeof(label), "%s/%s", row->id, row->name);
    if (members == NULL) {
        (void)bench_row_skip(row, "no memory");
    } else if (row->prepare(row, session, members) == 0 && !row->wrong &&
               choose(row, members, session->options.only_member)) {
        bench_plan(session->effort, members, seconds);
        if (members->count > 0 && !any_wrong(row, members))
            bench_measure(label, members->list, members->count);
        take_outcome(row, members);
    }
    if (row->release != NULL)
        row->release(row);
    row->done = 1;
    free(members);
}

static int report_wrong(const struct bench_row *row)
{
    fprintf(stderr, "\nguestmem-bench: wrong answer in %s/%s: %s does not agree with the oracle\n", row->id,
            row->name, row->wrong_member);
    return BENCH_EXIT_WRONG;
}

/* How many inputs have to be built. */
static size_t inputs_used(const struct bench_session *session)
{
    size_t used = 0;

    for (size_t input = 0; input < session->input_count + session->extra_count; input++) {
        size_t i = 0;
        while (i < session->row_count && session->rows[i].input != &session->inputs[input])
            i++;
        used += i < session->row_count;
    }
    return used;
}

int bench_session_run(struct bench_session *session)
{
    struct bench_progress progress;
    double left_work = 0, left_s = session->effort->budget_s;
    size_t inputs = session->input_count + session->extra_count;

    for (size_t i = 0; i < session->row_count; i++)
        left_work += work_of(session, &session->rows[i]);
    bench_progress_begin(&progress, session->row_count, left_work, inputs_used(session), left_s,
                         session->options.rows != NULL);
    for (size_t input = 0; input <= inputs; input++) {
        const struct bench_input *wanted = input == inputs ? NULL : &session->inputs[input];
        for (size_t i = 0; i < session->row_count; i++) {
            struct bench_row *row = &session->rows[i];
            double work = work_of(session, row);
            if (row->input != wanted || row->remote)
                continue;
            bench_progress_row(&progress, row->id, row->name, work);
            uint64_t begin = bench_now_ns();
            measure(session, row, left_work > 0 ? left_s * work / left_work : 0);
            left_s -= (double)(bench_now_ns() - begin) * 1e-9;
            left_work -= work;
            if (row->wrong) {
                bench_progress_end(&progress);
                return report_wrong(row);
            }
        }
    }
    int status = bench_twin_run(session);
    bench_progress_end(&progress);
    return status;
}
