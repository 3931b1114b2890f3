/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Guarded room by one reservation without access, of which all but the first and last page is opened. */
#include "lib/guard.h"

#include <errno.h>
#include <sys/mman.h>

#include <guestmem/types.h>

int gmt_guard_open(struct gmt_guard *guard, size_t room)
{
    const size_t page = GM_PAGE_SIZE;
    size_t usable = (room + page - 1) & ~(page - 1);
    unsigned char *map = mmap(NULL, usable + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return -errno;
    if (mprotect(map + page, usable, PROT_READ | PROT_WRITE) != 0) {
        int error = -errno;
        munmap(map, usable + 2 * page);
        return error;
    }
    guard->start = map + page;
    guard->room = usable;
    return 0;
}

void gmt_guard_close(struct gmt_guard *guard)
{
    if (guard->start != NULL)
        munmap(guard->start - GM_PAGE_SIZE, guard->room + 2 * GM_PAGE_SIZE);
    guard->start = NULL;
}
