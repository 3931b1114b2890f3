/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Integers that are misaligned, cross pieces, or stand where only a search finds them. */
#include <string.h>

#include "guestmem/access_bulk.h"

int gm_guest_read_unit(const struct gm_view *view, gm_gpa gpa, void *out, unsigned size)
{
    uint64_t bytes;
    int error = gm_guest_read(view, gpa, &bytes, size);
    if (error == 0)
        memcpy(out, &bytes, size);
    return error;
}

int gm_guest_write_unit(const struct gm_view *view, gm_gpa gpa, uint64_t value, unsigned size)
{
    const uint8_t u8 = (uint8_t)value;
    const uint16_t u16 = (uint16_t)value;
    const uint32_t u32 = (uint32_t)value;
    const void *bytes = &u8;
    if (size != 1)
        bytes = size == 2 ? (const void *)&u16 : size == 4 ? (const void *)&u32 : &value;
    return gm_guest_write(view, gpa, bytes, size);
}
