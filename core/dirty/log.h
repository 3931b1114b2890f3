/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Moving bits of a log that others write meanwhile into a bitmap; tests/model/drain.cpp explores this very code.
 *
 * Participants: writers of the log, in any process or in the kernel, which write to a page and then OR its bit, a byte
 *   or a word at a time; who drains it, any number; markers and a harvester, as in protocol.h.
 * Argument. A bit is taken by a read-modify-write that comes after the writer's own on the same byte: it is taken once,
 *   and the write before it is visible to who takes it, who then marks, as any marker. [dirty-P6] Where the page is
 *   marked already and nothing is stored, the harvester's barrier makes the write visible to others, as it does for any
 *   mark that was skipped. [dirty-P3] What was taken is marked before the next word is looked at, and nothing between
 *   can fail: which bits have pages is known before, and bitmaps never shrink.
 * C knows nothing of atomic operations of different sizes on one object. Processors do: memory is coherent by the byte.
 */
#ifndef GM_DIRTY_LOG_H
#define GM_DIRTY_LOG_H

#include "dirty/protocol.h"

#ifndef GM_DIRTY_BACKEND
typedef uint64_t __attribute__((may_alias)) gm_dirty_log_word;
#else
typedef gm_atomic_u64 gm_dirty_log_word;
#endif

/* Take those bits of a word that are set and wanted. The whole is exchanged: on x86 other forms are loops. */
static inline uint64_t gm_dirty_take_log(gm_dirty_log_word *word, uint64_t want)
{
    if ((gm_load_seq_cst(word) & want) == 0)
        return 0;
    if (want == GM_DIRTY_FULL)
        return gm_exchange_seq_cst(word, 0); /* [dirty-P6] */
    return gm_and_seq_cst(word, ~want) & want; /* [dirty-P6] */
}

/* Mark pages of one word for somebody else; nothing is stored where they are marked. */
static inline void gm_dirty_mark_word(const struct gm_dirty_levels *levels, uint64_t word, uint64_t bits, bool locked)
{
    GM_DIRTY_LIGHT(); /* [dirty-P3] */
    gm_dirty_join(&levels->words[word], bits, locked);
    gm_dirty_show(levels, word >> GM_DIRTY_WORDS_SHIFT);
}

#endif
