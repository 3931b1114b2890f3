/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Places, cell by cell: each cell of the space is asked whether a range could start there. */
#include "lib/arena_model.h"

static void count_runs(struct gmt_arena_model *model)
{
    if (!model->runs_are_stale)
        return;
    model->run[model->cells] = 0;
    for (uint64_t i = model->cells; i-- > 0;)
        model->run[i] = model->cell[i] != 0 ? 0 : model->run[i + 1] + 1;
    model->runs_are_stale = false;
}

/*
 * The most cells that a range has that starts in this one; 0: none may. Guards take cells, too, but need no window.
 */
static uint64_t room_at(const struct gmt_arena_model *model, const struct gmt_want *want, uint64_t cell)
{
    uint64_t number = model->first + cell * model->granule;
    uint64_t before = want->before / model->granule, after = want->after / model->granule;
    if ((number & (want->align - 1)) != want->phase || number < want->min || number > want->max || before > cell)
        return 0;
    uint64_t run = model->run[cell - before];
    if (before > run || after > run - before)
        return 0;
    uint64_t most = run - before - after;
    uint64_t distance = want->max - number;
    if (distance / model->granule < most) /* so that one more can be said */
        most = distance / model->granule + (distance % model->granule == model->granule - 1 ? 1 : 0);
    uint64_t in_block = want->no_cross == 0 ? most : (want->no_cross - number % want->no_cross) / model->granule;
    return in_block < most ? in_block : most;
}

static bool fits_at(const struct gmt_arena_model *model, const struct gmt_want *want, uint64_t cell)
{
    return room_at(model, want, cell) >= want->size / model->granule;
}

bool gmt_cells_up(struct gmt_arena_model *model, const struct gmt_want *want, uint64_t from, uint64_t to,
                  uint64_t *start)
{
    count_runs(model);
    for (uint64_t cell = 0; cell < model->cells; cell++) {
        uint64_t number = model->first + cell * model->granule;
        if (number >= from && number <= to && fits_at(model, want, cell)) {
            *start = number;
            return true;
        }
    }
    return false;
}

bool gmt_cells_down(struct gmt_arena_model *model, const struct gmt_want *want, uint64_t from, uint64_t to,
                    uint64_t *start)
{
    count_runs(model);
    for (uint64_t cell = model->cells; cell-- > 0;) {
        uint64_t number = model->first + cell * model->granule;
        if (number >= from && number <= to && fits_at(model, want, cell)) {
            *start = number;
            return true;
        }
    }
    return false;
}

uint64_t gmt_cells_largest(struct gmt_arena_model *model, const struct gmt_want *want)
{
    uint64_t most = 0;
    count_runs(model);
    for (uint64_t cell = 0; cell < model->cells; cell++) {
        uint64_t room = room_at(model, want, cell);
        most = room > most ? room : most;
    }
    /* as many as 2^64 numbers cannot be said */
    return most != 0 && most - 1 == UINT64_MAX / model->granule ? UINT64_MAX : most * model->granule;
}
