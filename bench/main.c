/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * guestmem-bench: measures, and reports against the targets. It judges nothing: the exit status says whether
 * the measuring went well, not whether the numbers are good.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestmem/guestmem.h>

#include "lib/report.h"
#include "lib/text.h"
#include "lib/usage.h"

static int complain(const char *what, const char *name, int error)
{
    fprintf(stderr, "guestmem-bench: %s %s: %s\n", what, name, strerror(-error));
    return EXIT_FAILURE;
}

static int list(const struct bench_session *session)
{
    for (size_t i = 0; i < session->row_count; i++)
        printf("%s/%s\n", session->rows[i].id, session->rows[i].name);
    return 0;
}

static int report(const struct bench_session *session)
{
    const struct bench_options *options = &session->options;
    char where[4096];
    int result;

    if (options->rows != NULL) {
        result = bench_twin_write(session, options->rows);
        return result != 0 ? complain("cannot write", options->rows, result) : 0;
    }
    if (options->json == NULL || strcmp(options->json, "-") != 0)
        bench_report_print(session);
    result = options->json != NULL ? bench_report_json(session, options->json) : 0;
    if (result != 0)
        return complain("cannot write", options->json, result);
    if (options->record == NULL)
        return 0;
    bench_report_where(session, options->record, where, sizeof(where));
    result = bench_report_record(session, options->record);
    if (result != 0)
        return complain("cannot record in", where, result);
    printf("recorded in %s\n", where);
    return 0;
}

/* Minutes of measuring are not spent on a report that has no place to go. */
static int may_write(const char *path)
{
    FILE *out = path == NULL || strcmp(path, "-") == 0 ? stdout : fopen(path, "ae");

    if (out == NULL) {
        (void)complain("cannot write", path, -errno);
        return 0;
    }
    if (out != stdout)
        fclose(out);
    return 1;
}

static int measure(struct bench_session *session)
{
    int status = gm_reader_register();

    if (status != 0)
        return complain("cannot register", "as a reader", status);
    status = bench_measure_open(session->options.raw);
    if (status != 0)
        return complain("cannot write", session->options.raw, status);
    bench_env_to_raw(&session->env);
    bench_counters_setup(!session->options.no_counters);
    status = bench_session_run(session);
    bench_measure_close();
    return status != 0 ? status : report(session);
}

static int may_record(const struct bench_session *session)
{
    char where[4096];

    bench_report_where(session, session->options.record, where, sizeof(where));
    if (!session->env.quiet)
        fprintf(stderr, "guestmem-bench: not recording: %s\n", session->env.noise);
    else if (access(where, F_OK) == 0)
        fprintf(stderr, "guestmem-bench: not recording: %s is there already\n", where);
    else
        return 1;
    return 0;
}

static int run(struct bench_session *session)
{
    if (session->options.list)
        return list(session);
    if (session->row_count == 0) {
        fprintf(stderr, "guestmem-bench: no row matches '%s' (see --list)\n", session->options.filter);
        return session->options.rows != NULL ? 0 : BENCH_EXIT_USAGE;
    }
    bench_env_read(&session->env);
    if (session->options.record != NULL && !may_record(session))
        return BENCH_EXIT_USAGE;
    if (!may_write(session->options.json) || !may_write(session->options.raw) ||
        !may_write(session->options.rows))
        return BENCH_EXIT_USAGE;
    if (!session->env.quiet && session->options.rows == NULL)
        fprintf(stderr, "WARNING: the machine is not quiet: %s\n", session->env.noise);
    return measure(session);
}

int main(int argc, char **argv)
{
    static struct bench_session session;
    struct bench_options options;
    char error[BENCH_ERROR_MAX];
    int status;

    if (bench_options_parse(&options, argc, argv, bench_cpu_count(), error, sizeof(error)) != 0) {
        fprintf(stderr, "guestmem-bench: %s\n", error);
        return BENCH_EXIT_USAGE;
    }
    if (options.help)
        return fputs(bench_help, stdout) < 0 || fflush(stdout) != 0;
    status = bench_session_open(&session, &options);
    if (status == 0)
        status = run(&session);
    bench_session_close(&session);
    if (fflush(stdout) != 0 && status == 0)
        return complain("cannot write", "standard output", -errno);
    return status;
}
