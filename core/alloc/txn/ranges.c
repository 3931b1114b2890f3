/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Edits of ranges in transactions. What one changes is held (keep.h) until the end: a cache that got the range in
 * between would have it at a place from which a rollback moves it away.
 */
#include <errno.h>

#include "alloc/apply.h"
#include "alloc/cache.h"
#include "alloc/change.h"
#include "alloc/late.h"
#include "alloc/move.h"
#include "alloc/txn/txn.h"

/* Before an edit of an arena. */
static int prepare(struct gm_arena_txn *txn, const struct gm_arena *arena, struct gm_note **out)
{
    int result = gm_notes_check(txn);
    size_t i = 0;
    if (result != 0)
        return result;
    while (i < txn->count && txn->arenas[i] != arena)
        i++;
    return i < txn->count ? gm_notes_reserve(txn, out) : -EINVAL;
}

/* Before an edit of a live range, which is noted. */
static int prepare_range(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range, enum gm_note_kind kind,
                         struct gm_note **out)
{
    uint32_t slot;
    int result = prepare(txn, arena, out);
    if (result == 0)
        result = gm_change_slot(arena, range, &slot);
    if (result != 0)
        return result;
    bool held = (gm_load_relaxed(&gm_node_of(arena, slot)->state) & GM_KEEP_HELD) != 0;
    if (!gm_cache_hold(arena, range))
        return -ESTALE;
    **out = gm_undo_note(arena, kind, slot);
    (*out)->held = held;
    return 0;
}

/* The edit has been made, or not. */
static int keep(struct gm_arena_txn *txn, int result)
{
    const struct gm_note *note = &txn->log[txn->notes];
    if (result == 0)
        txn->notes++;
    else if (!note->held)
        gm_cache_let(note->arena, note->slot);
    return result;
}

/* A range has come. */
static void keep_taken(struct gm_arena_txn *txn, struct gm_note *note, gm_range range)
{
    note->slot = (uint32_t)range;
    (void)gm_cache_hold(note->arena, range);
    txn->notes++;
}

int gm_arena_txn_take(struct gm_arena_txn *txn, struct gm_arena *arena, const struct gm_request *request,
                      struct gm_range_info *out)
{
    struct gm_range_info info;
    struct gm_note *note;
    int result = gm_notes_check(txn);
    if (result != 0 || request == NULL)
        return result != 0 ? result : -EINVAL;
    result = prepare(txn, arena, &note);
    if (result != 0)
        return result;
    *note = gm_undo_note_take(arena);
    result = gm_apply_take(arena, request, &info);
    if (result != 0)
        return result;
    keep_taken(txn, note, info.range);
    if (out != NULL)
        *out = info;
    return 0;
}

int gm_arena_txn_reserve(struct gm_arena_txn *txn, struct gm_arena *arena, uint64_t first, uint64_t last,
                         uint32_t owner, uint64_t user, gm_range *out)
{
    struct gm_note *note;
    gm_range range;
    int result = prepare(txn, arena, &note);
    if (result != 0)
        return result;
    *note = gm_undo_note_take(arena);
    result = gm_apply_reserve(arena, first, last, owner, user, &range);
    if (result != 0)
        return result;
    keep_taken(txn, note, range);
    if (out != NULL)
        *out = range;
    return 0;
}

int gm_arena_txn_give(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range)
{
    struct gm_note *note;
    int result = prepare_range(txn, arena, range, GM_NOTE_GIVE, &note);
    return result != 0 ? result : keep(txn, gm_apply_give(arena, note->slot));
}

int gm_arena_txn_defer(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range)
{
    struct gm_note *note;
    int result = prepare(txn, arena, &note);
    if (result == 0 && arena->late == NULL)
        result = -EOPNOTSUPP;
    if (result == 0)
        result = prepare_range(txn, arena, range, GM_NOTE_DEFER, &note);
    if (result != 0)
        return result;
    gm_late_defer(arena, note->slot);
    return keep(txn, 0);
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

int gm_arena_txn_update(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range, uint32_t owner,
                        uint64_t user)
{
    struct gm_note *note;
    int result = prepare_range(txn, arena, range, GM_NOTE_UPDATE, &note);
    if (result != 0)
        return result;
    gm_apply_update(arena, note->slot, owner, user);
    return keep(txn, 0);
}
