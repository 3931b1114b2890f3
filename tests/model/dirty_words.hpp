// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// Words and fences for include/guestmem/dirty_levels.h in a model: two bits a word, and the marker's half of the
// barrier as the fence that it stands for.
#ifndef GM_MODEL_DIRTY_WORDS_HPP
#define GM_MODEL_DIRTY_WORDS_HPP

#include "verbs.hpp"

typedef gm_atomic_u64 gm_dirty_word;

#define GM_DIRTY_FAN_SHIFT 1

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
