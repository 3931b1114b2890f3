/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Some costs depend on whether the library is linked in or shared, and one process cannot be both. The
 * program that is linked against the shared library lies beside this one; it is run with the same settings
 * and its rows are read from its standard output, one a line, fields separated by tabs: id name status ours
 * ours_min floor floor_min target skipped counts { rival kind ns min } status is "ok", "skipped" or "wrong"; kind is
 * "peer" or "competitor"; what does not exist is "-".
 */
#include "counts_report.h"
#include "session.h"

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TWIN "guestmem-bench-shared"
#define FIELDS 10

extern char **environ;

static void put(FILE *out, int there, double value)
{
    if (there)
        fprintf(out, "\t%.9g", value);
    else
        fprintf(out, "\t-");
}

int bench_twin_write(const struct bench_session *session, const char *path)
{
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    int failed;

    if (out == NULL)
        return -errno;
    for (size_t i = 0; i < session->row_count; i++) {
        const struct bench_row *row = &session->rows[i];
        fprintf(out, "%s\t%s\t%s", row->id, row->name, row->skipped[0] != '\0' ? "skipped" : "ok");
        put(out, row->has_ours, row->ours);
        put(out, row->has_ours && row->ours_min >= 0, row->ours_min);
        put(out, row->has_floor, row->floor);
        put(out, row->has_floor, row->floor_min);
        put(out, row->target >= 0, row->target);
        fprintf(out, "\t%s", row->skipped[0] != '\0' ? row->skipped : "-");
        bench_counts_write(out, row);
        for (size_t j = 0; j < row->rival_count; j++)
            fprintf(out, "\t%s\t%s\t%.9g\t%.9g", row->rivals[j].name, row->rivals[j].peer ? "peer" : "competitor",
                    row->rivals[j].ns, row->rivals[j].min);
        fputc('\n', out);
    }
    failed = fflush(out) != 0 || ferror(out);
    if (out != stdout)
        failed |= fclose(out) != 0;
    return failed ? -EIO : 0;
}

static double value_of(const char *field, double otherwise)
{
    return strcmp(field, "-") == 0 ? otherwise : strtod(field, NULL);
}

static void take_row(struct bench_row *row, char *const *field, size_t count)
{
    row->done = 1;
    row->has_ours = strcmp(field[3], "-") != 0;
    row->ours = value_of(field[3], 0);
    row->ours_min = value_of(field[4], -1);
    row->has_floor = strcmp(field[5], "-") != 0;
    row->floor = value_of(field[5], 0);
    row->floor_min = value_of(field[6], -1);
    row->target = value_of(field[7], -1);
    if (strcmp(field[2], "ok") != 0)
        (void)bench_row_skip(row, "%s", field[8]);
    bench_counts_take(row, field[9]);
    for (size_t i = FIELDS; i + 3 < count && row->rival_count < BENCH_MAX_MEMBERS; i += 4) {
        struct bench_rival *rival = &row->rivals[row->rival_count++];
        snprintf(rival->name, sizeof(rival->name), "%s", field[i]);
        rival->peer = strcmp(field[i + 1], "peer") == 0;
        rival->ns = value_of(field[i + 2], 0);
        rival->min = value_of(field[i + 3], 0);
    }
}

static void take_line(struct bench_session *session, char *line)
{
    char *field[FIELDS + 4 * BENCH_MAX_MEMBERS];
    size_t count = 0;

    line[strcspn(line, "\n")] = '\0';
    while (line != NULL && count < sizeof(field) / sizeof(field[0]))
        field[count++] = strsep(&line, "\t");
    for (size_t i = 0; count >= FIELDS && i < session->row_count; i++) {
        struct bench_row *row = &session->rows[i];
        if (row->remote && !row->done && strcmp(row->id, field[0]) == 0 && strcmp(row->name, field[1]) == 0)
            take_row(row, field, count);
    }
}

static int twin_path(char *out, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", out, size - 1);
    char *name;

    if (length <= 0)
        return -ENOENT;
    out[length] = '\0';
    name = strrchr(out, '/') + 1;
    if (snprintf(name, size - (size_t)(name - out), "%s", TWIN) >= (int)(size - (size_t)(name - out)))
        return -ENAMETOOLONG;
    return access(out, X_OK) == 0 ? 0 : -errno;
}

/* Runs the twin with its standard output in a pipe, and reads rows until it ends. Returns its exit status. */
static int run(struct bench_session *session, const char *const argv[])
{
    posix_spawn_file_actions_t actions;
    char *line = NULL;
    size_t room = 0;
    int pipes[2], status = -1, error;
    pid_t pid;
    FILE *rows;

    if (pipe(pipes) != 0)
        return -errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, pipes[0]);
    posix_spawn_file_actions_addclose(&actions, pipes[1]);
    error = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[1]);
    rows = fdopen(pipes[0], "r");
    while (error == 0 && rows != NULL && getline(&line, &room, rows) > 0)
        take_line(session, line);
    free(line);
    if (rows != NULL)
        fclose(rows);
    if (error != 0 || waitpid(pid, &status, 0) != pid)
        return -error;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

int bench_twin_run(struct bench_session *session)
{
    const struct bench_options *options = &session->options;
    char path[4096], effort[24], seed[32], addresses[32];
    const char *argv[14] = {path, effort, "--rows", "-", "--seed", seed, "--addresses", addresses, NULL};
    size_t argc = 8;
    size_t remote = 0;
    int status;

    for (size_t i = 0; i < session->row_count; i++)
        remote += session->rows[i].remote != 0;
    if (remote == 0)
        return 0;
    snprintf(effort, sizeof(effort), "--%s", options->effort);
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)options->seed);
    snprintf(addresses, sizeof(addresses), "%zu", options->addresses);
    if (options->filter != NULL) {
        argv[argc++] = "--filter";
        argv[argc++] = options->filter;
    }
    if (options->no_counters)
        argv[argc] = "--no-counters";
    (void)bench_cpu_release();
    status = twin_path(path, sizeof(path));
    if (status == 0)
        status = run(session, argv);
    for (size_t i = 0; i < session->row_count; i++)
        if (session->rows[i].remote && !session->rows[i].done)
            (void)bench_row_skip(&session->rows[i], TWIN " beside this program: %s",
                                 status < 0 ? strerror(-status) : "gave no such row");
    return status == BENCH_EXIT_WRONG ? BENCH_EXIT_WRONG : 0;
}
