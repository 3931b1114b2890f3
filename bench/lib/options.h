/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The command line. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_MAX_LAYOUTS 256
#define BENCH_MAX_TRACES 16
#define BENCH_MAX_LIST 16   /* numbers in --regions, --threads, --pages */
#define BENCH_MAX_THREADS 64

/* Host memory by the page that the kernel is asked for. */
enum bench_pages { BENCH_PAGES_4K, BENCH_PAGES_THP, BENCH_PAGES_2M, BENCH_PAGES_1G };
#define BENCH_PAGES_KINDS 4
extern const char *const bench_pages_names[BENCH_PAGES_KINDS + 1]; /* ends with NULL */

struct bench_list {
    uint64_t value[BENCH_MAX_LIST]; /* all different */
    size_t count;
};

struct bench_options {
    const char *effort; /* "quick", "default", "full" */
    const char *filter;
    const char *layouts[BENCH_MAX_LAYOUTS]; /* files; none: everything in layout_dir */
    size_t layout_count;
    const char *layout_dir; /* NULL: where the program's own are */
    const char *traces[BENCH_MAX_TRACES];
    size_t trace_count;
    const char *json, *raw, *rows;
    const char *record;
    uint64_t seed;
    uint64_t addresses;        /* distinct ones in a stream */
    struct bench_list regions; /* empty: the usual ones */
    struct bench_list threads; /* empty: 1 and all CPUs */
    struct bench_list pages;   /* of enum bench_pages */
    uint64_t readers, writers; /* 0 each: not asked for */
    int force;
    int list;
    int no_counters;
    const char *only_member; /* NULL: all members of a row */
    uint64_t seconds;        /* that each row is measured for; 0: as the effort says */
    int help; /* nothing else counts */
};

/* Exit status of bad usage, and of a run that refuses to be recorded. */
#define BENCH_EXIT_USAGE 2
/* A translation was wrong: nothing is reported. */
#define BENCH_EXIT_WRONG 3

/*
 * Nothing is printed and no file is looked at.
 * @param cpus  that threads may be asked for without --force
 * Returns 0; -EINVAL with a message that names the option and what it takes. argv is permuted and has to stay.
 */
int bench_options_parse(struct bench_options *options, int argc, char **argv, int cpus, char *error,
                        size_t error_size);

#endif
