/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Transactions: the locks, the notes, and the end. What a note holds and how it is undone is in undo.c. */
#include "alloc/txn/txn.h"

#include <errno.h>
#include <string.h>

#include "alloc/apply.h"
#include "alloc/cache.h"
#include "alloc/change.h"
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

static int check_holders(const struct gm_arena_txn *txn)
{
    for (size_t i = 0; i < txn->count; i++) {
        uint64_t holder = gm_load_relaxed(&txn->arenas[i]->holder); /* its own name a thread reads for certain */
        if (holder == txn->thread)
            return -EDEADLK;
        if (holder != 0 && !txn->arenas[i]->locked)
            return -EBUSY;
    }
    return 0;
}

int gm_arena_txn_begin(struct gm_arena *const arenas[], size_t count, struct gm_arena_txn **out)
{
    if ((arenas == NULL && count != 0) || count > GM_ARENA_TXN_ARENAS || out == NULL)
        return -EINVAL;
    struct gm_arena_txn *txn = gm_alloc(NULL, sizeof(*txn));
    if (txn == NULL)
        return -ENOMEM;
    *txn = (struct gm_arena_txn){.open = true, .thread = self()};
    int result = sort(txn, arenas, count);
    if (result == 0)
        result = check_holders(txn);
    if (result != 0) {
        gm_free(NULL, txn, sizeof(*txn));
        return result;
    }
    for (size_t i = 0; i < count; i++) {
        gm_arena_lock(txn->arenas[i]);
        gm_store_relaxed(&txn->arenas[i]->holder, txn->thread);
        (void)gm_cache_empty_all(txn->arenas[i]);
    }
    *out = txn;
    return 0;
}

int gm_notes_check(const struct gm_arena_txn *txn)
{
    if (txn == NULL || !txn->open)
        return -EINVAL;
    return txn->thread == self() ? 0 : -EPERM;
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

/* Before an edit of an arena; before one of a range, slot too. */
static int prepare(struct gm_arena_txn *txn, const struct gm_arena *arena, struct gm_note **out)
{
    int result = gm_notes_check(txn);
    size_t i = 0;
    if (result != 0)
        return result;
    while (i < txn->count && txn->arenas[i] != arena)
        i++;
    return arena != NULL && i < txn->count ? gm_notes_reserve(txn, out) : -EINVAL;
}

static int prepare_range(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range, enum gm_note_kind kind,
                         struct gm_note **out)
{
    uint32_t slot;
    int result = prepare(txn, arena, out);
    if (result == 0)
        result = gm_change_slot(arena, range, &slot);
    if (result == 0)
        **out = gm_undo_note(arena, kind, slot);
    return result;
}

/* The edit has been made, or not. */
static int keep(struct gm_arena_txn *txn, int result)
{
    txn->notes += result == 0;
    return result;
}

int gm_arena_txn_take(struct gm_arena_txn *txn, struct gm_arena *arena, const struct gm_request *request,
                      struct gm_range_info *out)
{
    struct gm_range_info info;
    struct gm_note *note;
    int result = prepare(txn, arena, &note);
    if (result != 0 || request == NULL)
        return result != 0 ? result : -EINVAL;
    *note = gm_undo_note_take(arena);
    result = gm_apply_take(arena, request, &info);
    if (result == 0) {
        note->slot = (uint32_t)info.range;
        if (out != NULL)
            *out = info;
    }
    return keep(txn, result);
}

int gm_arena_txn_give(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range)
{
    struct gm_note *note;
    int result = prepare_range(txn, arena, range, GM_NOTE_GIVE, &note);
    return result != 0 ? result : keep(txn, gm_apply_give(arena, note->slot));
}

int gm_arena_txn_resize(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range, uint64_t new_last)
{
    struct gm_note *note;
    int result = prepare_range(txn, arena, range, GM_NOTE_RESIZE, &note);
    return result != 0 ? result : keep(txn, gm_apply_resize(arena, note->slot, new_last));
}

int gm_arena_txn_relocate(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range, uint64_t new_first)
{
    struct gm_note *note;
    int result = prepare_range(txn, arena, range, GM_NOTE_RELOCATE, &note);
    return result != 0 ? result : keep(txn, gm_apply_relocate(arena, note->slot, new_first));
}

static void end(struct gm_arena_txn *txn)
{
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
