// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The verbs of core/base/atomic.h over Relacy's atomics. A model names this file as GM_ATOMIC_BACKEND and then
// includes the protocol headers of core, so that what is explored is the code that ships and not a copy of it.
// A mutant may weaken a verb from outside, which is the only way to break such a header without touching it.
#ifndef GM_MODEL_VERBS_HPP
#define GM_MODEL_VERBS_HPP

#include <relacy/relacy.hpp>

typedef rl::atomic<uint64_t> gm_atomic_u64;

#ifndef MODEL_STORE_RELEASE
#define MODEL_STORE_RELEASE rl::mo_release
#endif
#ifndef MODEL_LOAD_ACQUIRE
#define MODEL_LOAD_ACQUIRE rl::mo_acquire
#endif
#ifndef MODEL_SUB_RELEASE
#define MODEL_SUB_RELEASE rl::mo_release
#endif
#ifndef MODEL_SUB_ACQ_REL
#define MODEL_SUB_ACQ_REL rl::mo_acq_rel
#endif
#ifndef MODEL_LOAD_SEQ_CST
#define MODEL_LOAD_SEQ_CST rl::mo_seq_cst
#endif
#ifndef MODEL_CAS_ACQUIRE
#define MODEL_CAS_ACQUIRE rl::mo_acquire
#endif
#ifndef MODEL_CAS_SEQ_CST
#define MODEL_CAS_SEQ_CST rl::mo_seq_cst
#endif
#ifndef MODEL_OR_SEQ_CST
#define MODEL_OR_SEQ_CST rl::mo_seq_cst
#endif

#ifndef MODEL_FENCE_ACQUIRE
#define MODEL_FENCE_ACQUIRE rl::mo_acquire
#endif
#ifndef MODEL_FENCE_RELEASE
#define MODEL_FENCE_RELEASE rl::mo_release
#endif

#define gm_fence_acquire() (rl::atomic_thread_fence(MODEL_FENCE_ACQUIRE, RL_INFO))
#define gm_fence_release() (rl::atomic_thread_fence(MODEL_FENCE_RELEASE, RL_INFO))
#define gm_fence_seq_cst() (rl::atomic_thread_fence(rl::mo_seq_cst, RL_INFO))

#define gm_load_relaxed(p) ((p)->load(rl::mo_relaxed, RL_INFO))
#define gm_load_acquire(p) ((p)->load(MODEL_LOAD_ACQUIRE, RL_INFO))
#define gm_load_consume(p) ((p)->load(rl::mo_acquire, RL_INFO)) // what compilers make of it
#define gm_load_seq_cst(p) ((p)->load(MODEL_LOAD_SEQ_CST, RL_INFO))

#define gm_store_relaxed(p, v) ((p)->store((v), rl::mo_relaxed, RL_INFO))
#define gm_store_release(p, v) ((p)->store((v), MODEL_STORE_RELEASE, RL_INFO))
#define gm_store_seq_cst(p, v) ((p)->store((v), rl::mo_seq_cst, RL_INFO))

#define gm_add_relaxed(p, v) ((p)->fetch_add((v), rl::mo_relaxed, RL_INFO))
#define gm_sub_release(p, v) ((p)->fetch_sub((v), MODEL_SUB_RELEASE, RL_INFO))
#define gm_sub_acq_rel(p, v) ((p)->fetch_sub((v), MODEL_SUB_ACQ_REL, RL_INFO))
#define gm_exchange_seq_cst(p, v) ((p)->exchange((v), rl::mo_seq_cst, RL_INFO))
#define gm_and_seq_cst(p, v) ((p)->fetch_and((v), rl::mo_seq_cst, RL_INFO))
#define gm_or_seq_cst(p, v) ((void)(p)->fetch_or((v), MODEL_OR_SEQ_CST, RL_INFO))
#define gm_cas_acquire(p, expected, v) ((p)->compare_exchange_strong(*(expected), (v), MODEL_CAS_ACQUIRE, RL_INFO))
#define gm_cas_seq_cst(p, expected, v) ((p)->compare_exchange_strong(*(expected), (v), MODEL_CAS_SEQ_CST, RL_INFO))

#endif
