/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#include "alloc/txn/undo.h"

#include "alloc/apply.h"
#include "alloc/cache.h"
#include "alloc/change.h"
#include "alloc/late.h"
#include "alloc/move.h"
#include "alloc/order/ranges.h"
#include "base/check.h"

static void note_guard(struct gm_arena *arena, struct gm_note *note, unsigned side)
{
    uint32_t slot = gm_ranges_beside(arena, note->slot, side);
    const struct gm_node *node = gm_node_of(arena, slot);
    note->guard_slot[side] = slot;
    note->guard[side] = node->last - node->first + 1;
}

struct gm_note gm_undo_note(struct gm_arena *arena, enum gm_note_kind kind, uint32_t slot)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    uint8_t state = gm_load_relaxed(&node->state);
    struct gm_note note = {.kind = kind, .slot = slot, .arena = arena, .first = node->first, .last = node->last,
                           .user = gm_user_of(arena, slot), .owner = node->owner, .late_last = arena->late_last};
    if ((state & GM_NODE_BEFORE) != 0)
        note_guard(arena, &note, 0);
    if ((state & GM_NODE_AFTER) != 0)
        note_guard(arena, &note, 1);
    return note;
}

struct gm_note gm_undo_note_take(struct gm_arena *arena)
{
    const struct gm_block *block = arena->block;
    return (struct gm_note){.kind = GM_NOTE_TAKE, .arena = arena, .slots = block->slots, .cursor = block->cursor,
                            .random = block->random};
}

/* Out of the ranges, and its slot to where it came from; its generation was never used. */
static void untake(struct gm_arena *arena, uint32_t slot, uint32_t slots_before)
{
    struct gm_block *block = arena->block;
    struct gm_node *node = gm_node_of(arena, slot);
    block->used -= node->last - node->first + 1;
    gm_ranges_remove(arena, slot);
    gm_store_relaxed(&node->state, GM_NODE_FREE);
    if (slot > slots_before) {
        gm_check(slot == block->slots);
        block->slots--;
        return;
    }
    gm_store_relaxed(&node->link[0], block->free_slot);
    block->free_slot = slot;
}

/* The slots of a take came in the order guard before, range, guard after. */
static void undo_take(const struct gm_note *note)
{
    struct gm_arena *arena = note->arena;
    uint8_t state = gm_load_relaxed(&gm_node_of(arena, note->slot)->state);
    uint32_t before = (state & GM_NODE_BEFORE) != 0 ? gm_ranges_beside(arena, note->slot, 0) : 0;
    if ((state & GM_NODE_AFTER) != 0)
        untake(arena, gm_ranges_beside(arena, note->slot, 1), note->slots);
    untake(arena, note->slot, note->slots);
    if (before != 0)
        untake(arena, before, note->slots);
    arena->block->cursor = note->cursor;
    arena->block->random = note->random;
}

/* The newest free slot becomes what it was before it was freed. */
static void ungive(struct gm_arena *arena, uint32_t slot, uint64_t first, uint64_t last, uint8_t state, uint32_t owner)
{
    struct gm_node *node = gm_node_of(arena, slot);
    gm_check(arena->block->free_slot == slot);
    arena->block->free_slot = node->link[0];
    arena->block->used += last - first + 1;
    gm_store_relaxed(&node->first, first);
    gm_store_relaxed(&node->last, last);
    gm_store_relaxed(&node->generation, node->generation == 1 ? UINT32_MAX : node->generation - 1);
    gm_store_relaxed(&node->owner, owner);
    gm_store_relaxed(&node->state, state);
    gm_ranges_insert(arena, slot, gm_ranges_seek(arena, first));
}

/* gm_apply_give freed the guard after, the guard before, the range. */
static void undo_give(const struct gm_note *note)
{
    struct gm_arena *arena = note->arena;
    const uint8_t guard = GM_NODE_LIVE | GM_NODE_GUARD;
    uint8_t state = arena->caches == NULL ? GM_NODE_LIVE : GM_NODE_LIVE | GM_KEEP_HELD;
    state |= note->guard[0] != 0 ? GM_NODE_BEFORE : 0;
    state |= note->guard[1] != 0 ? GM_NODE_AFTER : 0;
    ungive(arena, note->slot, note->first, note->last, state, note->owner);
    if (arena->users_capacity != 0)
        gm_store_relaxed(&arena->users[note->slot], note->user);
    if (note->guard[0] != 0)
        ungive(arena, note->guard_slot[0], note->first - note->guard[0], note->first - 1, guard, note->slot);
    if (note->guard[1] != 0)
        ungive(arena, note->guard_slot[1], note->last + 1, note->last + note->guard[1], guard, note->slot);
}

void gm_undo(const struct gm_note *note)
{
    int result = 0;
    switch (note->kind) {
    case GM_NOTE_TAKE:
    case GM_NOTE_GIVE:
        gm_change_open(note->arena);
        if (note->kind == GM_NOTE_TAKE)
            undo_take(note);
        else
            undo_give(note);
        gm_change_close(note->arena);
        break;
    case GM_NOTE_DEFER:
        gm_late_undo(note->arena, note->slot, note->late_last);
        break;
    case GM_NOTE_UPDATE:
        gm_apply_update(note->arena, note->slot, note->owner, note->user);
        break;
    case GM_NOTE_RESIZE:
        result = gm_apply_resize(note->arena, note->slot, note->last);
        break;
    case GM_NOTE_RELOCATE:
        result = gm_apply_relocate(note->arena, note->slot, note->first);
        break;
    case GM_NOTE_IDS_TAKEN:
        (void)gm_ids_give_range(note->ids, (uint32_t)note->first, note->last - note->first + 1);
        break;
    case GM_NOTE_IDS_GIVEN:
        break;
    }
    gm_assert(result == 0);
}
