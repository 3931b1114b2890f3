/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Atomic verbs named by their order, so that an audit of the memory model is a search for names. The library knows
 * no other atomics. A model checker defines GM_ATOMIC_BACKEND to the name of a header that gives the same verbs
 * over its own atomic type; the protocols are then checked as they are compiled, not as a copy.
 */
#ifndef GM_BASE_ATOMIC_H
#define GM_BASE_ATOMIC_H

#ifdef GM_ATOMIC_BACKEND
#include GM_ATOMIC_BACKEND
#else

#include <stdint.h>

#include "base/tsan.h"

typedef uint64_t gm_atomic_u64;

#define gm_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define gm_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
/* Pointer whose target is read next: needs the dependency only. Compilers promote it to acquire where they must. */
#define gm_load_consume(p) __atomic_load_n((p), __ATOMIC_CONSUME)
#define gm_load_seq_cst(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)

#define gm_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define gm_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define gm_store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

#define gm_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define gm_add_acq_rel(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define gm_sub_release(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELEASE)
#define gm_sub_acq_rel(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)

#define gm_exchange_seq_cst(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define gm_and_seq_cst(p, v) __atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)
/* Gives no value: one that is asked for costs a loop on x86. */
#define gm_or_seq_cst(p, v) ((void)__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST))

/*
 * Fences between relaxed accesses. ThreadSanitizer does not model them, and gcc says so: what they order has to be
 * atomic anyway, and an edge that it shall see needs an acquiring load of its own.
 */
#if GM_TSAN && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif
#define gm_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define gm_fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define gm_fence_seq_cst() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* Exchange *expected for v; true on success, else *expected is what stands there. */
#define gm_cas_relaxed(p, expected, v) \
    __atomic_compare_exchange_n((p), (expected), (v), 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define gm_cas_acquire(p, expected, v) \
    __atomic_compare_exchange_n((p), (expected), (v), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define gm_cas_seq_cst(p, expected, v) \
    __atomic_compare_exchange_n((p), (expected), (v), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#endif
#endif
