/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * From one guest address to another. Both ranges are looked through before a byte is written, and the map does not
 * change, so that the copy itself cannot fail. Where the target begins inside the source the pieces are copied from the
 * end, since pieces in guest order would overwrite what is still to be read.
 */
#include <string.h>

#include "access/access.h"
#include "guestmem/access_bulk.h"

struct copy {
    const struct gm_view *view;
    gm_gpa target, source;
    uint64_t len;
};

/* Short enough to be held as a whole, which takes care of overlap. */
static int copy_units(const struct copy *copy)
{
    char units[GM_UNITS_MOST];
    int error = gm_guest_read_slow(copy->view, copy->source, units, copy->len);
    return error != 0 ? error : gm_guest_write_slow(copy->view, copy->target, units, copy->len);
}

/* len bytes that are one piece on either side. */
static void copy_piece(const struct copy *copy, uint64_t at, char *to, const char *from, uint64_t len)
{
    memmove(to, from, len);
    gm_access_mark(copy->view, copy->target + at, len);
}

/* A piece of either side is asked for when the one before is used up: as many steps as there are pieces. */
static void copy_up(const struct copy *copy)
{
    const gm_gpa to_last = copy->target + (copy->len - 1), from_last = copy->source + (copy->len - 1);
    struct gm_access_piece to = {.len = 0}, from = {.len = 0};
    for (uint64_t at = 0; at < copy->len;) {
        if (from.len == 0)
            (void)gm_access_next(copy->view, copy->source + at, from_last, GM_READ, &from);
        if (to.len == 0)
            (void)gm_access_next(copy->view, copy->target + at, to_last, GM_WRITE, &to);
        uint64_t step = gm_min_u64(to.len, from.len);
        copy_piece(copy, at, to.host, from.host, step);
        to = (struct gm_access_piece){to.host + step, to.len - step};
        from = (struct gm_access_piece){from.host + step, from.len - step};
        at += step;
    }
}

/* Where the region that holds the last of len bytes begins among them; *host: its place in host memory. */
static uint64_t last_piece(const struct copy *copy, gm_gpa base, uint64_t len, char **host)
{
    const struct gm_region *region = gm_regset_find(gm_version_of(copy->view)->regions, base + (len - 1));
    gm_gpa begin = gm_max_u64(region->first, base);
    *host = (char *)(uintptr_t)gm_word_address(region->word, begin);
    return begin - base;
}

static void copy_down(const struct copy *copy)
{
    for (uint64_t left = copy->len; left != 0;) {
        char *to, *from;
        uint64_t to_begin = last_piece(copy, copy->target, left, &to);
        uint64_t from_begin = last_piece(copy, copy->source, left, &from);
        uint64_t begin = gm_max_u64(to_begin, from_begin);
        copy_piece(copy, begin, to + (begin - to_begin), from + (begin - from_begin), left - begin);
        left = begin;
    }
}

int gm_guest_copy(const struct gm_view *view, gm_gpa target, gm_gpa source, uint64_t len)
{
    const struct copy copy = {view, target, source, len};
    if (len == 0)
        return 0;
    int error = gm_access_check(view, source, len, GM_READ);
    if (error == 0)
        error = gm_access_check(view, target, len, GM_WRITE);
    if (error != 0)
        return error;
    if (len <= GM_UNITS_MOST)
        return copy_units(&copy);
    if (target > source && target - source < len)
        copy_down(&copy);
    else
        copy_up(&copy);
    return 0;
}
