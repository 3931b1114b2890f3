/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A transaction: the arenas that it holds, and a note of each edit. */
#ifndef GM_ALLOC_TXN_TXN_H
#define GM_ALLOC_TXN_TXN_H

#include "alloc/txn/undo.h"
#include "guestmem/arena_txn.h"

struct gm_arena_txn {
    bool open;
    uint64_t thread;
    size_t count, notes, capacity;
    struct gm_note *log;
    struct gm_arena *arenas[GM_ARENA_TXN_ARENAS];
};

/* May this thread go on with it? 0; -EINVAL (none); -EPERM; -EINVAL (it has ended). */
int gm_notes_check(const struct gm_arena_txn *txn);

/* Room for one note more, which is none until it is counted. 0 or -ENOMEM. */
int gm_notes_reserve(struct gm_arena_txn *txn, struct gm_note **out);

#endif
