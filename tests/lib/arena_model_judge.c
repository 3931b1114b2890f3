/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is wrong with a change to what is taken: the conditions of the contract in its order. */
#include <errno.h>

#include "lib/arena_model_place.h"

static bool on_granule(const struct gmt_arena_model *model, uint64_t first, uint64_t last)
{
    return first % model->granule == 0 && (last + 1) % model->granule == 0;
}

static bool inside(const struct gmt_arena_model *model, uint64_t first, uint64_t last)
{
    return first >= model->first && last <= model->last;
}

int gmt_expect_reserve(const struct gmt_arena_model *model, uint64_t first, uint64_t last)
{
    if (first > last || !on_granule(model, first, last))
        return -EINVAL;
    if (!inside(model, first, last))
        return -ERANGE;
    if (gmt_arena_model_overlap(model, first, last, GMT_ARENA_RANGES) != model->count)
        return -EBUSY;
    return model->count == model->ranges_most ? -EDQUOT : 0;
}

int gmt_expect_give_exact(const struct gmt_arena_model *model, uint64_t first, uint64_t last, uint32_t owner,
                          unsigned *range)
{
    if (first > last)
        return -EINVAL;
    unsigned at = gmt_arena_model_overlap(model, first, last, GMT_ARENA_RANGES);
    if (at == model->count)
        return -ENOENT;
    const struct gmt_piece *piece = &model->pieces[at];
    if (piece->guard || piece->first != first || piece->last != last)
        return -ERANGE;
    if (model->ranges[piece->range].owner != owner)
        return -EPERM;
    *range = piece->range;
    return 0;
}

int gmt_expect_give_at(const struct gmt_arena_model *model, uint64_t number, unsigned *range)
{
    unsigned at = gmt_arena_model_find(model, number);
    if (at == model->count)
        return -ENOENT;
    *range = model->pieces[at].range;
    return 0;
}

int gmt_expect_resize(const struct gmt_arena_model *model, unsigned range, uint64_t new_last)
{
    const struct gmt_range *old = &model->ranges[range];
    if (new_last < old->first || (new_last + 1) % model->granule != 0)
        return -EINVAL;
    if (new_last > model->last || old->after > model->last - new_last)
        return -ERANGE;
    unsigned at = gmt_arena_model_overlap(model, old->first, new_last + old->after, range);
    return at != model->count ? -EBUSY : 0;
}

int gmt_expect_relocate(const struct gmt_arena_model *model, unsigned range, uint64_t new_first)
{
    const struct gmt_range *old = &model->ranges[range];
    uint64_t new_last = new_first + (old->last - old->first);
    if (new_first % model->granule != 0)
        return -EINVAL;
    if (old->before != 0 || old->after != 0)
        return -EOPNOTSUPP;
    if (new_last < new_first || !inside(model, new_first, new_last))
        return -ERANGE;
    return gmt_arena_model_overlap(model, new_first, new_last, range) != model->count ? -EBUSY : 0;
}

int gmt_expect_extend(const struct gmt_arena_model *model, uint64_t new_first, uint64_t new_last)
{
    bool less = new_first > model->first || new_last < model->last;
    return less || !on_granule(model, new_first, new_last) ? -EINVAL : 0;
}

void gmt_expect_stats(const struct gmt_arena_model *model, struct gm_arena_stats *stats)
{
    uint64_t used = 0, free_numbers = 0, first = 0, last = 0;
    *stats = (struct gm_arena_stats){.ranges = model->count};
    for (unsigned i = 0; i < model->count; i++)
        used += model->pieces[i].last - model->pieces[i].first + 1;
    for (int i = -1; i < (int)model->count; i++) {
        if (!gmt_arena_model_gap(model, i, &first, &last))
            continue;
        uint64_t length = last - first == UINT64_MAX ? UINT64_MAX : last - first + 1;
        stats->gaps++;
        free_numbers += last - first + 1;
        stats->largest_free = length > stats->largest_free ? length : stats->largest_free;
    }
    stats->used_minus_1 = used - 1;
    stats->free_minus_1 = free_numbers - 1;
}
