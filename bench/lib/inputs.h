/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the benchmarks are fed with: memory layouts (recorded from real machines, or made up on purpose), host
 * addresses for them, streams of guest-physical addresses, other ways to translate, and an oracle that says
 * which host address each of them has to answer. All of it is a function of its arguments and a seed, so that
 * two builds, or ours and a competitor, are measured on the same addresses and can be compared by checksum.
 *
 * Everything here answers 0 or -errno unless it says otherwise; `error` receives one line of text on failure
 * and may be NULL when error_size is 0.
 */
#ifndef BENCH_INPUTS_H
#define BENCH_INPUTS_H

#include <stddef.h>
#include <stdint.h>

/* The length of an access in every single-translation benchmark, ours and the competitors'. */
#define BENCH_ACCESS_LEN 8

/* ---- layouts: layout.c reads files, synthetic.c invents, reserve.c gives them host addresses ----------- */

#define BENCH_MAX_RANGES 65536

enum bench_kind { BENCH_RAM, BENCH_ROM, BENCH_DEVICE };

#define BENCH_NO_OBJECT UINT32_MAX

struct bench_range {
    uint64_t first, last; /* inclusive */
    uint64_t offset;      /* of first in its object */
    uint32_t object;      /* index into the layout's objects; BENCH_NO_OBJECT for devices */
    enum bench_kind kind;
    char name[32]; /* for messages; cut if longer */
};

/* One piece of host memory. Byte 0 of the object stands `phase` bytes into the pages reserved at `base`. */
struct bench_object {
    char name[32];
    uint64_t size;  /* [bytes] the furthest that a range reaches */
    uint64_t phase; /* [bytes] < 4096: makes host and guest addresses equal within a page */
    char *base;     /* page aligned, PROT_NONE until bench_layout_unlock */
    uint64_t reserved; /* [bytes] whole pages from base */
};

/* RAM that is contiguous for the guest and the host: neighbours that are both are one entry. No ROM. */
struct bench_ram {
    uint64_t gpa;
    uint64_t size; /* [bytes] */
    uint64_t hva;
};

enum bench_weight { BENCH_BY_SIZE, BENCH_BY_RANGE };

struct bench_layout {
    char name[64];
    struct bench_range *ranges; /* sorted by address */
    size_t count;
    struct bench_object *objects;
    size_t object_count;
    struct bench_ram *ram; /* sorted by address: the oracle, and what competitors are built from */
    size_t ram_count;
    uint64_t ram_bytes;
    enum bench_weight weight; /* how UNIFORM draws; files: by size, synthetic: by range; may be changed */
    void *reservation;        /* all objects in one reservation */
    size_t reservation_size;
};

/*
 * Read a layout file; its format is in bench/layouts/README.md. The name is the file's, without .layout.
 * Returns 0; -EINVAL (error says file:line and what is wrong); -ENOENT and so on (cannot be read); -ENOMEM.
 */
int bench_layout_load(const char *path, struct bench_layout **out, char *error, size_t error_size);

/* The same from memory: `path` gives the name and stands in messages, no file is opened. */
int bench_layout_parse(const char *path, const char *data, size_t size, struct bench_layout **out, char *error,
                       size_t error_size);

/*
 * N regions evenly over `span` bytes, each half to nine tenths of its share, 4 KiB aligned and at both ends
 * not 2 MiB aligned, with gaps, each in an object of its own so that no two deltas are equal. A span of 0
 * means 1 TiB. Returns 0; -EINVAL (regions 0 or too many, less than 8 MiB a region); -ENOMEM.
 */
int bench_layout_uniform(size_t regions, uint64_t span, uint64_t seed, struct bench_layout **out);

/* The worst case: 32764 regions over 64 GiB, a boundary in every 2 MiB block, half of them without a gap. */
int bench_layout_mixed(uint64_t seed, struct bench_layout **out);

/* Make the reserved host memory readable and writable (still nothing is charged until it is touched). */
int bench_layout_unlock(struct bench_layout *layout);

/* Frees the reservation too: whatever was built on the layout has to be gone. NULL is ignored. */
void bench_layout_free(struct bench_layout *layout);

/*
 * The index in layout->ram of the entry that holds all of [gpa, gpa + len), or -1. Binary search, not fast.
 */
ptrdiff_t bench_oracle_index(const struct bench_layout *layout, uint64_t gpa, uint64_t len);

/* The host address of the access [gpa, gpa + len), or 0. */
uint64_t bench_oracle(const struct bench_layout *layout, uint64_t gpa, uint64_t len);

/*
 * The sum modulo 2^64 of the oracle's answers for accesses of len bytes: what every run_* below has to
 * return.
 */
uint64_t bench_oracle_sum(const struct bench_layout *layout, const uint64_t *gpa, size_t count, uint64_t len);

/* ---- a gm_space of a layout: build.c (the only part that needs the library) ---------------------------- */

struct gm_space;
struct gm_backing;

struct bench_space {
    struct gm_space *space;
    struct gm_backing **backings; /* one for each object */
    size_t backing_count;
    struct gm_dirty *dirty; /* that its writes mark, or NULL; belongs to it */
};

/* All ranges of the layout (RAM, ROM, devices) in one transaction. The layout has to outlive the space. */
int bench_space_build(const struct bench_layout *layout, struct bench_space *out, char *error,
                      size_t error_size);
/* With a dirty bitmap that ends where RAM does, and is on. */
int bench_space_build_tracked(const struct bench_layout *layout, struct bench_space *out, char *error,
                              size_t error_size);
int bench_space_destroy(struct bench_space *space); /* what gm_space_destroy says; 0 for an empty one */

/* ---- addresses: stream.c ------------------------------------------------------------------------------- */

/* splitmix64: one add and a mix, any seed is good. */
struct bench_rng {
    uint64_t state;
};

static inline uint64_t bench_random(struct bench_rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 <= result < limit; limit > 0. The bias is below limit / 2^64. */
static inline uint64_t bench_random_below(struct bench_rng *rng, uint64_t limit)
{
    return (uint64_t)(((unsigned __int128)bench_random(rng) * limit) >> 64);
}

enum bench_stream_kind {
    BENCH_UNIFORM,    /* independent; a RAM entry by layout->weight, then any place in it */
    BENCH_HOT94,      /* 94 % in one entry that is neither the first nor what a binary search probes first */
    BENCH_SEQUENTIAL, /* steps of 64 bytes (or align, if more) through RAM from a random start, wrapping */
    BENCH_VIRTQ       /* as a queue's buffers: 99 % in the entry of the one before, 44 % in its page */
};

#define BENCH_STREAM_KINDS 4
const char *bench_stream_name(enum bench_stream_kind kind); /* "uniform", "hot94", "sequential", "virtq" */

/*
 * `count` addresses, multiples of align (a power of two), such that len bytes at each lie in one entry of
 * layout->ram. Use at least 2^17, or branch predictors learn the sequence.
 * Returns an array for free(); NULL when no entry is big enough, an argument is bad, or memory is short.
 */
uint64_t *bench_stream(const struct bench_layout *layout, enum bench_stream_kind kind, size_t count,
                       uint64_t align, uint64_t len, uint64_t seed);

/*
 * Addresses for which the answer is mostly "no": holes, devices, ROM, accesses that begin in RAM and leave
 * it, past the end of everything, and both sides of every boundary. Returns an array for free(), or NULL.
 */
uint64_t *bench_stream_edges(const struct bench_layout *layout, size_t count, uint64_t len, uint64_t seed);

/* What a stream is like, for reports and for checking it. Shares are 0..1. */
struct bench_stream_stats {
    double same_range; /* in the same RAM entry as the address before */
    double same_page;  /* in the same 4 KiB page as the address before */
    double hottest;    /* in the entry that is hit most */
    size_t hottest_index;
    size_t ranges_hit;
};

int bench_stream_stats(const struct bench_layout *layout, const uint64_t *gpa, size_t count,
                       struct bench_stream_stats *out);

/* ---- competitors: bench/competitors/ ------------------------------------------------------------------- */

/*
 * Other ways to translate, written anew here after how known systems do it, behind the same loops as ours.
 * run_call: for each address a call of a function that is not inlined, the host addresses summed.
 * run_dependent: the same, but address i is gpa[i] + bench_chain(result i - 1), so that nothing can overlap.
 * Accesses are BENCH_ACCESS_LEN bytes; one that is not inside one entry answers 0.
 */
struct bench_competitor {
    const char *name;
    const char *what;     /* one line: structure, and who does it like this */
    size_t sensible;      /* ranges above which a run takes so long that it is not worth the time */
    int exact;            /* 1: sums equal bench_oracle_sum; 0: a floor, right only for one range */
    void *(*build)(const struct bench_ram *ranges, size_t count); /* some RAM; NULL: no memory */
    void (*destroy)(void *self);
    uint64_t (*run_call)(void *self, const uint64_t *gpa, size_t count);
    uint64_t (*run_dependent)(void *self, const uint64_t *gpa, size_t count);
};

/* Ends with an entry whose name is NULL. The floor is bench_competitors[0]. */
extern const struct bench_competitor bench_competitors[];

/* 0 for every host address of a user process, which the compiler does not know. */
static inline uint64_t bench_chain(uint64_t hva)
{
    return hva >> 63;
}

/* The least a batch can do: hva[i] = gpa[i] + delta, with the widest vectors of this CPU. */
void bench_floor_batch(const uint64_t *gpa, size_t count, uint64_t delta, uint64_t *hva);

#endif
