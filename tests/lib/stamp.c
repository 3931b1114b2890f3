/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Marked mappings. Marks are plain words, written before a region is published and over again at its release.
 */
#include "lib/stamp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

struct mapping {
    struct gmt_stamps *stamps;
    unsigned char *start;
    uint64_t pages;
};

static void write_marks(unsigned char *start, uint64_t pages, uint64_t tag)
{
    for (uint64_t page = 0; page < pages; page++) {
        for (unsigned mark = 0; mark < GMT_MARKS; mark++) {
            void *place = start + page * GM_PAGE_SIZE + GMT_MARK_OFFSET(mark);
            *(uint64_t *)place = gmt_mark(tag, page, mark);
        }
    }
}

/* Unmap, now or when room for more kept mappings is needed. */
static void put_away(struct gmt_stamps *stamps, unsigned char *start, uint64_t size)
{
    if (stamps->keep == 0) {
        munmap(start, size);
        return;
    }
    unsigned slot = stamps->next_kept++ % stamps->keep;
    if (stamps->kept[slot] != NULL)
        munmap(stamps->kept[slot], stamps->kept_size[slot]);
    stamps->kept[slot] = start;
    stamps->kept_size[slot] = size;
}

static void release(void *argument)
{
    struct mapping *mapping = argument;
    write_marks(mapping->start, mapping->pages, ~UINT64_C(0));
    put_away(mapping->stamps, mapping->start, mapping->pages * GM_PAGE_SIZE);
    mapping->stamps->live--;
    free(mapping);
}

int gmt_stamps_map(struct gmt_stamps *stamps, uint64_t pages, uint64_t tag, struct gm_backing **out)
{
    uint64_t size = pages * GM_PAGE_SIZE;
    struct mapping *mapping = malloc(sizeof(*mapping));
    if (mapping == NULL)
        return -ENOMEM;
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        free(mapping);
        return -errno;
    }
    *mapping = (struct mapping){stamps, start, pages};
    write_marks(start, pages, tag);
    int error = gm_backing_wrap(start, size, release, mapping, out);
    if (error != 0) {
        munmap(start, size);
        free(mapping);
        return error;
    }
    stamps->live++;
    stamps->made++;
    return 0;
}

void gmt_stamps_close(struct gmt_stamps *stamps)
{
    for (unsigned slot = 0; slot < stamps->keep; slot++) {
        if (stamps->kept[slot] != NULL)
            munmap(stamps->kept[slot], stamps->kept_size[slot]);
        stamps->kept[slot] = NULL;
    }
}
