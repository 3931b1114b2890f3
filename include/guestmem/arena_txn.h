/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Transactions of arenas: several edits of ranges and ids, all or nothing.
 *
 *     gm_arena_txn_begin(arenas, 2, &txn);
 *     if (gm_arena_txn_take(txn, mmio, &bar, &info) || gm_arena_txn_id_take(txn, gsis, &gsi))
 *         gm_arena_txn_rollback(txn);
 *     else
 *         gm_arena_txn_commit(txn);
 *     gm_arena_txn_free(txn);
 *
 * Edits of arenas are made at once, and lookups see each of them whole. What an edit needs to be taken back is noted
 * before it is made: an edit that cannot be noted fails, and rollback needs nothing that could be refused. Rolled
 * back, an arena decides as if the transaction had never been: places, handles, the order of reuse, the cursor of
 * GM_PLACE_NEXT and the state of GM_PLACE_RANDOM are what they were. Handles that were handed out inside are void then,
 * and may be handed out again. Memory that came for the edits stays with the arena.
 *
 * Ids are taken at once, and given at commit: until then another thread can neither take what may come back nor see it
 * as free.
 *
 * What changes ranges has its call below; gm_arena_give_exact and gm_arena_give_at are gm_arena_find and
 * gm_arena_txn_give. Not in transactions:
 *   gm_arena_reclaim, _reclaim_ready   they free what nobody has any more, which needs no taking back; the first one
 *                                      waits for readers, and a reader may be waiting for the lock
 *   gm_arena_extend                    it hands nothing out: done before, it harms nobody if the rest is rolled back
 *   gm_arena_create_child, _adopt,     others may use a child as soon as it is there, and it has memory of its own that
 *   gm_arena_destroy                   could not be had again; it can be destroyed before or after
 *   caches (arena_cache.h)             they work beside the arena's lock; gm_arena_txn_take is what there is instead
 *
 * Unless a declaration says otherwise:
 *   Errors:  in this order: -EINVAL (no transaction); -EPERM (another thread began it); -EINVAL (it has ended, another
 *            argument is NULL, the arena is not in it); -ENOMEM (no memory for the note); then those of the same call
 *            without a transaction, in their order. After every error the transaction is as before, and goes on.
 *   Context: the thread that began it.
 *   Cost:    that of the same call without a transaction, and O(1) more; memory for the notes comes in steps.
 */
#ifndef GUESTMEM_ARENA_TXN_H
#define GUESTMEM_ARENA_TXN_H

#include <stddef.h>
#include <stdint.h>

#include <guestmem/api.h>
#include <guestmem/arena.h>
#include <guestmem/ids.h>

GM_BEGIN_DECLS

struct gm_arena_txn;

#define GM_ARENA_TXN_ARENAS 64

/*
 * Begin a transaction on `count` arenas, each named once; count may be 0 for ids alone. Arenas with GM_ARENA_LOCKED are
 * locked until the end, parents before children and else in the order of their addresses, so that transactions wait for
 * each other without deadlock; of the others the caller promises that nobody changes them meanwhile. Until the end this
 * thread makes no changing call and asks no question (arena_query.h) on these arenas but through the transaction.
 * Returns 0; -EINVAL (NULL, more than GM_ARENA_TXN_ARENAS, one twice); -ENOMEM; -EDEADLK (this thread has one of them
 * in a transaction); -EBUSY (one without GM_ARENA_LOCKED is in a transaction).
 * Context: any thread.   Progress: blocking (locks).   Cost: O(count^2).
 */
GM_API GM_MUST_CHECK int gm_arena_txn_begin(struct gm_arena *const arenas[], size_t count, struct gm_arena_txn **out);

/*
 * As gm_arena_take, _reserve, _give, _resize, _relocate, _update, and gm_arena_defer (arena_defer.h): rolled back, a
 * deferred range is live again and its handle good. Blocks that come into caches meanwhile stand in the way of takes.
 */
GM_API GM_MUST_CHECK int gm_arena_txn_take(struct gm_arena_txn *txn, struct gm_arena *arena,
                                           const struct gm_request *request, struct gm_range_info *out);
GM_API GM_MUST_CHECK int gm_arena_txn_reserve(struct gm_arena_txn *txn, struct gm_arena *arena, uint64_t first,
                                              uint64_t last, uint32_t owner, uint64_t user, gm_range *out);
GM_API GM_MUST_CHECK int gm_arena_txn_give(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range);
GM_API GM_MUST_CHECK int gm_arena_txn_defer(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range);
GM_API GM_MUST_CHECK int gm_arena_txn_resize(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range,
                                             uint64_t new_last);
GM_API GM_MUST_CHECK int gm_arena_txn_relocate(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range,
                                               uint64_t new_first);
GM_API GM_MUST_CHECK int gm_arena_txn_update(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range,
                                             uint32_t owner, uint64_t user);

/*
 * As gm_ids_take, _take_any, _take_in, _take_at, _take_group, _take_range, _reserve; rolled back, what was taken is
 * given.
 * Progress: as these, once there is memory.
 */
GM_API GM_MUST_CHECK int gm_arena_txn_id_take(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t *out);
GM_API GM_MUST_CHECK int gm_arena_txn_id_take_any(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t *out);
GM_API GM_MUST_CHECK int gm_arena_txn_id_take_in(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t least,
                                                 uint32_t most, uint32_t *out);
GM_API GM_MUST_CHECK int gm_arena_txn_id_take_at(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t id);
GM_API GM_MUST_CHECK int gm_arena_txn_id_take_group(struct gm_arena_txn *txn, struct gm_ids *ids, unsigned order,
                                                    uint32_t *out);
GM_API GM_MUST_CHECK int gm_arena_txn_id_take_range(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t count,
                                                    uint32_t *out);
GM_API GM_MUST_CHECK int gm_arena_txn_id_reserve(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t first,
                                                 uint64_t count);

/*
 * Give [first, first + count) at commit. Nobody else may give them meanwhile.
 * Returns 0; the top's; then -EINVAL (count 0); -ERANGE (not of these ids); -ENOENT (one is not taken, or was given in
 * this transaction before).   Cost: O(count / 64 + edits so far).
 */
GM_API GM_MUST_CHECK int gm_arena_txn_id_give(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t first,
                                              uint64_t count);

/*
 * End it: keep everything, or take everything back. Neither allocates, and neither can fail in a sound call.
 * Returns 0.   Cost: commit O(edits + ids that it gives / 64), rollback O(edits * log ranges).
 */
GM_API int gm_arena_txn_commit(struct gm_arena_txn *txn);
GM_API int gm_arena_txn_rollback(struct gm_arena_txn *txn);

/* Free it; one that has not ended is rolled back. NULL is ignored.   Context: as above, after the end any thread. */
GM_API void gm_arena_txn_free(struct gm_arena_txn *txn);

GM_END_DECLS

#endif
