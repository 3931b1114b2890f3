/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Real peers: published libraries of others, unchanged. Most come from bench/peers/ in a library that is loaded at run
 * time and may be missing, because not every machine that measures can build them; DPDK is compiled in where its
 * header is there (bench/peers/dpdk.c).
 */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "inputs.h"

#define BENCH_MAX_PEERS 8

/* Layout as struct Peer in bench/peers/src/lib.rs. Functions mean what they mean in struct bench_competitor. */
struct bench_peer {
    const char *name; /* with its version */
    const char *what; /* one line: the calls that are measured */
    size_t most;      /* ranges that it is made for */
    uint64_t len;     /* [bytes] of an access from gpa on that it looks at */
    void *(*build)(const struct bench_ram *ranges, size_t count); /* NULL: the peer refuses these ranges */
    void (*destroy)(void *self);
    uint64_t (*translate)(const void *self, uint64_t gpa); /* 0: no RAM */
    /* Each NULL where it is not a fair question: */
    uint64_t (*run_call)(void *self, const uint64_t *gpa, size_t count);
    uint64_t (*run_dependent)(void *self, const uint64_t *gpa, size_t count);
    uint64_t (*run_pinned)(void *self, const uint64_t *gpa, size_t count); /* a snapshot for each address */
};

/* All tables end with an entry whose name is NULL, and begin with it when there are none. Loaded when asked first. */
const struct bench_peer *bench_peers(void);

/* One of them, where it is compiled in. */
extern const struct bench_peer bench_dpdk_peer;

/* Those that say in which range an address is: 1 + its index takes the place of the host address. */
const struct bench_peer *bench_region_peers(void);

/* Pins alone. As struct Pin in bench/peers/src/pin.rs. */
struct bench_pin_peer {
    const char *name, *what;
    void *(*build)(uint64_t value);
    void (*destroy)(void *self);
    uint64_t (*run)(void *self, uint64_t iters); /* takes and drops so often; the value at last */
};

const struct bench_pin_peer *bench_pin_peers(void);

/* Dirty pages of 4 KiB of a guest that begins at 0. As struct Dirty in bench/peers/src/dirty.rs. */
struct bench_dirty_peer {
    const char *name, *what;
    int tracks;   /* 0: what remains of a mark when tracking is off */
    int ranges;   /* 1: marks all pages of [address, address + len); 0: the one that holds address */
    int harvests; /* 1: it is the one entry of its library that answers for harvests */
    void *(*build)(uint64_t pages); /* all clean; NULL: no memory */
    void (*destroy)(void *self);
    void (*mark)(void *self, const uint64_t *address, size_t count, uint64_t len);
    void (*clear)(void *self); /* all clean again, without asking what was dirty */
    int (*test)(const void *self, uint64_t page);
    void *(*harvest)(void *self); /* what was dirty; all clean after it, no mark lost */
    uint64_t (*harvested)(const void *harvest, uint64_t *out, size_t room); /* how many pages; the first of them */
    void (*drop)(void *harvest);
};

const struct bench_dirty_peer *bench_dirty_peers(void);

/* 8 bytes of guest memory. As struct Access in bench/peers/src/access.rs. A run is NULL where there is no such call. */
struct bench_access_peer {
    const char *name, *what;
    void *(*build)(const struct bench_ram *ranges, size_t count);
    void (*destroy)(void *self);
    uint64_t (*run_read)(void *self, const uint64_t *gpa, size_t count);  /* the sum of what is there */
    uint64_t (*run_write)(void *self, const uint64_t *gpa, size_t count); /* each address to itself; how many */
};

const struct bench_access_peer *bench_access_peers(void);
const struct bench_access_peer *bench_access_peers_tracked(void); /* each region with a dirty bitmap */

/* Copies, objects and atomic accesses. As struct Shape in bench/peers/src/bulk.rs. */
struct bench_shape_peer {
    const char *name;
    const char *shape; /* "read/64", "load/u8", ...: of the rows that it takes part in */
    void *(*build)(const struct bench_ram *ranges, size_t count);
    void (*destroy)(void *self);
    /* Reads: the sum of the first words. Writes: how many; of buf as it is, and of objects that are the address. */
    uint64_t (*run)(void *self, const uint64_t *gpa, size_t count, char *buf);
};

#define BENCH_SHAPES 25
#define BENCH_SHAPE_VERSIONS 2

/* The peer of that shape in one of the versions; NULL: there is none. */
const struct bench_shape_peer *bench_shape_peer(const char *shape, unsigned version);

/* A split virtqueue in guest memory; its available ring holds the heads of so many chains from entry 0 on. As struct
 * Ring in bench/peers/src/queue.rs. */
struct bench_vq_ring {
    uint64_t desc, avail, used; /* guest-physical */
    uint32_t size, chains;
};

/* Chains to iovecs. As struct Walker in bench/peers/src/queue.rs. */
struct bench_vq_peer {
    const char *name, *what;
    void *(*build)(const struct bench_ram *ranges, size_t count, const struct bench_vq_ring *rings, size_t ring_count);
    void (*destroy)(void *self);
    uint64_t (*pass)(void *self, int look); /* all chains of all rings; [bytes] of them, or (look) their hosts' sum */
};

const struct bench_vq_peer *bench_vq_peers(void);

/* A symbol of the loaded library; NULL without it, and then bench_peers_skipped says why. */
const void *bench_peers_symbol(const char *name);

/* A peer does not take a layout: the first such case is kept for the report. */
void bench_peers_refused(const struct bench_peer *peer, const struct bench_layout *layout);

/* Why rows have no peers, or not all of them; NULL when none was missing. */
const char *bench_peers_skipped(void);

#endif
