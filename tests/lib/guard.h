/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Room between two pages that may not be touched: an array placed against either end makes an access past it
 * fault at once, with or without a sanitizer.
 */
#ifndef GM_TESTS_LIB_GUARD_H
#define GM_TESTS_LIB_GUARD_H

#include <stddef.h>

struct gmt_guard {
    unsigned char *start; /* first usable byte; the byte before it faults */
    size_t room;          /* [bytes] usable, a multiple of the page size; the byte after it faults */
};

/* Map room for at least so many bytes. Returns 0 or a negative errno value. */
int gmt_guard_open(struct gmt_guard *guard, size_t room);
void gmt_guard_close(struct gmt_guard *guard);

/* Where an array of so many bytes has to start for its end to touch the guard page. */
static inline void *gmt_guard_last(const struct gmt_guard *guard, size_t bytes)
{
    return guard->start + (guard->room - bytes);
}

#endif
