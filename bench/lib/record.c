/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Results that are kept. The folder is append-only: what was recorded once is never replaced by a luckier run
 * of the same day and revision, so a second attempt is refused.
 */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static int folder(const char *path, int may_exist)
{
    if (mkdir(path, 0755) == 0 || (errno == EEXIST && may_exist))
        return 0;
    return -errno;
}

static int write_env(const struct bench_session *session, const char *path)
{
    const struct bench_env *env = &session->env;
    FILE *out = fopen(path, "wxe");
    time_t now = time(NULL);
    struct tm utc;
    char when[32];

    if (out == NULL)
        return -errno;
    (void)gmtime_r(&now, &utc);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
    fprintf(out, "recorded: %s\n", when);
    fprintf(out, "cpu: %s\ncpus: %d\nvirtualised: %s\n", env->cpu, env->cpus, env->virtualised);
    fprintf(out, "caches: %ld %ld %ld\n", env->l1d_bytes, env->l2_bytes, env->l3_bytes);
    fprintf(out, "kernel: %s\nthp: %s\ngovernor: %s\n", env->kernel, env->thp, env->governor);
    fprintf(out, "compiler: %s\nrevision: %s\nisa: %s\n", env->compiler, env->revision, env->isa);
    fprintf(out, "peers: %s%s\n", bench_peers()->name == NULL ? "none, " : "",
            bench_peers_skipped() != NULL ? bench_peers_skipped() : "all");
    fprintf(out, "load1: %.2f\nspin_cv: %.4f\n", env->load1, env->spin_cv);
    fprintf(out, "effort: %s\nseed: %llu\naddresses: %zu\n", session->options.effort,
            (unsigned long long)session->options.seed, session->options.addresses);
    return fclose(out) == 0 ? 0 : -EIO;
}

void bench_report_where(const struct bench_session *session, const char *root, char *where, size_t size)
{
    char slug[96], date[16];
    time_t now = time(NULL);
    struct tm day;

    bench_env_slug(&session->env, slug, sizeof(slug));
    gmtime_r(&now, &day);
    strftime(date, sizeof(date), "%Y-%m-%d", &day);
    snprintf(where, size, "%s/%s/%s-%s", root, slug, date, session->env.revision);
}

int bench_report_record(const struct bench_session *session, const char *root)
{
    char where[4096], path[4200];
    int result = folder(root, 1);

    bench_report_where(session, root, where, sizeof(where));
    snprintf(path, sizeof(path), "%.*s", (int)(strrchr(where, '/') - where), where);
    if (result == 0)
        result = folder(path, 1);
    if (result == 0)
        result = folder(where, 0);
    if (result == 0) {
        snprintf(path, sizeof(path), "%s/env.txt", where);
        result = write_env(session, path);
    }
    if (result == 0) {
        snprintf(path, sizeof(path), "%s/headline.json", where);
        result = bench_report_json(session, path);
    }
    return result;
}
