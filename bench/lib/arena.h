/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Allocators of address ranges, behind one table, whoever wrote them. What they are measured with is a list of
 * operations that is made once and replayed by each of them in a loop of its own language, so that no call from one
 * language to another is charged to anybody.
 *
 * The structures here are also written down in bench/peers/src/alloc.rs; a change raises BENCH_ALLOC_VERSION there
 * and in peers_alloc.c.
 */
#ifndef BENCH_ARENA_H
#define BENCH_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct gm_arena;

#define BENCH_NOWHERE UINT64_MAX /* in a slot: nothing is allocated there */

enum bench_policy {
    BENCH_LOWEST,  /* the lowest address that fits */
    BENCH_HIGHEST, /* the highest */
    BENCH_FIXED    /* exactly min */
};

/* What an arena can do, beyond the lowest address anywhere. */
#define BENCH_CAN_HIGHEST 1u
#define BENCH_CAN_FIXED 2u
#define BENCH_CAN_WINDOW 4u /* min and max for each request; without, both are those of the arena */
#define BENCH_NOT_LOWEST 8u /* and what it cannot: the lowest address */
#define BENCH_NOT_EXACT 16u /* it may overlook places, above all for alignments beyond a page */

struct bench_request {
    uint64_t size;     /* [bytes] > 0 */
    uint64_t align;    /* [bytes] a power of two */
    uint64_t min, max; /* the first and the last address that may be used */
    uint32_t policy;
    uint32_t reserved;
};

enum bench_op_kind { BENCH_ALLOCATE, BENCH_FREE };

struct bench_op {
    uint32_t slot;    /* whose address is set, or freed and forgotten */
    uint16_t request; /* index; of a free: the one that the slot was allocated with, for its size */
    uint16_t kind;
};

struct bench_extent {
    uint64_t address, size; /* [bytes] */
};

struct bench_answer {
    uint64_t sum;      /* of all addresses, modulo 2^64 */
    uint64_t failures; /* requests that found no place, and frees that were refused */
};

struct bench_arena {
    const char *name; /* of a peer with its version */
    const char *what; /* one line: the calls that are measured */
    uint32_t peer;    /* the real one; else a re-implementation */
    uint32_t can;
    uint64_t live; /* with more ranges than this in it, one operation takes too long to wait for */
    uint64_t fill; /* with more than this, filling it one by one does */
    void *(*create)(uint64_t base, uint64_t size); /* [bytes]; NULL: refused, or no memory */
    void (*destroy)(void *self);
    int (*alloc)(void *self, const struct bench_request *request, uint64_t *address); /* 0 or -ENOSPC */
    int (*free)(void *self, uint64_t address, uint64_t size);                         /* 0 or -EINVAL */
    /*
     * Puts ranges, sorted and above all that are there, where they say, in the quickest way that the arena has: what
     * is measured comes after. 0 or -errno.
     */
    int (*place)(void *self, const struct bench_extent *extents, size_t count);
    void (*replay)(void *self, const struct bench_request *requests, const struct bench_op *ops, size_t count,
                   uint64_t *slots, struct bench_answer *answer);
};

/*
 * Defines replay, alloc, free and place of `type` around type_put(), int (struct type *, const struct bench_request *,
 * uint64_t *), and type_take(), int (struct type *, uint64_t address, uint64_t size), which it inlines.
 */
#define BENCH_ARENA(type)                                                                                              \
    static int type##_alloc(void *self, const struct bench_request *request, uint64_t *address)                        \
    {                                                                                                                  \
        return type##_put(self, request, address);                                                                     \
    }                                                                                                                  \
                                                                                                                       \
    static int type##_free(void *self, uint64_t address, uint64_t size)                                                \
    {                                                                                                                  \
        return type##_take(self, address, size);                                                                       \
    }                                                                                                                  \
                                                                                                                       \
    static __attribute__((unused)) int type##_place(void *self, const struct bench_extent *extents, size_t count)      \
    {                                                                                                                  \
        int result = 0;                                                                                                \
                                                                                                                       \
        for (size_t i = 0; i < count && result == 0; i++) {                                                            \
            const struct bench_request fixed = bench_request_fixed(extents[i].address, extents[i].size);               \
            uint64_t address;                                                                                          \
            result = type##_put(self, &fixed, &address);                                                               \
        }                                                                                                              \
        return result;                                                                                                 \
    }                                                                                                                  \
                                                                                                                       \
    static void type##_replay(void *self, const struct bench_request *requests, const struct bench_op *ops,            \
                              size_t count, uint64_t *slots, struct bench_answer *answer)                              \
    {                                                                                                                  \
        uint64_t sum = 0, failures = 0;                                                                                \
                                                                                                                       \
        for (size_t i = 0; i < count; i++) {                                                                           \
            const struct bench_request *request = &requests[ops[i].request];                                           \
            uint64_t address = slots[ops[i].slot];                                                                     \
            int failed;                                                                                                \
            if (ops[i].kind == BENCH_FREE) {                                                                           \
                failed = type##_take(self, address, request->size) != 0;                                               \
                address = BENCH_NOWHERE;                                                                               \
            } else {                                                                                                   \
                failed = type##_put(self, request, &address) != 0;                                                     \
                address = failed ? BENCH_NOWHERE : address;                                                            \
                sum += failed ? 0 : address;                                                                           \
            }                                                                                                          \
            slots[ops[i].slot] = address;                                                                              \
            failures += (uint64_t)failed;                                                                              \
        }                                                                                                              \
        answer->sum = sum;                                                                                             \
        answer->failures = failures;                                                                                   \
    }

static inline struct bench_request bench_request_fixed(uint64_t address, uint64_t size)
{
    return (struct bench_request){
        .size = size, .align = 1, .min = address, .max = address + (size - 1), .policy = BENCH_FIXED};
}

static inline int bench_arena_can(const struct bench_arena *arena, uint32_t needs)
{
    return (arena->can & needs) == needs;
}

/* ---- allocators of ids: small numbers, one at a time -------------------------------------------------- */

struct bench_ids {
    const char *name, *what;
    uint32_t peer;
    uint32_t threads;               /* that may use it at once */
    void *(*create)(uint32_t count); /* ids 0 .. count - 1, all free; NULL: no memory */
    void (*destroy)(void *self);
    /* Allocates one id after the other into slots. */
    void (*fresh)(void *self, uint32_t *slots, size_t count, struct bench_answer *answer);
    /* For each number in order: frees the id of that slot, and allocates one into it. */
    void (*pairs)(void *self, uint32_t *slots, const uint32_t *order, size_t count, struct bench_answer *answer);
    void (*drop)(void *self, const uint32_t *slots, size_t count); /* frees them */
};

/* ---- who there is; each list ends with an entry whose name is NULL ------------------------------------ */

/* Re-implementations: competitors/arena_*.c, and all of them in arena_list.c, which ends with NULL */
extern const struct bench_arena bench_arena_sorted_array, bench_arena_free_list, bench_arena_btree;
extern const struct bench_arena bench_arena_crosvm, bench_arena_copying, bench_arena_vmalloc, bench_arena_iova;
extern const struct bench_arena *const bench_arena_rivals[];

/* Frees what holds this address, in an arena of bench_arena_crosvm. 0 or -EINVAL. */
int bench_crosvm_free_holding(void *self, uint64_t address);

/* Ours: cases/alloc_ours.c. NULL while the library has none. */
const struct bench_arena *bench_arena_ours(void);
struct gm_arena *bench_arena_in_ours(void *self);
void *bench_arena_as_ours(struct gm_arena *arena); /* which is its own from now on; NULL: no memory, and it is gone */
const struct bench_ids *bench_ids_ours(void);

/* peers_alloc.c */
const struct bench_arena *bench_arena_peers(void);
const struct bench_ids *bench_ids_peers(void);

#endif
