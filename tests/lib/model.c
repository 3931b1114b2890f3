/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The oracle's state. Region slots are searched linearly and cells are painted one by one: what is slow here
 * is what makes it easy to believe.
 */
#include "lib/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int gmt_model_init(struct gmt_model *model, const struct gmt_layout *layout)
{
    memset(model, 0, sizeof(*model));
    model->layout = layout;
    for (unsigned w = 0; w < layout->windows; w++) {
        model->cell[w] = calloc(layout->window[w].cells, sizeof(model->cell[w][0]));
        if (model->cell[w] == NULL) {
            gmt_model_free(model);
            return -ENOMEM;
        }
    }
    return 0;
}

void gmt_model_free(struct gmt_model *model)
{
    for (unsigned w = 0; w < GMT_WINDOWS; w++) {
        free(model->cell[w]);
        model->cell[w] = NULL;
    }
}

void gmt_model_copy(struct gmt_model *to, const struct gmt_model *from)
{
    to->count = from->count;
    memcpy(to->region, from->region, sizeof(to->region));
    for (unsigned w = 0; w < from->layout->windows; w++)
        memcpy(to->cell[w], from->cell[w], from->layout->window[w].cells * sizeof(to->cell[w][0]));
}

/* The window that holds gpa, or layout->windows. */
static unsigned window_of(const struct gmt_layout *layout, gm_gpa gpa)
{
    unsigned w = 0;
    while (w < layout->windows) {
        const struct gmt_window *window = &layout->window[w];
        if (gpa >= window->base && (gpa - window->base) >> window->shift < window->cells)
            break;
        w++;
    }
    return w;
}

bool gmt_layout_holds(const struct gmt_layout *layout, gm_gpa gpa, uint64_t size)
{
    unsigned w = window_of(layout, gpa);
    if (w == layout->windows || size == 0)
        return false;
    const struct gmt_window *window = &layout->window[w];
    uint64_t within_cell = (UINT64_C(1) << window->shift) - 1;
    if ((((gpa - window->base) | size) & within_cell) != 0)
        return false;
    return size <= (window->cells << window->shift) - (gpa - window->base);
}

static void paint(struct gmt_model *model, gm_gpa gpa, uint64_t size, uint16_t owner)
{
    unsigned w = window_of(model->layout, gpa);
    const struct gmt_window *window = &model->layout->window[w];
    uint64_t first = (gpa - window->base) >> window->shift;
    uint64_t cells = size >> window->shift;
    for (uint64_t i = 0; i < cells; i++)
        model->cell[w][first + i] = owner;
}

void gmt_model_add(struct gmt_model *model, const struct gmt_region *region)
{
    unsigned slot = 0;
    while (model->region[slot].size != 0)
        slot++;
    model->region[slot] = *region;
    model->count++;
    paint(model, region->gpa, region->size, (uint16_t)(slot + 1));
}

void gmt_model_remove(struct gmt_model *model, unsigned slot)
{
    struct gmt_region *region = &model->region[slot];
    paint(model, region->gpa, region->size, 0);
    memset(region, 0, sizeof(*region));
    model->count--;
}

void gmt_model_resize(struct gmt_model *model, unsigned slot, uint64_t size)
{
    struct gmt_region *region = &model->region[slot];
    paint(model, region->gpa, region->size, 0);
    region->size = size;
    paint(model, region->gpa, region->size, (uint16_t)(slot + 1));
}

const struct gmt_region *gmt_model_at(const struct gmt_model *model, gm_gpa gpa)
{
    unsigned w = window_of(model->layout, gpa);
    if (w == model->layout->windows)
        return NULL;
    const struct gmt_window *window = &model->layout->window[w];
    uint16_t owner = model->cell[w][(gpa - window->base) >> window->shift];
    return owner == 0 ? NULL : &model->region[owner - 1];
}

uint64_t gmt_model_step(const struct gmt_model *model, gm_gpa gpa)
{
    unsigned w = window_of(model->layout, gpa);
    if (w == model->layout->windows)
        return 1;
    const struct gmt_window *window = &model->layout->window[w];
    uint64_t cell_size = UINT64_C(1) << window->shift;
    return cell_size - ((gpa - window->base) & (cell_size - 1));
}

bool gmt_model_overlaps(const struct gmt_model *model, gm_gpa gpa, uint64_t size, unsigned except)
{
    for (unsigned slot = 0; slot < GMT_REGIONS; slot++) {
        const struct gmt_region *region = &model->region[slot];
        if (region->size == 0 || slot == except)
            continue;
        if (gpa <= region->gpa + (region->size - 1) && region->gpa <= gpa + (size - 1))
            return true;
    }
    return false;
}

unsigned gmt_model_slot(const struct gmt_model *model, gm_gpa gpa)
{
    unsigned slot = 0;
    while (slot < GMT_REGIONS && (model->region[slot].size == 0 || model->region[slot].gpa != gpa))
        slot++;
    return slot;
}
