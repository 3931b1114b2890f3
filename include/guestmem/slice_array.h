/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Arrays in guest memory: elements of one size behind one another in a slice (slice.h, whose conventions hold), by
 * index. Elements of 2, 4 or 8 bytes at aligned addresses are read and written whole, in calls on many of them too.
 *
 *     struct gm_slice_array table;
 *     gm_slice_array_init(&slice, 64, sizeof(struct entry), 128, &table);
 *     error = gm_slice_array_read(&table, index, &entry);              -ERANGE when the guest's index is too large
 */
#ifndef GUESTMEM_SLICE_ARRAY_H
#define GUESTMEM_SLICE_ARRAY_H

#include <stdint.h>

#include <guestmem/api.h>
#include <guestmem/slice.h>

GM_BEGIN_DECLS

struct gm_slice_array {
    struct gm_slice slice;  /* all elements and nothing else */
    uint64_t size;          /* [bytes] of an element, >= 1 */
    uint64_t count;         /* elements */
};

/*
 * count elements of size bytes from offset on.
 * Returns 0; -EINVAL (size 0); -EOVERFLOW (size * count or the end is past 2^64 - 1); -ERANGE (past the slice's end).
 * Cost: O(1).
 */
GM_API GM_MUST_CHECK int gm_slice_array_init(const struct gm_slice *slice, uint64_t offset, uint64_t size,
                                             uint64_t count, struct gm_slice_array *out);

/* As many whole elements as the slice has; bytes that are left behind them are not part of it. Returns 0, -EINVAL. */
GM_API GM_MUST_CHECK int gm_slice_array_all(const struct gm_slice *slice, uint64_t size, struct gm_slice_array *out);

/* The slice that one element is.   Returns 0; -ERANGE (index).   Cost: O(1). */
GM_API GM_MUST_CHECK int gm_slice_array_at(const struct gm_slice_array *array, uint64_t index, struct gm_slice *out);

/* One element out of guest memory, or into it.   Returns 0; -ERANGE (index); -EACCES. */
GM_API GM_MUST_CHECK int gm_slice_array_read(const struct gm_slice_array *array, uint64_t index, void *to);
GM_API GM_MUST_CHECK int gm_slice_array_write(const struct gm_slice_array *array, uint64_t index, const void *from);

/*
 * Up to count elements from index on, as many as there are, to or from a buffer of the caller's.
 * @param done  elements that were copied, always written
 * Returns 0; -ERANGE (index is at the end or beyond, and count > 0); -EACCES; -EINVAL (done NULL).
 */
GM_API GM_MUST_CHECK int gm_slice_array_copy_to(const struct gm_slice_array *array, uint64_t index, void *to,
                                                uint64_t count, uint64_t *done);
GM_API GM_MUST_CHECK int gm_slice_array_copy_from(const struct gm_slice_array *array, uint64_t index,
                                                  const void *from, uint64_t count, uint64_t *done);

GM_END_DECLS

#endif
