/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The report as JSON. "peers" is for real peers loaded into the process and stays empty without them, and then
 * "peers_skipped" says why; what is built in here is under "competitors" and says in its name that it is a
 * re-implementation.
 */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "counters.h"
#include "counts_report.h"

static void text(FILE *out, const char *string)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)string; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void pair(FILE *out, const char *before, const char *key, const char *value)
{
    fprintf(out, "%s\"%s\": ", before, key);
    text(out, value);
}

/* JSON has no word for "not measured" among numbers: null. */
static void number(FILE *out, const char *key, int there, double value)
{
    if (there)
        fprintf(out, ", \"%s\": %.6g", key, value);
    else
        fprintf(out, ", \"%s\": null", key);
}

static void machine(FILE *out, const struct bench_env *env)
{
    fprintf(out, "  \"machine\": {\"quiet\": %s", env->quiet ? "true" : "false");
    if (!env->quiet)
        pair(out, ", ", "noise", env->noise);
    pair(out, ",\n    ", "cpu", env->cpu);
    fprintf(out, ", \"cpus\": %d", env->cpus);
    pair(out, ", ", "virtualised", env->virtualised);
    fprintf(out, ", \"l1d_bytes\": %ld, \"l2_bytes\": %ld, \"l3_bytes\": %ld", env->l1d_bytes, env->l2_bytes,
            env->l3_bytes);
    pair(out, ",\n    ", "kernel", env->kernel);
    pair(out, ", ", "thp", env->thp);
    pair(out, ", ", "governor", env->governor);
    pair(out, ",\n    ", "compiler", env->compiler);
    number(out, "load1", env->load1 >= 0, env->load1);
    number(out, "spin_cv", 1, env->spin_cv);
    fprintf(out, "},\n");
}

static void rivals(FILE *out, const struct bench_row *row, const char *key, int peers)
{
    const char *separator = "";

    fprintf(out, "\"%s\": {", key);
    for (size_t i = 0; i < row->rival_count; i++) {
        const struct bench_rival *rival = &row->rivals[i];
        if (rival->peer != peers)
            continue;
        fprintf(out, "%s\"%s%s\": %.6g", separator, rival->name, peers ? "" : " (re-implementation)", rival->ns);
        separator = ", ";
    }
    fprintf(out, "}");
}

static void row_json(FILE *out, const struct bench_row *row)
{
    int met = bench_row_met(row), there = row->skipped[0] == '\0';

    fprintf(out, "    {\"id\": \"%s\"", row->id);
    pair(out, ", ", "name", row->name);
    pair(out, ", ", "unit", row->unit);
    number(out, "ours", there && row->has_ours, row->ours);
    number(out, "floor", there && row->has_floor, row->floor);
    fprintf(out, ", ");
    rivals(out, row, "peers", 1);
    number(out, "target", there && row->target >= 0, row->target);
    fprintf(out, ", \"met\": %s", !there || met < 0 ? "null" : met ? "true" : "false");
    number(out, "ours_min", there && row->has_ours && row->ours_min >= 0, row->ours_min);
    number(out, "floor_min", there && row->has_floor && row->floor_min >= 0, row->floor_min);
    fprintf(out, ",\n     ");
    rivals(out, row, "competitors", 0);
    if (!there)
        pair(out, ", ", "skipped", row->skipped);
    else if (row->no_ours != NULL)
        pair(out, ", ", "no_ours", row->no_ours);
    bench_counts_json(out, row);
    fprintf(out, "}");
}

int bench_report_json(const struct bench_session *session, const char *path)
{
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    int failed;

    if (out == NULL)
        return -errno;
    fprintf(out, "{\"schema\": 1,\n");
    pair(out, "  ", "revision", session->env.revision);
    fprintf(out, ",\n");
    machine(out, &session->env);
    pair(out, "  ", "isa", session->env.isa);
    if (bench_peers_skipped() != NULL)
        pair(out, ",\n  ", "peers_skipped", bench_peers_skipped());
    if (bench_counters_skipped() != NULL)
        pair(out, ",\n  ", "counters_skipped", bench_counters_skipped());
    fprintf(out, ",\n  \"rows\": [\n");
    for (size_t i = 0; i < session->row_count; i++) {
        row_json(out, &session->rows[i]);
        fprintf(out, i + 1 < session->row_count ? ",\n" : "\n");
    }
    fprintf(out, "  ]}\n");
    failed = fflush(out) != 0 || ferror(out);
    if (out != stdout)
        failed |= fclose(out) != 0;
    return failed ? -EIO : 0;
}
