/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Arrays: an index becomes an offset here, which cannot overflow once the array as a whole is known not to. */
#include "guestmem/slice_array.h"

#include <stddef.h>

#include "access/slice/copy.h"
#include "guestmem/access_bulk.h"

int gm_slice_array_init(const struct gm_slice *slice, uint64_t offset, uint64_t size, uint64_t count,
                        struct gm_slice_array *out)
{
    uint64_t len;
    struct gm_slice part;
    if (size == 0)
        return -EINVAL;
    if (__builtin_mul_overflow(size, count, &len))
        return -EOVERFLOW;
    int error = gm_slice_sub(slice, offset, len, &part);
    if (error == 0)
        *out = (struct gm_slice_array){.slice = part, .size = size, .count = count};
    return error;
}

int gm_slice_array_all(const struct gm_slice *slice, uint64_t size, struct gm_slice_array *out)
{
    return gm_slice_array_init(slice, 0, size, size == 0 ? 0 : slice->iov.iov_len / size, out);
}

int gm_slice_array_at(const struct gm_slice_array *array, uint64_t index, struct gm_slice *out)
{
    return index >= array->count ? -ERANGE : gm_slice_sub(&array->slice, index * array->size, array->size, out);
}

int gm_slice_array_read(const struct gm_slice_array *array, uint64_t index, void *to)
{
    return index >= array->count ? -ERANGE : gm_slice_read(&array->slice, index * array->size, to, array->size);
}

int gm_slice_array_write(const struct gm_slice_array *array, uint64_t index, const void *from)
{
    return index >= array->count ? -ERANGE : gm_slice_write(&array->slice, index * array->size, from, array->size);
}

/* What is to be copied, as bytes; elements that one access can hold are not torn. */
struct part {
    char *guest;
    uint64_t offset, len;
    bool whole;
};

static int cut(const struct gm_slice_array *array, uint64_t index, uint64_t count, unsigned right, uint64_t *done,
               struct part *out)
{
    if (done == NULL)
        return -EINVAL;
    *done = 0;
    out->len = 0;
    if (count != 0 && index >= array->count)
        return -ERANGE;
    if ((array->slice.rights & right) == 0)
        return -EACCES;
    if (count == 0)
        return 0;
    count = gm_min_u64(count, array->count - index);
    out->offset = index * array->size;
    out->guest = gm_slice_at(&array->slice, out->offset);
    out->len = count * array->size;
    out->whole = array->size == 2 || array->size == 4 || array->size == 8;
    *done = count;
    return 0;
}

int gm_slice_array_copy_to(const struct gm_slice_array *array, uint64_t index, void *to, uint64_t count,
                           uint64_t *done)
{
    struct part part;
    int error = cut(array, index, count, GM_READ, done, &part);
    if (error != 0 || part.len == 0)
        return error;
    if (part.whole)
        gm_units_read_long(to, part.guest, part.len);
    else
        gm_piece_read(to, part.guest, part.len);
    return 0;
}

int gm_slice_array_copy_from(const struct gm_slice_array *array, uint64_t index, const void *from, uint64_t count,
                             uint64_t *done)
{
    struct part part;
    int error = cut(array, index, count, GM_WRITE, done, &part);
    if (error != 0 || part.len == 0)
        return error;
    if (part.whole)
        gm_units_write_long(part.guest, from, part.len);
    else
        gm_piece_write(part.guest, from, part.len);
    (void)gm_slice_mark(&array->slice, part.offset, part.len);
    return 0;
}
