/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Nested arenas: a root owns all guest-physical addresses, a child manages a range of its parent: RAM, the 32-bit MMIO
 * window, the window of a bridge inside that, a hotplug area. What a child hands out lies in its range, which nobody
 * else gets while the child lives: so nothing overlaps, and gm_arena_verify proves it.
 *
 *     gm_arena_create(&all_addresses, &root);
 *     gm_arena_create_child(root, &window, &config, &mmio);
 *     gm_arena_create_child(mmio, &bridge_window, &config, &bridge);
 *     gm_arena_take(bridge, &bar, &info);
 *     gm_arena_destroy(bridge);                                  its range is free in mmio again
 *
 * The range of a child can be looked up in the parent as any other, with GM_RANGE_NESTED. gm_arena_give, _resize,
 * _relocate, _update and _defer of it answer -EBUSY. gm_arena_extend grows child and range together. Each arena has a
 * lock of its own, if it has one; those that need several lock parents first.
 */
#ifndef GUESTMEM_ARENA_NEST_H
#define GUESTMEM_ARENA_NEST_H

#include <stdint.h>

#include <guestmem/api.h>
#include <guestmem/arena.h>

GM_BEGIN_DECLS

#define GM_ARENA_DEPTH_MOST 16 /* arenas inside each other */

/*
 * Take a range of the parent, and create an arena that manages exactly that.
 * @param config  as for gm_arena_create, but first and last are not used, and granule 0 means the parent's
 * Returns 0; -EINVAL (NULL); -EBUSY (the parent has no GM_ARENA_LOCKED and is in a transaction); -ELOOP (more than
 * GM_ARENA_DEPTH_MOST inside each other); then as gm_arena_take of the request, and then as gm_arena_create. After each
 * of these the parent is as before, down to the handles to come.
 * Context: a changing call of the parent.   Progress: blocking (mmap).   Cost: that of both, and O(children).
 */
GM_API GM_MUST_CHECK int gm_arena_create_child(struct gm_arena *parent, const struct gm_request *request,
                                               const struct gm_arena_config *config, struct gm_arena **out);

/*
 * Make an arena that exists the child that manages a range: how nested arenas come together again that were loaded
 * from images, parents first.
 * Returns 0; -EINVAL (both are the same); -EBUSY (the parent has no GM_ARENA_LOCKED and is in a transaction); -ESTALE,
 * -ENOENT, -EBUSY (as gm_arena_give); -EBUSY (the child has a parent or children); -ERANGE (the child does not manage
 * exactly what the range is); -ELOOP.
 * Context: a changing call of the parent, while no other is made on the child.   Cost: O(children of the parent).
 */
GM_API GM_MUST_CHECK int gm_arena_adopt(struct gm_arena *parent, gm_range range, struct gm_arena *child);

struct gm_arena_verdict {
    const char *wrong;            /* in English; NULL: all is sound */
    const struct gm_arena *where; /* the arena that it is about; NULL */
    uint64_t arenas, ranges;      /* that were looked at; guards count as ranges */
};

/*
 * Prove that nothing overlaps: in the arena and everything below it, all that is kept of ranges is computed anew from
 * them and compared; they are disjoint and lie in their arena; each child manages exactly one range that is set aside
 * for it, and the other way round.
 * Returns 0, whatever it found; -EINVAL.
 * Context: a question (arena_query.h) to each of them; with GM_ARENA_LOCKED they are locked on the way down, and those
 * above stay locked. Children may come and go meanwhile if their parents have GM_ARENA_LOCKED.
 * Cost: O(ranges * classes that are indexed), of all of them.
 */
GM_API GM_MUST_CHECK int gm_arena_verify(struct gm_arena *root, struct gm_arena_verdict *out);

GM_END_DECLS

#endif
