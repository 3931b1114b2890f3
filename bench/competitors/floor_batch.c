/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The floor of a batch: a load, an addition and a store for each address, in the widest vectors that the CPU
 * has. Vector types instead of a plain loop, so that the width does not depend on an optimisation level.
 */
#include "competitor.h"

#if defined(__x86_64__)
#define TARGET(isa) __attribute__((target(isa)))
#else
#define TARGET(isa)
#endif

#define WORDS(bytes) ((bytes) / sizeof(uint64_t))

/* Unaligned vectors of so many bytes, and the loop over them. */
#define DEFINE_ADD(name, bytes, isa)                                                                         \
    typedef uint64_t name##_vector __attribute__((vector_size(bytes), aligned(8), may_alias));               \
                                                                                                             \
    TARGET(isa) static size_t name(const uint64_t *gpa, size_t count, uint64_t delta, uint64_t *hva)         \
    {                                                                                                        \
        size_t i = 0;                                                                                        \
                                                                                                             \
        for (; i + WORDS(bytes) <= count; i += WORDS(bytes))                                                 \
            *(name##_vector *)&hva[i] = *(const name##_vector *)&gpa[i] + delta;                             \
        return i;                                                                                            \
    }

DEFINE_ADD(add_16_bytes, 16, "sse2")

#if defined(__x86_64__)
DEFINE_ADD(add_32_bytes, 32, "avx2")
DEFINE_ADD(add_64_bytes, 64, "avx512f")
#endif

void bench_floor_batch(const uint64_t *gpa, size_t count, uint64_t delta, uint64_t *hva)
{
    size_t done = 0;

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        done = add_64_bytes(gpa, count, delta, hva);
    else if (__builtin_cpu_supports("avx2"))
        done = add_32_bytes(gpa, count, delta, hva);
#endif
    done += add_16_bytes(gpa + done, count - done, delta, hva + done);
    for (; done < count; done++)
        hva[done] = gpa[done] + delta;
}
