/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Ranges into regions: memory is made for each, and one transaction takes all of them or leaves none. */
#include <errno.h>

#include "base/math.h"
#include "base/rcu.h"
#include "guestmem/boot.h"
#include "space/space.h"

#define HUGE_PAGE (UINT64_C(2) << 20)

/* So that huge pages can map it: as in the guest modulo 2 MiB. A file's huge pages begin at multiples of that in the
 * file, so that one gains nothing whose range begins elsewhere in the guest. */
static void place(const struct gm_boot_range *range, struct gm_backing_config *config)
{
    uint64_t phase = range->gpa & (HUGE_PAGE - GM_PAGE_SIZE);
    if (config->align != 0 || config->phase != 0 || range->size < HUGE_PAGE)
        return;
    if (config->kind == GM_BACKING_KIND_ANONYMOUS) {
        config->align = HUGE_PAGE;
        config->phase = phase;
    } else if (config->kind == GM_BACKING_KIND_MEMFD || config->kind == GM_BACKING_KIND_FILE) {
        if ((config->offset & (HUGE_PAGE - 1)) == phase)
            config->align = HUGE_PAGE;
    }
}

/* How to make the memory of a range: whole pages, of which the range may use the first and the last in part. */
static int memory_of(const struct gm_boot_range *range, struct gm_backing_config *config, uint64_t *offset)
{
    static const struct gm_backing_config plain = {.kind = GM_BACKING_KIND_ANONYMOUS, .flags = GM_BACKING_NORESERVE};
    uint64_t slip = range->gpa & (GM_PAGE_SIZE - 1);
    *config = range->memory != NULL ? *range->memory : plain;
    if (config->kind == GM_BACKING_KIND_CALLER)
        return -EOPNOTSUPP;
    if (config->kind == GM_BACKING_KIND_FILE)
        config->offset -= slip; /* not congruent, it is no multiple of a page now, and refused */
    if (!gm_add_ok(range->size, slip, &config->size))
        return -EOVERFLOW;
    place(range, config);
    *offset = slip;
    return 0;
}

static int add_range(struct gm_txn *txn, const struct gm_boot_range *range)
{
    struct gm_backing_config config;
    struct gm_region_desc desc = {
        .gpa = range->gpa,
        .size = range->size,
        .kind = GM_KIND_RAM,
        .tag = range->tag,
        .user = range->user,
        .name = range->name,
        .numa = range->numa,
    };
    bool linear = txn->space->linear_base != NULL;
    if (linear && range->memory != NULL && range->memory->kind == GM_BACKING_KIND_ANONYMOUS) {
        desc.memory = range->memory;
    } else if (range->memory != NULL || !linear) {
        int result = memory_of(range, &config, &desc.offset);
        if (result == 0)
            result = gm_backing_create(&config, &desc.backing);
        if (result != 0)
            return result;
    }
    int result = gm_txn_add(txn, &desc);
    gm_backing_put(desc.backing); /* the region has a count of its own */
    return result;
}

int gm_space_add_ranges(struct gm_space *space, const struct gm_boot_range *ranges, size_t count)
{
    struct gm_txn *txn;
    if (space == NULL || (ranges == NULL && count != 0))
        return -EINVAL;
    int result = gm_txn_begin(space, &txn);
    for (size_t i = 0; result == 0 && i < count; i++) {
        result = add_range(txn, &ranges[i]);
        if (result != 0)
            gm_txn_abort(txn);
    }
    return result == 0 ? gm_txn_commit(txn, GM_COMMIT_WAIT) : result;
}

int gm_space_from_ranges(const struct gm_space_config *config, const struct gm_boot_range *ranges, size_t count,
                         struct gm_space **out)
{
    struct gm_space *space;
    if (out == NULL)
        return -EINVAL;
    if (gm_rcu_reading()) /* or the new space could not be destroyed */
        return -EDEADLK;
    int result = gm_space_create(config, &space);
    if (result != 0)
        return result;
    result = gm_space_add_ranges(space, ranges, count);
    if (result == 0)
        *out = space;
    else
        (void)gm_space_destroy(space);
    return result;
}
