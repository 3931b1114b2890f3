/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Transactions: the locks, the notes, and the end. What a note holds and how it is undone is in undo.c. */
#include "alloc/txn/txn.h"

#include <errno.h>
#include <string.h>

#include "alloc/cache.h"
#include "base/alloc.h"

#define NOTES_FIRST 16

/* A name of this thread. */
static uint64_t self(void)
{
    static _Thread_local char here;
    return (uintptr_t)&here;
}

/* Parents before children, so that whoever goes down a nest locks in the same order. */
static bool comes_before(const struct gm_arena *a, const struct gm_arena *b)
{
    unsigned depth_a = gm_arena_depth(a), depth_b = gm_arena_depth(b);
    return depth_a != depth_b ? depth_a < depth_b : (uintptr_t)a < (uintptr_t)b;
}

static int sort(struct gm_arena_txn *txn, struct gm_arena *const arenas[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        if (arenas[i] == NULL)
            return -EINVAL;
        for (; place > 0 && comes_before(arenas[i], txn->arenas[place - 1]); place--)
            txn->arenas[place] = txn->arenas[place - 1];
        if (place > 0 && txn->arenas[place - 1] == arenas[i])
            return -EINVAL;
        txn->arenas[place] = arenas[i];
    }
    txn->count = count;
    return 0;
}

/* This thread's own transactions first: to wait for one of these would be for ever. */
static int check_holders(const struct gm_arena_txn *txn)
{
    int result = 0;
    for (size_t i = 0; i < txn->count; i++) {
        uint64_t holder = gm_load_relaxed(&txn->arenas[i]->holder); /* its own name a thread reads for certain */
        if (holder == txn->thread)
            return -EDEADLK;
        if (holder != 0 && !txn->arenas[i]->locked)
            result = -EBUSY;
    }
    return result;
}

static void lock_all(struct gm_arena_txn *txn)
{
    for (size_t i = 0; i < txn->count; i++) {
        gm_arena_lock(txn->arenas[i]);
        gm_store_relaxed(&txn->arenas[i]->holder, txn->thread);
        (void)gm_cache_empty_all(txn->arenas[i]);
    }
}

int gm_arena_txn_begin(struct gm_arena *const arenas[], size_t count, struct gm_arena_txn **out)
{
    struct gm_arena_txn begun = {.open = true, .thread = self()};
    bool sound = (arenas != NULL || count == 0) && count <= GM_ARENA_TXN_ARENAS && out != NULL;
    if (!sound || sort(&begun, arenas, count) != 0)
        return -EINVAL;
    struct gm_arena_txn *txn = gm_alloc(NULL, sizeof(*txn));
    if (txn == NULL)
        return -ENOMEM;
    *txn = begun;
    int result = check_holders(txn);
    if (result != 0) {
        gm_free(NULL, txn, sizeof(*txn));
        return result;
    }
    lock_all(txn);
    *out = txn;
    return 0;
}

int gm_notes_check(const struct gm_arena_txn *txn)
{
    if (txn == NULL)
        return -EINVAL;
    if (txn->thread != self()) /* before anything that its thread may be changing is looked at */
        return -EPERM;
    return txn->open ? 0 : -EINVAL;
}

int gm_notes_reserve(struct gm_arena_txn *txn, struct gm_note **out)
{
    if (txn->notes == txn->capacity) {
        size_t capacity = txn->capacity == 0 ? NOTES_FIRST : 2 * txn->capacity;
        struct gm_note *log = gm_alloc(NULL, capacity * sizeof(*log));
        if (log == NULL)
            return -ENOMEM;
        if (txn->notes != 0)
            memcpy(log, txn->log, txn->notes * sizeof(*log));
        gm_free(NULL, txn->log, txn->capacity * sizeof(*log));
        txn->log = log;
        txn->capacity = capacity;
    }
    *out = &txn->log[txn->notes];
    return 0;
}

static void end(struct gm_arena_txn *txn)
{
    for (size_t i = 0; i < txn->notes; i++)
        if (txn->log[i].arena != NULL)
            gm_cache_let(txn->log[i].arena, txn->log[i].slot);
    for (size_t i = txn->count; i-- > 0;) {
        gm_store_relaxed(&txn->arenas[i]->holder, 0);
        (void)gm_arena_unlock(txn->arenas[i], 0);
    }
    gm_free(NULL, txn->log, txn->capacity * sizeof(*txn->log));
    txn->log = NULL;
    txn->open = false;
}

int gm_arena_txn_commit(struct gm_arena_txn *txn)
{
    int result = gm_notes_check(txn);
    if (result != 0)
        return result;
    for (size_t i = 0; i < txn->notes; i++) {
        const struct gm_note *note = &txn->log[i];
        if (note->kind == GM_NOTE_IDS_GIVEN)
            (void)gm_ids_give_range(note->ids, (uint32_t)note->first, note->last - note->first + 1);
    }
    end(txn);
    return 0;
}

int gm_arena_txn_rollback(struct gm_arena_txn *txn)
{
    int result = gm_notes_check(txn);
    if (result != 0)
        return result;
    for (size_t i = txn->notes; i-- > 0;)
        gm_undo(&txn->log[i]);
    end(txn);
    return 0;
}

void gm_arena_txn_free(struct gm_arena_txn *txn)
{
    if (txn == NULL)
        return;
    (void)gm_arena_txn_rollback(txn);
    gm_free(NULL, txn, sizeof(*txn));
}
