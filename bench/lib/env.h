/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What a number depends on besides the code: processor, kernel, page policy, compiler, and how quiet the
 * machine was. Read once, before anything is measured, because measuring is itself a load.
 */
#ifndef BENCH_ENV_H
#define BENCH_ENV_H

struct bench_env {
    char cpu[96];
    char kernel[96];
    char compiler[96];
    char revision[64];
    char thp[24];
    char governor[24];
    char virtualised[8]; /* "yes", "no" */
    char isa[16];
    int cpus;
    long l1d_bytes, l2_bytes, l3_bytes; /* 0: the system does not say */
    double load1;                       /* 1-minute load average; < 0: unknown */
    double spin_cv;                     /* of short spins of the same work */
    int quiet;
    char noise[96]; /* why it is not quiet; empty when it is */
};

/* Limits above which a run is not worth recording. */
#define BENCH_QUIET_LOAD 0.5
#define BENCH_QUIET_CV 0.02

/* Takes about a tenth of a second for the spins. */
void bench_env_read(struct bench_env *env);

/* All of it as context of the raw file. */
void bench_env_to_raw(const struct bench_env *env);

/* A name for a folder: processor and number of CPUs in lower case, digits and '-'. */
void bench_env_slug(const struct bench_env *env, char *out, unsigned long size);

#endif
