/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The regions of a view as an e820 table. Walked twice, first to count, so that an error leaves the table as it was. */
#include <errno.h>
#include <stdbool.h>

#include "guestmem/boot.h"

uint32_t gm_e820_type_of(void *arg, const struct gm_region_info *info)
{
    (void)arg;
    switch (info->kind) {
    case GM_KIND_RAM:
        return info->rights == GM_RW ? GM_E820_RAM : GM_E820_RESERVED;
    case GM_KIND_ROM:
    case GM_KIND_FIRMWARE:
        return GM_E820_RESERVED;
    case GM_KIND_DAX:
        return GM_E820_PMEM;
    case GM_KIND_DEVICE:
        break;
    }
    return 0;
}

/* Returns how many entries there are, and writes those for which there is room. */
static size_t walk(const struct gm_view *view, gm_e820_type_fn type_of, void *arg, struct gm_e820_entry *out,
                   size_t room)
{
    struct gm_e820_entry newest = {.type = 0};
    struct gm_region_info info;
    size_t count = 0;
    for (gm_gpa gpa = 0; gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size) {
        uint32_t type = type_of(arg, &info);
        if (type == 0)
            continue;
        bool joins = type == newest.type && type != GM_E820_PMEM && newest.addr + newest.size == info.gpa;
        if (!joins) {
            newest = (struct gm_e820_entry){.addr = info.gpa, .type = type};
            count++;
        }
        newest.size += info.size;
        if (count <= room)
            out[count - 1] = newest;
    }
    return count;
}

int gm_e820_export(const struct gm_view *view, gm_e820_type_fn type_of, void *arg, struct gm_e820_entry *out,
                   size_t room, size_t *needed)
{
    if (view == NULL || needed == NULL)
        return -EINVAL;
    if (type_of == NULL)
        type_of = gm_e820_type_of;
    *needed = walk(view, type_of, arg, NULL, 0);
    if (*needed > room || (out == NULL && *needed != 0))
        return -ENOBUFS;
    *needed = walk(view, type_of, arg, out, room);
    return *needed > room ? -ENOBUFS : 0; /* more than before: type_of changes its mind */
}
