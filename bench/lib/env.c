/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Reads the environment of a run from /proc, /sys and the compiler's macros. What a system does not tell is
 * "unknown", never a guess.
 */
#include "env.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <guestmem/translate.h>

#include "bench.h"
#include "revision.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#define SPINS 48
#define SPIN_STEPS 600000 /* about half a millisecond: shorter than a time slice, longer than an interrupt   \
                           */

static void copy(char *out, size_t size, const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
    for (size_t end = strlen(out); end > 0 && out[end - 1] == ' '; end--)
        out[end - 1] = '\0';
}

/* The first line of a file, or "unknown". */
static void line_of(const char *path, char *out, size_t size)
{
    char line[256];
    FILE *file = fopen(path, "re");

    copy(out, size, "unknown");
    if (file == NULL)
        return;
    if (fgets(line, sizeof(line), file) != NULL)
        copy(out, size, line);
    fclose(file);
}

/* From the kernel's own description: the C library's answer is what the processor says, also inside a guest.
 */
static void read_caches(struct bench_env *env)
{
    char path[96], level[8], type[24], size[24];

    for (int i = 0; i < 8; i++) {
        const char *base = "/sys/devices/system/cpu/cpu0/cache/index";
        snprintf(path, sizeof(path), "%s%d/level", base, i);
        line_of(path, level, sizeof(level));
        snprintf(path, sizeof(path), "%s%d/type", base, i);
        line_of(path, type, sizeof(type));
        snprintf(path, sizeof(path), "%s%d/size", base, i);
        line_of(path, size, sizeof(size));
        long bytes = strtol(size, NULL, 10) * 1024; /* "32K" */
        if (strcmp(level, "1") == 0 && strcmp(type, "Instruction") != 0)
            env->l1d_bytes = bytes;
        else if (strcmp(level, "2") == 0)
            env->l2_bytes = bytes;
        else if (strcmp(level, "3") == 0)
            env->l3_bytes = bytes;
    }
}

static void read_cpu(struct bench_env *env)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen("/proc/cpuinfo", "re");

    copy(env->cpu, sizeof(env->cpu), "unknown");
    copy(env->virtualised, sizeof(env->virtualised), "no");
    while (file != NULL && getline(&line, &room, file) > 0) {
        const char *colon = strchr(line, ':');
        if (colon == NULL)
            continue;
        if (strncmp(line, "model name", 10) == 0)
            copy(env->cpu, sizeof(env->cpu), colon + 1);
        else if (strncmp(line, "flags", 5) == 0 && strstr(colon, " hypervisor") != NULL)
            copy(env->virtualised, sizeof(env->virtualised), "yes");
        else if (line[0] == '\n')
            break;
    }
    free(line);
    if (file != NULL)
        fclose(file);
    env->cpus = bench_cpu_count();
    read_caches(env);
}

/* The choice in "always [madvise] never" is the one in brackets. */
static void read_thp(struct bench_env *env)
{
    char line[64];
    const char *open;

    line_of("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof(line));
    open = strchr(line, '[');
    if (open != NULL && strchr(open, ']') != NULL)
        snprintf(env->thp, sizeof(env->thp), "%.*s", (int)strcspn(open + 1, "]"), open + 1);
    else
        copy(env->thp, sizeof(env->thp), line);
}

/* A dependent chain of multiplications: its time varies only when something else takes the processor away. */
static double spin_ns(void)
{
    uint64_t begin = bench_now_ns(), x = 1;

    for (int i = 0; i < SPIN_STEPS; i++) {
        x = x * 3 + 1;
        bench_opaque(x);
    }
    return (double)(bench_now_ns() - begin);
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* How much nine spins of ten vary. The slowest tenth is left out as the medians of the report leave it out: timer
 * interrupts and a host that takes the processor away for a moment, which no virtual machine is without. */
static double spin_cv(void)
{
    const int kept = SPINS - SPINS / 10;
    double ns[SPINS], sum = 0, squares = 0, mean;

    for (int i = 0; i < SPINS / 4; i++)
        (void)spin_ns();
    for (int i = 0; i < SPINS; i++)
        ns[i] = spin_ns();
    qsort(ns, SPINS, sizeof(ns[0]), by_size);
    for (int i = 0; i < kept; i++) {
        sum += ns[i];
        squares += ns[i] * ns[i];
    }
    mean = sum / kept;
    return sqrt(fmax(0, squares / kept - mean * mean)) / mean;
}

static void judge(struct bench_env *env)
{
    env->quiet = 0;
    if (env->load1 < 0)
        snprintf(env->noise, sizeof(env->noise), "load average unknown");
    else if (env->load1 > BENCH_QUIET_LOAD)
        snprintf(env->noise, sizeof(env->noise), "load average %.2f is above %.1f", env->load1,
                 BENCH_QUIET_LOAD);
    else if (env->spin_cv > BENCH_QUIET_CV)
        snprintf(env->noise, sizeof(env->noise),
                 "the same work takes times that vary by %.1f %% (limit %.0f %%)", env->spin_cv * 100,
                 BENCH_QUIET_CV * 100);
    else
        env->quiet = 1;
}

void bench_env_read(struct bench_env *env)
{
    struct utsname name;

    memset(env, 0, sizeof(*env));
    read_cpu(env);
    read_thp(env);
    line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", env->governor, sizeof(env->governor));
    if (uname(&name) == 0)
        snprintf(env->kernel, sizeof(env->kernel), "%.20s %.60s", name.sysname, name.release);
    copy(env->compiler, sizeof(env->compiler), COMPILER);
    copy(env->revision, sizeof(env->revision), BENCH_REVISION);
    copy(env->isa, sizeof(env->isa), gm_isa_name());
    if (getloadavg(&env->load1, 1) != 1)
        env->load1 = -1;
    env->spin_cv = spin_cv();
    judge(env);
}

void bench_env_to_raw(const struct bench_env *env)
{
    bench_measure_context("cpu", env->cpu);
    bench_measure_context("kernel", env->kernel);
    bench_measure_context("compiler", env->compiler);
    bench_measure_context("revision", env->revision);
    bench_measure_context("thp", env->thp);
    bench_measure_context("governor", env->governor);
    bench_measure_context("quiet", env->quiet ? "yes" : env->noise);
}

void bench_env_slug(const struct bench_env *env, char *out, unsigned long size)
{
    char text[128];
    size_t length = 0;

    snprintf(text, sizeof(text), "%s %d cpu", env->cpu, env->cpus);
    for (const char *c = text; *c != '\0' && length + 1 < size; c++) {
        if (isalnum((unsigned char)*c))
            out[length++] = (char)tolower((unsigned char)*c);
        else if (length > 0 && out[length - 1] != '-')
            out[length++] = '-';
    }
    out[length] = '\0';
}
