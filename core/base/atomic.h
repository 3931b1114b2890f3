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

typedef uint64_t gm_atomic_u64;

#define gm_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define gm_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
/* Pointer whose target is read next: needs the dependency only. Compilers promote it to acquire where they must. */
#define gm_load_consume(p) __atomic_load_n((p), __ATOMIC_CONSUME)

#define gm_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define gm_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

#define gm_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define gm_sub_release(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELEASE)
#define gm_sub_acq_rel(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)

#endif
#endif
