/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * An arena as a piece of memory: an image that is saved and loaded, and a block that another process looks into.
 */
#ifndef GUESTMEM_ARENA_IMAGE_H
#define GUESTMEM_ARENA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <guestmem/api.h>
#include <guestmem/arena.h>

GM_BEGIN_DECLS

/*
 * Write the arena into size bytes at image, in a form that does not depend on the machine: about 40 bytes for a range
 * and 8 for a slot that is free again, little-endian, with a version and a checksum (CRC-32C, against accidents).
 * @param image   may be NULL with size 0, which is the way to ask for the size
 * @param needed  [bytes] receives the size of the image, also with -ENOBUFS
 * Returns 0; -EINVAL (arena or needed is NULL); -EBUSY (it has no GM_ARENA_LOCKED and is in a transaction); -ENOBUFS
 * (size < *needed; image is untouched).
 * Children are not in it: their ranges are plain ones. They have images of their own, and gm_arena_adopt
 * (arena_nest.h).
 * Context: as a question (arena_query.h).   Cost: O(ranges).
 */
GM_API int gm_arena_save(struct gm_arena *arena, void *image, size_t size, size_t *needed);

/*
 * Create an arena from an image. It goes on to decide as the one that was saved would have: places of every policy and
 * handles are the same, and handles from before are good. Statistics of its own making start anew.
 * Nothing in the image is believed: ranges are checked one by one and all else is made from them.
 * @param image     any size bytes: they may come from an enemy
 * @param expected  NULL: as it was saved, and on any node. Else first, last and granule that the image must have;
 *                  ranges_most (0: as saved), flags and numa_node are what the new arena gets; seed is not used.
 * Returns 0; -EINVAL (not an image, damaged, cut short or too long, of an arena that cannot be, not what was expected);
 * -ENOMEM (for an arena); -EDQUOT (expected->ranges_most is less than it had at once); -ENOMEM; -EINVAL (it is whole,
 * but its ranges contradict each other, as nobody saved them: that is seen last, as it takes an arena to see it).
 * Context: any thread.   Progress: blocking (memory).   Cost: O(size); memory of at most 12 * size and 4 MiB,
 * address space of 76 bytes for each of ranges_most, 92 with GM_ARENA_DEFER, which the image decides if it is not
 * expected: 184 GiB at most.
 */
GM_API GM_MUST_CHECK int gm_arena_load(const void *image, size_t size, const struct gm_arena_config *expected,
                                       struct gm_arena **out);

/*
 * Bytes that an arena of so many ranges takes in memory of the caller's.
 */
#define GM_ARENA_BLOCK_SIZE(ranges_most) (4096 + ((size_t)(ranges_most) + 1) * 72)

/*
 * As gm_arena_create, or gm_arena_load, into size bytes at `memory`, which is the caller's: a memfd mapped with
 * MAP_SHARED, so that other processes can attach to it. It stays in use until gm_arena_destroy, which leaves it as it
 * is. Indexes of alignment classes and the lock are not in it: one process changes the arena. ranges_most 0 means as
 * many as there is room for.
 * Returns as these; also -EINVAL (memory is NULL; and behind the first -ENOMEM: it is no multiple of 64, or there is no
 * room for ranges_most).
 * Cost: O(size): all of it is written.
 */
GM_API GM_MUST_CHECK int gm_arena_create_in(void *memory, size_t size, const struct gm_arena_config *config,
                                            struct gm_arena **out);
GM_API GM_MUST_CHECK int gm_arena_load_in(const void *image, size_t image_size, const struct gm_arena_config *expected,
                                          void *memory, size_t size, struct gm_arena **out);

/*
 * Look into a block that another process changes: gm_arena_find, gm_arena_next and gm_arena_get, and no other call, may
 * be made on what is returned, which is const for that reason. The memory may be mapped read-only, and at any address.
 * The owner need not be trusted: whatever is in the memory, lookups end, read nothing outside of it, and
 * gm_arena_next goes up. But their answers are the owner's word. (Seal a memfd against shrinking: touching what was cut
 * off is SIGBUS.) An owner that dies inside a change leaves lookups that answer -EAGAIN.
 * Returns 0; -EINVAL (NULL, no multiple of 64, too small, not a block of this version); -ENOMEM.
 * Context: any thread.   Cost: O(1).
 */
GM_API GM_MUST_CHECK int gm_arena_attach(const void *memory, size_t size, const struct gm_arena **out);

/* Let go of it. NULL is ignored.   Context: no other call on it may run or follow. */
GM_API void gm_arena_detach(const struct gm_arena *arena);

GM_END_DECLS

#endif
