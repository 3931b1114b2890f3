/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Between the benchmarks, which are C, and the measuring library, which is C++ and known to gbench.cc alone.
 *
 * A body is called once a repetition and loops itself: a call per iteration costs as much as what is
 * measured, and only so can the code under test be inlined into the loop by the C compiler. Time is taken
 * here with the monotonic clock, not from the measuring library's report, which divides by threads.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "counters.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The value is used, and memory may have changed: nothing computed is dropped or moved across. */
#define bench_keep(value) __asm__ volatile("" : : "r,m"(value) : "memory")

/* The compiler forgets what it knows of a variable, so that nothing is hoisted, folded or vectorised. */
#define bench_opaque(variable) __asm__ volatile("" : "+r"(variable))

/* Called, not inlined, not cloned for constant arguments: the call shape that a row compares. */
#if defined(__clang__)
#define BENCH_CALL __attribute__((noinline))
#else
#define BENCH_CALL __attribute__((noipa))
#endif

static inline uint64_t bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

struct bench_run {
    uint64_t iters;       /* operations to do: a multiple of the member's granule */
    uint64_t excluded_ns; /* the body adds what took time but is not the question */
    uint64_t warm_ns;     /* the same, for what it did once before it began */
    void *fixture;
    struct bench_counters *counters; /* NULL: nothing is counted. Begin again after warming, pause for exclusions */
    int thread, threads;
    int wrong; /* the body found a wrong answer */
};

typedef void bench_body(struct bench_run *run);

#define BENCH_MAX_MEMBERS 24
#define BENCH_MAX_REPETITIONS 64

/* One of the things that a row compares. All members of a row are measured in random alternation. */
struct bench_member {
    char name[48];
    bench_body *body;
    void *fixture;
    int peer;                    /* somebody else's code, not ours after theirs */
    uint64_t granule;            /* >= 1; iterations come in multiples of it */
    int cpu;                     /* thread i runs on allowed CPU number cpu + i */
    int threads;                 /* >= 1 */
    int (*start)(void *fixture); /* before each repetition, on thread 0; 0 or -errno; may be NULL */
    void (*stop)(void *fixture); /* after each repetition; may be NULL */

    unsigned repetitions; /* the plan, see plan.c */
    uint64_t iters;

    double ns_per_op[BENCH_MAX_REPETITIONS]; /* the outcome: one sample a repetition */
    unsigned samples;
    struct bench_counts counts; /* of all repetitions that were counted, and how many that are */
    unsigned counted, disturbed;
    int wrong;
    int failed; /* -errno of start */
};

/* ---- gbench.cc ------------------------------------------------------------------------------------- */

/*
 * Calls the body, and is never inlined: profiles begin at this frame, and whatever is not below it is not the question.
 */
void bench_timed(bench_body *body, struct bench_run *run);

/* Once, before anything else. raw: file that receives the measuring library's own JSON, or NULL. 0 or -errno.
 */
int bench_measure_open(const char *raw);

/* A fact for the raw file's context. */
void bench_measure_context(const char *key, const char *value);

/* Runs all repetitions of all members in random order; label names them in the raw file. */
void bench_measure(const char *label, struct bench_member *members, size_t count);

void bench_measure_close(void);

/* ---- pin.c ----------------------------------------------------------------------------------------- */

/* How many CPUs this process may use. */
int bench_cpu_count(void);

/* Ties the calling thread to the allowed CPU of that number, modulo their count. 0 or -errno. */
int bench_cpu_pin(int number);

/* Gives the calling thread all allowed CPUs back, for what it starts next. 0 or -errno. */
int bench_cpu_release(void);

#ifdef __cplusplus
}
#endif

#endif
