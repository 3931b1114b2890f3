// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// Words, lines and fences for include/guestmem/dirty_levels.h and core/dirty/protocol.h in a model: two bits a word,
// two words a line, two lines a span. The marker's half of the barrier is the fence that it stands for.
#ifndef GM_MODEL_DIRTY_WORDS_HPP
#define GM_MODEL_DIRTY_WORDS_HPP

#include "verbs.hpp"

typedef gm_atomic_u64 gm_dirty_word;
typedef gm_atomic_u64 gm_dirty_line;

#define GM_DIRTY_FAN_SHIFT 1
#define GM_DIRTY_LINE_SHIFT 2
#define GM_DIRTY_SPAN 2u

static inline uint64_t gm_dirty_span(gm_dirty_line *lines)
{
    return (gm_load_relaxed(&lines[0]) & 1) | (gm_load_relaxed(&lines[1]) & 1) << 1;
}

#define gm_dirty_fetch(word) ((void)0)
#define gm_dirty_store(p, v) gm_store_seq_cst(p, v)

#if MUTANT == 8
#define GM_DIRTY_LOAD(p) gm_load_relaxed(p)
#else
#define GM_DIRTY_LOAD(p) ((p)->load(rl::mo_seq_cst, RL_INFO))
#endif

#if MUTANT == 11
#define GM_DIRTY_LIGHT() ((void)0)
#else
#define GM_DIRTY_LIGHT() gm_fence_seq_cst()
#endif

#endif
