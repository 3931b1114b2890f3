/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Memory of a space by guest address. The version is held meanwhile, and not the lock: this may take minutes. */
#include "guestmem/space_memory.h"

#include <errno.h>
#include <sys/mman.h>

#include "backing/backing.h"
#include "base/math.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "space/space.h"

/* The region that holds all of first..last in the current version, which stays until *hold is put. */
static int region_of(struct gm_space *space, uint64_t first, uint64_t last, const struct gm_region **out,
                     struct gm_snapshot **hold)
{
    if (gm_rcu_reading())
        return -EDEADLK;
    int result = -pthread_mutex_lock(&space->lock);
    if (result != 0)
        return result;
    *hold = gm_snapshot_take(&space->current->view); /* nobody retires it while the lock is held */
    pthread_mutex_unlock(&space->lock);
    const struct gm_region *region = gm_regset_find(gm_version_of(gm_snapshot_view(*hold))->regions, first);
    *out = region;
    if (region == NULL)
        return -ENOENT;
    if (!gm_region_direct(region))
        return -ENXIO;
    return last <= region->last ? 0 : -ERANGE;
}

static int check(const struct gm_space *space, uint64_t gpa, uint64_t size, uint64_t *last)
{
    if (space == NULL || size == 0)
        return -EINVAL;
    return gm_range_last(gpa, size, last) ? 0 : -EOVERFLOW;
}

int gm_space_prefault(struct gm_space *space, gm_gpa gpa, uint64_t size, const struct gm_prefault *how, uint64_t *done)
{
    const struct gm_region *region;
    struct gm_snapshot *hold = NULL;
    uint64_t last;
    int result = check(space, gpa, size, &last);
    if (result == 0)
        result = region_of(space, gpa, last, &region, &hold);
    if (result == 0) { /* a region's memory is whole pages of the host, of which it may use the ends in part */
        uint64_t from = gm_word_address(region->word, gpa) & ~(GM_PAGE_SIZE - 1);
        uint64_t to = gm_word_address(region->word, last) | (GM_PAGE_SIZE - 1);
        result = gm_backing_prefault_at(region->backing, (void *)(uintptr_t)from, to - from + 1, how, done);
    }
    gm_snapshot_put(hold);
    return result;
}

static int discard_anonymous(const struct gm_region *region, uint64_t gpa, uint64_t size)
{
    if (!gm_is_aligned(gpa | size, GM_PAGE_SIZE))
        return -EINVAL;
    return gm_mem_advise((void *)(uintptr_t)gm_word_address(region->word, gpa), size, MADV_DONTNEED);
}

int gm_space_discard(struct gm_space *space, gm_gpa gpa, uint64_t size)
{
    const struct gm_region *region;
    struct gm_snapshot *hold = NULL;
    uint64_t last;
    int result = check(space, gpa, size, &last);
    if (result == 0)
        result = region_of(space, gpa, last, &region, &hold);
    if (result == 0)
        result = region->backing != NULL
                     ? gm_backing_discard(region->backing, region->offset + (gpa - region->first), size)
                     : discard_anonymous(region, gpa, size);
    gm_snapshot_put(hold);
    return result;
}
