/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Memory that says whose it is. Each page carries marks made from the tag of the region that it was mapped
 * for, so that whoever follows a pointer can tell whether it leads where its view says. When the memory is
 * given back the marks are overwritten and the pages unmapped: a use after that is a wrong mark, a fault, or
 * a race.
 */
#ifndef GM_TESTS_LIB_STAMP_H
#define GM_TESTS_LIB_STAMP_H

#include <guestmem/guestmem.h>

#include "lib/rand.h"

/* Where in each page the marks are. */
#define GMT_MARKS 2
#define GMT_MARK_OFFSET(mark) ((mark) == 0 ? 0 : GM_PAGE_SIZE - 8)

struct gmt_stamps {
    unsigned keep; /* released mappings to leave mapped for a while: with a seeded bug, a fault would end the
                      run before the bug is reported */
    uint64_t live; /* mappings that were made and not yet released */
    uint64_t made;
    unsigned char *kept[256];
    uint64_t kept_size[256];
    unsigned next_kept;
};

static inline uint64_t gmt_mark(uint64_t tag, uint64_t page, unsigned mark)
{
    return gmt_mix(tag ^ (page << 40) ^ ((uint64_t)mark << 60));
}

/*
 * Map so many pages, mark them for the tag, and make a backing of them. The mapping ends when the backing
 * does. The stamps are used by the thread that commits alone. Returns 0 or a negative errno value.
 */
int gmt_stamps_map(struct gmt_stamps *stamps, uint64_t pages, uint64_t tag, struct gm_backing **out);

/* Unmap what is kept. */
void gmt_stamps_close(struct gmt_stamps *stamps);

#endif
