/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Ids in transactions: what is taken is taken at once and given by rollback, what is given is only noted until commit.
 */
#include <errno.h>

#include "alloc/txn/txn.h"

static int prepare_ids(struct gm_arena_txn *txn, struct gm_ids *ids, struct gm_note **out)
{
    int result = gm_notes_check(txn);
    if (result == 0 && ids == NULL)
        result = -EINVAL;
    if (result == 0)
        result = gm_notes_reserve(txn, out);
    return result;
}

static int keep_ids(struct gm_arena_txn *txn, enum gm_note_kind kind, struct gm_ids *ids, uint32_t first,
                    uint64_t count)
{
    txn->log[txn->notes++] = (struct gm_note){.kind = kind, .ids = ids, .first = first, .last = first + (count - 1)};
    return 0;
}

int gm_arena_txn_id_take(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t *out)
{
    struct gm_note *note;
    int result = prepare_ids(txn, ids, &note);
    if (result == 0)
        result = gm_ids_take(ids, out);
    return result != 0 ? result : keep_ids(txn, GM_NOTE_IDS_TAKEN, ids, *out, 1);
}

int gm_arena_txn_id_take_at(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t id)
{
    struct gm_note *note;
    int result = prepare_ids(txn, ids, &note);
    if (result == 0)
        result = gm_ids_take_at(ids, id);
    return result != 0 ? result : keep_ids(txn, GM_NOTE_IDS_TAKEN, ids, id, 1);
}

int gm_arena_txn_id_take_group(struct gm_arena_txn *txn, struct gm_ids *ids, unsigned order, uint32_t *out)
{
    struct gm_note *note;
    int result = prepare_ids(txn, ids, &note);
    if (result == 0)
        result = gm_ids_take_group(ids, order, out);
    return result != 0 ? result : keep_ids(txn, GM_NOTE_IDS_TAKEN, ids, *out, UINT64_C(1) << order);
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

int gm_arena_txn_id_give(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t first, uint32_t count)
{
    struct gm_note *note;
    int result = prepare_ids(txn, ids, &note);
    uint64_t last = (uint64_t)first + count - 1;
    if (result == 0 && count == 0)
        result = -EINVAL;
    if (result == 0 && (last > UINT32_MAX || gm_ids_is_taken(ids, first) < 0 ||
                        gm_ids_is_taken(ids, (uint32_t)last) < 0))
        result = -ERANGE;
    for (uint64_t id = first; result == 0 && id <= last; id++)
        result = gm_ids_is_taken(ids, (uint32_t)id) == 1 ? 0 : -ENOENT;
    if (result == 0 && is_given(txn, ids, first, last))
        result = -ENOENT;
    return result != 0 ? result : keep_ids(txn, GM_NOTE_IDS_GIVEN, ids, first, count);
}
