/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Transactions of arenas: several ranges and ids, all or nothing.
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
 * Unless a declaration says otherwise:
 *   Errors:  -EINVAL for NULL, for a transaction that has ended, and for an arena that is not in it; -EPERM (another
 *            thread began it). After every error the transaction is as before, and goes on.
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
 * Returns 0; -EINVAL (more than GM_ARENA_TXN_ARENAS, one twice); -ENOMEM; -EDEADLK (this thread has one of them in a
 * transaction); -EBUSY (one without GM_ARENA_LOCKED is in a transaction).
 * Context: any thread.   Progress: blocking (locks).   Cost: O(count^2).
 */
GM_API GM_MUST_CHECK int gm_arena_txn_begin(struct gm_arena *const arenas[], size_t count, struct gm_arena_txn **out);

/* As gm_arena_take, gm_arena_give, gm_arena_resize, gm_arena_relocate.   Returns as these, or -ENOMEM. */
GM_API GM_MUST_CHECK int gm_arena_txn_take(struct gm_arena_txn *txn, struct gm_arena *arena,
                                           const struct gm_request *request, struct gm_range_info *out);
GM_API GM_MUST_CHECK int gm_arena_txn_give(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range);
GM_API GM_MUST_CHECK int gm_arena_txn_resize(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range,
                                             uint64_t new_last);
GM_API GM_MUST_CHECK int gm_arena_txn_relocate(struct gm_arena_txn *txn, struct gm_arena *arena, gm_range range,
                                               uint64_t new_first);

/*
 * As gm_ids_take, gm_ids_take_at, gm_ids_take_group; rolled back, what was taken is given.
 * Returns as these, or -ENOMEM.   Progress: as these, once there is memory.
 */
GM_API GM_MUST_CHECK int gm_arena_txn_id_take(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t *out);
GM_API GM_MUST_CHECK int gm_arena_txn_id_take_at(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t id);
GM_API GM_MUST_CHECK int gm_arena_txn_id_take_group(struct gm_arena_txn *txn, struct gm_ids *ids, unsigned order,
                                                    uint32_t *out);

/*
 * Give [first, first + count) at commit. Nobody else may give them meanwhile.
 * Returns 0; -EINVAL (count 0); -ERANGE (not of these ids); -ENOENT (one is not taken, or was given in this transaction
 * before); -ENOMEM.   Cost: O(count + edits so far).
 */
GM_API GM_MUST_CHECK int gm_arena_txn_id_give(struct gm_arena_txn *txn, struct gm_ids *ids, uint32_t first,
                                              uint32_t count);

/*
 * End it: keep everything, or take everything back. Neither allocates, and neither can fail in a sound call.
 * Returns 0.   Cost: commit O(id gives), rollback O(edits * log ranges).
 */
GM_API int gm_arena_txn_commit(struct gm_arena_txn *txn);
GM_API int gm_arena_txn_rollback(struct gm_arena_txn *txn);

/* Free it; one that has not ended is rolled back. NULL is ignored.   Context: as above, after the end any thread. */
GM_API void gm_arena_txn_free(struct gm_arena_txn *txn);

GM_END_DECLS

#endif
