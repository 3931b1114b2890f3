/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Ids in transactions: what is taken is taken at once and given by rollback, what is given is only noted until commit.
 */
#include <errno.h>

#include "alloc/txn/txn.h"
#include "ids/ids.h"

/* Before an edit of ids; out is what it has to be told. */
static int prepare(struct gm_arena_txn *txn, const struct gm_ids *ids, const void *out)
{
    struct gm_note *note;
    int result = gm_notes_check(txn);
    if (result != 0)
        return result;
    return ids != NULL && out != NULL ? gm_notes_reserve(txn, &note) : -EINVAL;
}

/* It has been made, or not. */
static int keep(struct gm_arena_txn *txn, int result, enum gm_note_kind kind, struct gm_ids *ids, uint32_t first,
                uint64_t count)
{
    const struct gm_note note = {.kind = kind, .ids = ids, .first = first, .last = first + (count - 1)};
    if (result == 0)
        txn->log[txn->notes++] = note;
    return result;
}

static int keep_taken(struct gm_arena_txn *txn, int result, struct gm_ids *ids, const uint32_t *first, uint64_t count)
{
    return result != 0 ? result : keep(txn, 0, GM_NOTE_IDS_TAKEN, ids, *first, count);
}

int gm_arena_txn_id_take(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t *out)
{
    int result = prepare(txn, ids, out);
    return result != 0 ? result : keep_taken(txn, gm_ids_take(ids, out), ids, out, 1);
}

int gm_arena_txn_id_take_any(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t *out)
{
    int result = prepare(txn, ids, out);
    return result != 0 ? result : keep_taken(txn, gm_ids_take_any(ids, out), ids, out, 1);
}

int gm_arena_txn_id_take_in(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t least, uint32_t most, uint32_t *out)
{
    int result = prepare(txn, ids, out);
    return result != 0 ? result : keep_taken(txn, gm_ids_take_in(ids, least, most, out), ids, out, 1);
}

int gm_arena_txn_id_take_at(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t id)
{
    int result = prepare(txn, ids, &id);
    return result != 0 ? result : keep_taken(txn, gm_ids_take_at(ids, id), ids, &id, 1);
}

int gm_arena_txn_id_take_group(struct gm_arena_txn *txn, struct gm_ids *ids, unsigned order, uint32_t *out)
{
    int result = prepare(txn, ids, out);
    if (result == 0)
        result = gm_ids_take_group(ids, order, out);
    return result != 0 ? result : keep_taken(txn, 0, ids, out, UINT64_C(1) << order);
}

int gm_arena_txn_id_take_range(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t count, uint32_t *out)
{
    int result = prepare(txn, ids, out);
    return result != 0 ? result : keep_taken(txn, gm_ids_take_range(ids, count, out), ids, out, count);
}

int gm_arena_txn_id_reserve(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t first, uint64_t count)
{
    int result = prepare(txn, ids, &first);
    return result != 0 ? result : keep_taken(txn, gm_ids_reserve(ids, first, count), ids, &first, count);
}

static bool is_given(const struct gm_arena_txn *txn, const struct gm_ids *ids, uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < txn->notes; i++) {
        const struct gm_note *note = &txn->log[i];
        if (note->kind == GM_NOTE_IDS_GIVEN && note->ids == ids && note->first <= last && note->last >= first)
            return true;
    }
    return false;
}

int gm_arena_txn_id_give(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t first, uint64_t count)
{
    int result = prepare(txn, ids, &first);
    if (result == 0)
        result = gm_ids_all_taken(ids, first, count);
    if (result == 0 && is_given(txn, ids, first, first + (count - 1)))
        result = -ENOENT;
    return keep(txn, result, GM_NOTE_IDS_GIVEN, ids, first, count);
}
