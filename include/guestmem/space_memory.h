/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The memory of a space by guest address: have it there, give it back. For regions with a backing backing_memory.h does
 * the same by offset; these calls also reach what has none, the anonymous memory of a linear space (gm_region_desc),
 * and the mapping that views lead to.
 *
 *     struct gm_region_info info;
 *     for (gm_gpa gpa = 0; gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size)
 *         if (info.address != NULL)
 *             error = gm_space_prefault(space, info.gpa, info.size, NULL, NULL);       (of a snapshot, not of a pin)
 *
 * What holds for both. [gpa, gpa + size) lies in one region of the view that is current when the call begins. Until it
 * returns that view is held as by a snapshot: what is removed meanwhile stays until then.
 *   Errors:  -EINVAL (NULL; size 0); -EOVERFLOW (the last byte is past 2^64 - 1); -ENOENT (no region there); -ENXIO (a
 *            device); -ERANGE (the region ends before that); -EDEADLK (pinned, or this thread has an open transaction)
 *   Context: control thread.   Progress: blocking (other writers, then the kernel).
 */
#ifndef GUESTMEM_SPACE_MEMORY_H
#define GUESTMEM_SPACE_MEMORY_H

#include <guestmem/api.h>
#include <guestmem/backing_memory.h>
#include <guestmem/space.h>

GM_BEGIN_DECLS

/*
 * gm_backing_prefault of guest memory, rounded out to pages of GM_PAGE_SIZE. In a linear space, too, it has its entries
 * in the page table afterwards.
 * Returns 0; as above; what gm_backing_prefault says when it has begun: -ECANCELED, -ETIMEDOUT, -ENOMEM, -EFAULT,
 * -EOPNOTSUPP, and from the kernel; -EINVAL (how->threads above GM_PREFAULT_THREADS_MOST).
 */
GM_API GM_MUST_CHECK int gm_space_prefault(struct gm_space *space, gm_gpa gpa, uint64_t size,
                                           const struct gm_prefault *how, uint64_t *done);

/*
 * gm_backing_discard of guest memory: it reads as zeros afterwards. Nothing is marked dirty: a page that is given back
 * need not be copied. Who means the zeros calls gm_guest_mark.
 * Returns 0; as above; -EINVAL (not whole pages, of the backing and in it; or pages that mlock holds); what
 * gm_backing_discard says of the backing.
 */
GM_API GM_MUST_CHECK int gm_space_discard(struct gm_space *space, gm_gpa gpa, uint64_t size);

GM_END_DECLS

#endif
