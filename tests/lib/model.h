/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The oracle: a guest space as a child would draw it. A few windows of guest addresses are arrays of cells
 * (of a page, or of a byte), and each cell names the region that owns it. There is no search and no merging,
 * hence nothing in common with the code under test that could be wrong in the same way.
 */
#ifndef GM_TESTS_LIB_MODEL_H
#define GM_TESTS_LIB_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <guestmem/types.h>

#define GMT_REGIONS 1024
#define GMT_WINDOWS 3

/* [base, base + cells << shift); region edges inside it stand on cell edges. */
struct gmt_window {
    gm_gpa base;
    uint64_t cells;
    unsigned shift;
};

/* Which windows a run uses. They are in ascending order and at least a page apart. */
struct gmt_layout {
    unsigned windows;
    struct gmt_window window[GMT_WINDOWS];
};

struct gmt_region {
    gm_gpa gpa;
    uint64_t size;   /* 0: the slot is free */
    uintptr_t hva;   /* of gpa; 0 for a device */
    uint64_t offset; /* into its backing */
    uint64_t limit;  /* the largest size that the backing allows */
    uint64_t tag;
    enum gm_kind kind;
    unsigned rights;
    unsigned token; /* which lifetime of which backing, see world.h */
};

struct gmt_model {
    const struct gmt_layout *layout;
    unsigned count; /* regions in use */
    struct gmt_region region[GMT_REGIONS];
    uint16_t *cell[GMT_WINDOWS]; /* slot number + 1, 0 for a hole */
};

/* An empty model. Returns 0 or -ENOMEM. */
int gmt_model_init(struct gmt_model *model, const struct gmt_layout *layout);
void gmt_model_free(struct gmt_model *model);
/* Both models must have been made for the same layout. */
void gmt_model_copy(struct gmt_model *to, const struct gmt_model *from);

/* These change the cells without asking whether they may: see gmt_model_overlaps. */
void gmt_model_add(struct gmt_model *model, const struct gmt_region *region);
void gmt_model_remove(struct gmt_model *model, unsigned slot);
void gmt_model_resize(struct gmt_model *model, unsigned slot, uint64_t size);

/* The region that owns the byte, or NULL. */
const struct gmt_region *gmt_model_at(const struct gmt_model *model, gm_gpa gpa);

/* Bytes from gpa to the end of its cell; 1 outside the windows. */
uint64_t gmt_model_step(const struct gmt_model *model, gm_gpa gpa);

/*
 * Whether a region other than the one in slot except (GMT_REGIONS for none) shares a byte with [gpa, gpa +
 * size).
 */
bool gmt_model_overlaps(const struct gmt_model *model, gm_gpa gpa, uint64_t size, unsigned except);

/* Slot of the region that starts at gpa, or GMT_REGIONS. */
unsigned gmt_model_slot(const struct gmt_model *model, gm_gpa gpa);

/* Whether [gpa, gpa + size) is a number of whole cells of one window. */
bool gmt_layout_holds(const struct gmt_layout *layout, gm_gpa gpa, uint64_t size);

#endif
