/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The oracle's state. Pieces are moved to make room and searched from the front, cells are painted one by one: what is
 * slow here is what makes it easy to believe.
 */
#include "lib/arena_model.h"

#include <string.h>

static uint64_t cell_count(const struct gmt_arena_model *model)
{
    uint64_t most = (model->last - model->first) / model->granule; /* one less */
    return most < GMT_ARENA_CELLS ? most + 1 : 0;
}

void gmt_arena_model_init(struct gmt_arena_model *model, const struct gm_arena_config *config)
{
    model->first = config->first;
    model->last = config->last;
    model->granule = config->granule != 0 ? config->granule : 1;
    model->ranges_most = config->ranges_most != 0 ? config->ranges_most : GM_ARENA_RANGES_DEFAULT;
    model->has_cursor = false;
    model->quarrel = false;
    model->count = 0;
    model->live = 0;
    for (unsigned i = 0; i < GMT_ARENA_RANGES; i++) {
        model->live_index[i] = i;
        model->live_place[i] = i;
        model->ranges[i].live = false;
    }
    model->cells = cell_count(model);
    model->runs_are_stale = true;
    memset(model->cell, 0, sizeof(model->cell));
}

static void paint(struct gmt_arena_model *model, const struct gmt_piece *piece, uint8_t value)
{
    model->runs_are_stale = true;
    if (model->cells == 0)
        return;
    uint64_t from = (piece->first - model->first) / model->granule;
    uint64_t to = (piece->last - model->first) / model->granule;
    for (uint64_t i = from; i <= to; i++)
        model->cell[i] = value;
}

static void insert_piece(struct gmt_arena_model *model, struct gmt_piece piece)
{
    unsigned at = 0;
    while (at < model->count && model->pieces[at].first < piece.first)
        at++;
    memmove(&model->pieces[at + 1], &model->pieces[at], (model->count - at) * sizeof(piece));
    model->pieces[at] = piece;
    model->count++;
    paint(model, &piece, 1);
}

static void insert_pieces(struct gmt_arena_model *model, unsigned index)
{
    const struct gmt_range *range = &model->ranges[index];
    if (range->before != 0)
        insert_piece(model, (struct gmt_piece){range->first - range->before, range->first - 1, index, true});
    insert_piece(model, (struct gmt_piece){range->first, range->last, index, false});
    if (range->after != 0)
        insert_piece(model, (struct gmt_piece){range->last + 1, range->last + range->after, index, true});
}

static void remove_pieces(struct gmt_arena_model *model, unsigned index)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < model->count; i++) {
        if (model->pieces[i].range == index)
            paint(model, &model->pieces[i], 0);
        else
            model->pieces[kept++] = model->pieces[i];
    }
    model->count = kept;
}

static void swap_live(struct gmt_arena_model *model, unsigned range, unsigned place)
{
    unsigned other = model->live_index[place];
    unsigned old = model->live_place[range];
    model->live_index[place] = range;
    model->live_index[old] = other;
    model->live_place[range] = place;
    model->live_place[other] = old;
}

unsigned gmt_arena_model_add(struct gmt_arena_model *model, const struct gmt_range *range)
{
    unsigned index = model->live_index[model->live++];
    model->ranges[index] = *range;
    model->ranges[index].live = true;
    insert_pieces(model, index);
    return index;
}

void gmt_arena_model_remove(struct gmt_arena_model *model, unsigned range)
{
    remove_pieces(model, range);
    model->ranges[range].live = false;
    swap_live(model, range, --model->live);
}

void gmt_arena_model_move(struct gmt_arena_model *model, unsigned range, uint64_t first, uint64_t last)
{
    remove_pieces(model, range);
    model->ranges[range].first = first;
    model->ranges[range].last = last;
    insert_pieces(model, range);
}

void gmt_arena_model_extend(struct gmt_arena_model *model, uint64_t first, uint64_t last)
{
    model->first = first;
    model->last = last;
    model->cells = cell_count(model);
    memset(model->cell, 0, sizeof(model->cell));
    for (unsigned i = 0; i < model->count; i++)
        paint(model, &model->pieces[i], 1);
    model->runs_are_stale = true;
}

unsigned gmt_arena_model_next(const struct gmt_arena_model *model, uint64_t number)
{
    unsigned i = 0;
    while (i < model->count && model->pieces[i].last < number)
        i++;
    return i;
}

unsigned gmt_arena_model_find(const struct gmt_arena_model *model, uint64_t number)
{
    unsigned i = gmt_arena_model_next(model, number);
    return i < model->count && model->pieces[i].first <= number ? i : model->count;
}

struct gm_range_info gmt_arena_model_get(const struct gmt_arena_model *model, unsigned range)
{
    const struct gmt_range *found = &model->ranges[range];
    return (struct gm_range_info){.first = found->first, .last = found->last, .user = found->user,
                                  .range = found->handle, .owner = found->owner};
}

struct gm_range_info gmt_arena_model_info(const struct gmt_arena_model *model, unsigned piece)
{
    const struct gmt_piece *found = &model->pieces[piece];
    struct gm_range_info info = gmt_arena_model_get(model, found->range);
    info.first = found->first;
    info.last = found->last;
    info.flags = found->guard ? GM_RANGE_GUARD : 0;
    return info;
}

unsigned gmt_arena_model_overlap(const struct gmt_arena_model *model, uint64_t first, uint64_t last, unsigned except)
{
    for (unsigned i = 0; i < model->count; i++) {
        const struct gmt_piece *piece = &model->pieces[i];
        if (piece->range != except && piece->first <= last && first <= piece->last)
            return i;
    }
    return model->count;
}

bool gmt_arena_model_gap(const struct gmt_arena_model *model, int piece, uint64_t *first, uint64_t *last)
{
    if (piece >= 0 && model->pieces[piece].last == model->last)
        return false;
    *first = piece < 0 ? model->first : model->pieces[piece].last + 1;
    if (piece + 1 == (int)model->count)
        *last = model->last;
    else if (model->pieces[piece + 1].first == *first)
        return false;
    else
        *last = model->pieces[piece + 1].first - 1;
    return true;
}
