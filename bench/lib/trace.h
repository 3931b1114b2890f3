/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Recorded guest-physical accesses: address, length, direction, and how descriptors of virtqueues hang together. The
 * format is in bench/traces/README.md. The reader accepts nothing that a layout without regard to it could not hold;
 * whether an access is in RAM is asked of a layout.
 */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include "inputs.h"

#define BENCH_TRACE_MAX (1 << 22)     /* accesses of a trace */
#define BENCH_TRACE_CHAIN_MAX 32768   /* descriptors of a chain, the largest size of a virtqueue */
#define BENCH_TRACE_DESCRIPTOR 16     /* [bytes] of an entry of an indirect table */

enum bench_access_flags {
    BENCH_ACCESS_WRITE = 1,    /* the device writes */
    BENCH_ACCESS_NEXT = 2,     /* the chain goes on with the next access */
    BENCH_ACCESS_INDIRECT = 4, /* a table of descriptors; those that are used follow as INNER */
    BENCH_ACCESS_INNER = 8     /* from the table before */
};

struct bench_access {
    uint64_t gpa;
    uint32_t len;  /* [bytes] >= 1; gpa + len <= 2^52 */
    uint32_t line; /* in the file, for messages */
    uint16_t queue;
    uint16_t flags;
};

struct bench_trace {
    char name[64];
    char layout[64]; /* the layout that it names; empty: none */
    struct bench_access *accesses;
    size_t count; /* >= 1 */
    size_t chains;
    uint64_t bytes; /* of all accesses */
};

/*
 * Read a trace, from a file or from memory (`path` then stands for the name and in messages).
 * Returns 0; -EINVAL (error says file:line and what is wrong); -EFBIG, -ENOENT and so on (the file); -ENOMEM.
 */
int bench_trace_load(const char *path, struct bench_trace **out, char *error, size_t error_size);
int bench_trace_parse(const char *path, const char *data, size_t size, struct bench_trace **out, char *error,
                      size_t error_size);
void bench_trace_free(struct bench_trace *trace); /* NULL is ignored */

/* ---- trace_layout.c -------------------------------------------------------------------------------------- */

/*
 * A layout whose RAM covers the trace: accesses near each other share a region, and there are at most 64.
 * Returns 0; -EINVAL (they are too far apart for one process to reserve that much); -ENOMEM; with a message.
 */
int bench_trace_cover(const char *path, const struct bench_trace *trace, struct bench_layout **out, char *error,
                      size_t error_size);

/* 0 when every byte of every access is RAM of the layout; else -EINVAL, and error says which line's is not. */
int bench_trace_fits(const char *path, const struct bench_trace *trace, const struct bench_layout *layout,
                     char *error, size_t error_size);

/*
 * The host address of an access that is in RAM; where it crosses into RAM that is not contiguous in host memory, the
 * sum over its pieces. 0 when a byte is not RAM.
 */
uint64_t bench_trace_oracle(const struct bench_layout *layout, const struct bench_access *access);

#endif
