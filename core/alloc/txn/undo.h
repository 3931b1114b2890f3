/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Taking edits back. A note has what an edit destroys; it is made before the edit, and undone in the reverse order.
 * Then each undo finds the arena as its edit left it: what it puts back has room, and slots return to the list in the
 * order in which they left it.
 */
#ifndef GM_ALLOC_TXN_UNDO_H
#define GM_ALLOC_TXN_UNDO_H

#include "alloc/block/arena.h"
#include "guestmem/ids.h"

enum gm_note_kind {
    GM_NOTE_TAKE,
    GM_NOTE_GIVE,
    GM_NOTE_DEFER,
    GM_NOTE_RESIZE,
    GM_NOTE_RELOCATE,
    GM_NOTE_UPDATE,
    GM_NOTE_IDS_TAKEN,
    GM_NOTE_IDS_GIVEN
};

struct gm_note {
    enum gm_note_kind kind;
    uint32_t slot;
    bool held; /* by an edit before (keep.h) */
    struct gm_arena *arena; /* NULL: of ids */
    struct gm_ids *ids;
    uint64_t first, last;   /* of the range before; of ids */
    uint64_t user;          /* GIVE, UPDATE */
    uint64_t guard[2];      /* GIVE: lengths of the guards before and after; 0: none */
    uint32_t guard_slot[2]; /* GIVE */
    uint32_t owner;         /* GIVE, UPDATE */
    uint32_t late_last;     /* DEFER: who stood at the end of the queue */
    uint32_t slots;         /* TAKE: that had ever been in use */
    uint64_t cursor, random; /* TAKE */
};

/* Note a live range before it is changed. */
struct gm_note gm_undo_note(struct gm_arena *arena, enum gm_note_kind kind, uint32_t slot);

/* Note that a range is about to be taken; its slot is filled in after. */
struct gm_note gm_undo_note_take(struct gm_arena *arena);

/*
 * The newest edit that is not yet undone. Allocates nothing. Where the arena has caches, they leave the range alone
 * until gm_cache_let.
 */
void gm_undo(const struct gm_note *note);

#endif
