/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The command line. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_MAX_LAYOUTS 256

struct bench_options {
    const char *effort; /* "quick", "default", "full" */
    const char *filter;
    const char *layouts[BENCH_MAX_LAYOUTS]; /* files; none: everything in layout_dir */
    size_t layout_count;
    const char *layout_dir; /* NULL: where the program's own are */
    const char *json, *raw, *rows;
    const char *record;
    uint64_t seed;
    size_t addresses; /* distinct ones in a stream */
    int list;
};

/* Exit status of bad usage, and of a run that refuses to be recorded. */
#define BENCH_EXIT_USAGE 2
/* A translation was wrong: nothing is reported. */
#define BENCH_EXIT_WRONG 3

/* -1: go on; otherwise the exit status (after --help, or after a message). */
int bench_options_parse(struct bench_options *options, int argc, char **argv);

#endif
