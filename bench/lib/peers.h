/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Real peers: published libraries of others, unchanged, from bench/peers/. They come in a library that is loaded at
 * run time and may be missing, because not every machine that measures can build them.
 */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "inputs.h"

#define BENCH_MAX_PEERS 8

/* Layout as struct Peer in bench/peers/src/lib.rs. Functions mean what they mean in struct bench_competitor. */
struct bench_peer {
    const char *name; /* with its version */
    const char *what; /* one line: the calls that are measured */
    void *(*build)(const struct bench_ram *ranges, size_t count); /* NULL: the peer refuses these ranges */
    void (*destroy)(void *self);
    uint64_t (*translate)(const void *self, uint64_t gpa); /* 0: no RAM; the byte at gpa is all it looks at */
    /* Each NULL where it is not a fair question: */
    uint64_t (*run_call)(void *self, const uint64_t *gpa, size_t count);
    uint64_t (*run_dependent)(void *self, const uint64_t *gpa, size_t count);
    uint64_t (*run_pinned)(void *self, const uint64_t *gpa, size_t count); /* a snapshot for each address */
};

/* Ends with an entry whose name is NULL, and begins with it when there are none. Loads them when asked first. */
const struct bench_peer *bench_peers(void);

/* A peer does not take a layout: the first such case is kept for the report. */
void bench_peers_refused(const struct bench_peer *peer, const struct bench_layout *layout);

/* Why rows have no peers, or not all of them; NULL when none was missing. */
const char *bench_peers_skipped(void);

#endif
