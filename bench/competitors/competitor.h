/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The loops around every competitor, the same for all and the same as around ours: what is compared is one
 * call of a translate function, not how well a compiler merges it into a loop.
 *
 * Order of memory accesses is spelt with the compiler's __atomic builtins here: these are other people's
 * algorithms, and the wrappers of the library's core are not theirs to use.
 */
#ifndef BENCH_COMPETITOR_H
#define BENCH_COMPETITOR_H

#include "../lib/inputs.h"

/* Called: not inlined, and not specialised for what the compiler happens to know of the caller. */
#if defined(__clang__)
#define BENCH_TRANSLATE static __attribute__((noinline))
#else
#define BENCH_TRANSLATE static __attribute__((noipa))
#endif

#define BENCH_DECLARE(type)                                                                                  \
    void *bench_##type##_build(const struct bench_ram *ranges, size_t count);                                \
    void bench_##type##_destroy(void *self);                                                                 \
    uint64_t bench_##type##_run_call(void *self, const uint64_t *gpa, size_t count);                         \
    uint64_t bench_##type##_run_dependent(void *self, const uint64_t *gpa, size_t count)

BENCH_DECLARE(floor);
BENCH_DECLARE(linear);
BENCH_DECLARE(halving);
BENCH_DECLARE(branchy);
BENCH_DECLARE(tree);
BENCH_DECLARE(seqlock);
BENCH_DECLARE(radix);

/* Defines the two loops around uint64_t TYPE_translate(struct TYPE *self, uint64_t gpa). */
#define BENCH_LOOPS(type)                                                                                    \
    uint64_t bench_##type##_run_call(void *self, const uint64_t *gpa, size_t count)                          \
    {                                                                                                        \
        uint64_t sum = 0;                                                                                    \
                                                                                                             \
        for (size_t i = 0; i < count; i++)                                                                   \
            sum += type##_translate((struct type *)self, gpa[i]);                                            \
        return sum;                                                                                          \
    }                                                                                                        \
                                                                                                             \
    uint64_t bench_##type##_run_dependent(void *self, const uint64_t *gpa, size_t count)                     \
    {                                                                                                        \
        uint64_t sum = 0, hva = 0;                                                                           \
                                                                                                             \
        for (size_t i = 0; i < count; i++) {                                                                 \
            hva = type##_translate((struct type *)self, gpa[i] + bench_chain(hva));                          \
            sum += hva;                                                                                      \
        }                                                                                                    \
        return sum;                                                                                          \
    }

/*
 * Whether an access at this distance from the start of so long a range stays inside; a wrapped one does not.
 */
static inline int bench_inside(uint64_t distance, uint64_t size)
{
    return distance < size && size - distance >= BENCH_ACCESS_LEN;
}

/*
 * The further of two places to go on from, chosen without a branch by whether its start is not above gpa. One
 * compiler makes a conditional move of the plain expression and another a branch, which is mispredicted every
 * second time and three times as slow, so the instruction is given where it is known.
 */
static inline const uint64_t *bench_step(const uint64_t *near, const uint64_t *far, uint64_t gpa)
{
#if defined(__x86_64__)
    __asm__("cmp %2, %1\n\tcmovae %3, %0" : "+r"(near) : "r"(gpa), "m"(*far), "r"(far) : "cc");
    return near;
#else
    return __atomic_load_n(far, __ATOMIC_RELAXED) <= gpa ? far : near;
#endif
}

/* The index of the last of count sorted starts that is not above gpa, or 0 when there is none. */
static inline size_t bench_halve(const uint64_t *starts, size_t count, uint64_t gpa)
{
    const uint64_t *at = starts;

    while (count > 1) {
        size_t half = count / 2;
        at = bench_step(at, at + half, gpa);
        count -= half;
    }
    return (size_t)(at - starts);
}

/* The same ranges as three arrays, so that a search reads eight starts a cache line. */
struct bench_arrays {
    uint64_t *starts, *sizes, *deltas;
    size_t count;
};

int bench_arrays_build(struct bench_arrays *arrays, const struct bench_ram *ranges, size_t count);
void bench_arrays_destroy(struct bench_arrays *arrays);

#endif
