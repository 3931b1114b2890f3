/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Copies by offset: as much as there is, fills, and from slice to slice. Exact ones are inlined. */
#include "guestmem/slice.h"

#include <string.h>

#include "base/math.h"

static void note(const struct gm_slice *slice, uint64_t offset, uint64_t len)
{
    (void)gm_dirty_mark(slice->dirty, slice->gpa + offset, len); /* what it misses, it counts */
}

/* How much of len there is from offset on; nothing asked for is there anywhere. */
static int cut(const struct gm_slice *slice, uint64_t offset, uint64_t *len)
{
    if (*len == 0)
        return 0;
    if (offset >= slice->iov.iov_len)
        return -ERANGE;
    *len = gm_min_u64(*len, slice->iov.iov_len - offset);
    return 0;
}

int gm_slice_read_some(const struct gm_slice *slice, uint64_t offset, void *to, uint64_t len, uint64_t *done)
{
    if (done == NULL)
        return -EINVAL;
    *done = 0;
    int error = cut(slice, offset, &len);
    if (error == 0 && len != 0)
        error = gm_slice_read(slice, offset, to, len);
    if (error == 0)
        *done = len;
    return error;
}

int gm_slice_write_some(const struct gm_slice *slice, uint64_t offset, const void *from, uint64_t len, uint64_t *done)
{
    if (done == NULL)
        return -EINVAL;
    *done = 0;
    int error = cut(slice, offset, &len);
    if (error == 0 && len != 0)
        error = gm_slice_write(slice, offset, from, len);
    if (error == 0)
        *done = len;
    return error;
}

int gm_slice_fill(const struct gm_slice *slice, uint64_t offset, uint8_t value, uint64_t len)
{
    char units[GM_UNITS_MOST];
    int error = gm_slice_check(slice, offset, len, GM_WRITE);
    if (error != 0)
        return error;
    if (len <= sizeof(units)) {
        memset(units, value, sizeof(units));
        gm_units_write_any(gm_slice_at(slice, offset), units, len);
    } else {
        memset(gm_slice_at(slice, offset), value, len);
    }
    note(slice, offset, len);
    return 0;
}

int gm_slice_copy(const struct gm_slice *to, const struct gm_slice *from, uint64_t *done)
{
    char units[GM_UNITS_MOST];
    if (done == NULL)
        return -EINVAL;
    *done = 0;
    if ((to->rights & GM_WRITE) == 0 || (from->rights & GM_READ) == 0)
        return -EACCES;
    uint64_t len = gm_min_u64(to->iov.iov_len, from->iov.iov_len);
    if (len <= sizeof(units)) { /* held as a whole, so that overlap does not matter */
        gm_units_read_any(units, from->iov.iov_base, len);
        gm_units_write_any(to->iov.iov_base, units, len);
    } else {
        memmove(to->iov.iov_base, from->iov.iov_base, len);
    }
    note(to, 0, len);
    *done = len;
    return 0;
}
