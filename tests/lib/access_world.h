/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A guest whose regions lie in every way that an access can meet, and what each access to it has to do, byte by byte:
 * regions that end within a page, neighbours that are apart or together in host memory, rights, devices, two regions of
 * the same memory, the edges of blocks, GiBs, the dirty bitmap and the space.
 */
#ifndef GM_TESTS_LIB_ACCESS_WORLD_H
#define GM_TESTS_LIB_ACCESS_WORLD_H

#include <stdbool.h>

#include <guestmem/guestmem.h>

#define GMT_WORLD_HOST (UINT64_C(6) << 20)    /* [bytes] of host memory */
#define GMT_WORLD_TRACKED (UINT64_C(2) << 30) /* the dirty bitmap ends here */
#define GMT_WORLD_AREAS 16

struct gmt_area {
    gm_gpa gpa;
    uint64_t size, offset;
    unsigned rights; /* 0: a device */
};

extern const struct gmt_area gmt_areas[GMT_WORLD_AREAS];

struct gmt_touched {
    uint64_t offset, len; /* [bytes] */
};

struct gmt_world {
    struct gm_space *space;
    struct gm_snapshot *snapshot;
    const struct gm_view *view;
    struct gm_dirty *dirty;
    uint8_t *host;  /* what the accesses change */
    uint8_t *model; /* what it should hold */
    bool on;        /* whether marks count */
    uint8_t is_dirty[GMT_WORLD_TRACKED / GM_PAGE_SIZE];
    uint64_t *dirty_page; /* the numbers of those that are */
    size_t dirty_count, dirty_room;
    struct gmt_touched *touched; /* what of the host memory was written, to be cleared */
    size_t touched_count, touched_room;
};

/* Make it, once for a process; the calling thread must be a registered reader or none. NULL: no memory. */
struct gmt_world *gmt_world_open(void);
void gmt_world_close(struct gmt_world *world);

/* All zero and clean again, tracking on. */
void gmt_world_reset(struct gmt_world *world);

/* How many bytes of the range can be accessed before the first that cannot; *error: 0, or the first one's. */
uint64_t gmt_world_expect(gm_gpa gpa, uint64_t len, unsigned rights, int *error);

/* What the model holds; all of the range must be there. */
void gmt_world_read(const struct gmt_world *world, gm_gpa gpa, uint8_t *out, uint64_t len);

/* The model is written to, which must be there, and the pages become dirty. */
void gmt_world_write(struct gmt_world *world, gm_gpa gpa, const uint8_t *bytes, uint64_t len);

/* Does the guest hold what the model holds, in and around the range, and are those pages dirty that should be? */
bool gmt_world_same(const struct gmt_world *world, gm_gpa gpa, uint64_t len);

/* The same of everything that was ever touched. */
bool gmt_world_same_all(const struct gmt_world *world);

#endif
