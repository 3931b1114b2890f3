/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A small guest in many pieces, with a dirty bitmap, for tests of slices and streams. In pages:
 *
 *   guest  0..3  4..5    6     7     8     9   10..
 *          RAM   RAM    ROM   hole  device RAM  hole
 *   host   0..3 16..17   32                40
 */
#ifndef GM_TESTS_LIB_PIECES_H
#define GM_TESTS_LIB_PIECES_H

#include "lib/cm.h"

#include <guestmem/guestmem.h>

#define PAGE GM_PAGE_SIZE
#define PIECES_HOST 64 /* pages of host memory */
#define PIECES_SEAM (4 * PAGE) /* between two pieces of RAM */

struct pieces {
    struct gm_space *space;
    struct gm_dirty *dirty;
    struct gm_backing *ram;
    uint8_t *host;
    const struct gm_view *view; /* pinned */
};

static inline void pieces_add(struct pieces *on, enum gm_kind kind, uint64_t page, uint64_t pages, uint64_t host_page)
{
    struct gm_txn *txn;
    const struct gm_region_desc desc = {.gpa = page * PAGE,
                                        .size = pages * PAGE,
                                        .kind = kind,
                                        .backing = kind != GM_KIND_DEVICE ? on->ram : NULL,
                                        .offset = kind != GM_KIND_DEVICE ? host_page * PAGE : 0};
    assert_result(gm_txn_begin(on->space, &txn), 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
}

static inline int pieces_open(void **state)
{
    struct pieces *on = calloc(1, sizeof(*on));
    assert_non_null(on);
    const struct gm_dirty_config marks = {.size = PIECES_HOST * PAGE, .numa_node = -1, .flags = GM_DIRTY_ON};
    assert_result(gm_dirty_create(&marks, &on->dirty), 0);
    const struct gm_space_config config = {.numa_node = -1, .dirty = on->dirty};
    assert_result(gm_space_create(&config, &on->space), 0);
    assert_result(gm_backing_anonymous(PIECES_HOST * PAGE, 0, &on->ram), 0);
    on->host = gm_backing_address(on->ram);
    pieces_add(on, GM_KIND_RAM, 0, 4, 0);
    pieces_add(on, GM_KIND_RAM, 4, 2, 16);
    pieces_add(on, GM_KIND_ROM, 6, 1, 32);
    pieces_add(on, GM_KIND_DEVICE, 8, 1, 0);
    pieces_add(on, GM_KIND_RAM, 9, 1, 40);
    assert_result(gm_reader_register(), 0);
    on->view = gm_pin(on->space);
    assert_non_null(on->view);
    *state = on;
    return 0;
}

static inline int pieces_close(void **state)
{
    struct pieces *on = *state;
    while (gm_unpin() == 0)
        continue;
    assert_result(gm_reader_unregister(), 0);
    assert_result(gm_space_destroy(on->space), 0);
    gm_backing_put(on->ram);
    gm_dirty_destroy(on->dirty);
    free(on);
    return 0;
}

/* Where a byte of the guest stands, by the table above and not by the library. */
static inline uint8_t *pieces_at(const struct pieces *on, gm_gpa gpa)
{
    static const int host_page[] = {0, 1, 2, 3, 16, 17, 32, -1, -1, 40};
    assert_true(gpa / PAGE < 10 && host_page[gpa / PAGE] >= 0);
    return on->host + (uint64_t)host_page[gpa / PAGE] * PAGE + gpa % PAGE;
}

static inline void pieces_get(const struct pieces *on, gm_gpa gpa, void *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = *pieces_at(on, gpa + i);
}

static inline void pieces_set(const struct pieces *on, gm_gpa gpa, const void *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        *pieces_at(on, gpa + i) = ((const uint8_t *)from)[i];
}

static inline void assert_bytes(const struct pieces *on, gm_gpa gpa, const void *want, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(*pieces_at(on, gpa + i), ((const uint8_t *)want)[i]);
}

/* Exactly the pages that [first, first + len) touches are marked; then none is. len 0: none was. */
static inline void assert_dirty_range(struct gm_dirty *dirty, uint64_t first, uint64_t len)
{
    for (uint64_t page = 0; page < PIECES_HOST; page++) {
        int want = len != 0 && page >= first / PAGE && page <= (first + len - 1) / PAGE;
        if (gm_dirty_is_marked(dirty, page * PAGE) != want)
            fail_msg("page %d is %s", (int)page, want ? "not marked" : "marked");
    }
    assert_result(gm_dirty_clear(dirty, 0, PIECES_HOST * PAGE), 0);
}

/* Bytes that are unlike one another and unlike zero. */
static inline void fill_pattern(uint8_t *bytes, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(1 + (i * 7 + seed * 31 + i / 251) % 255);
}

#define PIECES(name) cmocka_unit_test_setup_teardown(name, pieces_open, pieces_close)

#endif
