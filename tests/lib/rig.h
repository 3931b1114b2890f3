/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What nearly every test of the interface starts with: a registered reader, an empty space and a backing to
 * cut regions from; and the transactions of one edit that fill the space.
 */
#ifndef GM_TESTS_LIB_RIG_H
#define GM_TESTS_LIB_RIG_H

#include <stdbool.h>

#include <guestmem/guestmem.h>

#define GMT_PAGE GM_PAGE_SIZE
#define GMT_BLOCK GM_BLOCK_SIZE
#define GMT_GIB (UINT64_C(1) << GM_GIB_SHIFT)
#define GMT_TOP (UINT64_C(1) << GM_GPA_BITS)
#define GMT_RIG_MEMORY (UINT64_C(64) << 20)

struct gmt_rig {
    struct gm_space *space;
    struct gm_backing *ram; /* GMT_RIG_MEMORY bytes, anonymous, zeroed */
    uintptr_t host;         /* its address */
    char *before;           /* text of gmt_remember */
};

/* cmocka set-up and tear-down; the latter fails when something is still held. */
int gmt_rig_open(void **state);
int gmt_rig_close(void **state);

struct gm_region_desc gmt_ram(const struct gmt_rig *rig, gm_gpa gpa, uint64_t size, uint64_t offset);
struct gm_region_desc gmt_device(gm_gpa gpa, uint64_t size);

/* Begin, one edit, commit; fail the test when a step is refused. */
void gmt_add(struct gm_space *space, const struct gm_region_desc *desc);
void gmt_add_ram(struct gmt_rig *rig, gm_gpa gpa, uint64_t size, uint64_t offset);
void gmt_remove(struct gm_space *space, gm_gpa gpa, uint64_t size);
void gmt_resize(struct gm_space *space, gm_gpa gpa, uint64_t size);
struct gm_txn *gmt_begin(struct gm_space *space);
void gmt_commit(struct gm_txn *txn, unsigned flags);

/* What the space says of itself now, and a check that it says the same later. */
void gmt_remember(struct gmt_rig *rig);
void gmt_assert_unchanged(struct gmt_rig *rig);

/*
 * One edit that has to be refused, followed by a commit: neither the open transaction nor the committed space
 * may show a trace of it.
 */
void gmt_assert_add_refused(struct gmt_rig *rig, const struct gm_region_desc *desc, int want);
void gmt_assert_remove_refused(struct gmt_rig *rig, gm_gpa gpa, uint64_t size, int want);
void gmt_assert_resize_refused(struct gmt_rig *rig, gm_gpa gpa, uint64_t size, int want);

/* Pin, fail the test when that gives no view. */
const struct gm_view *gmt_pin(const struct gm_space *space);

/* Run a function on a thread of its own and wait for it; the thread's result, 0 for good. */
int gmt_on_thread(void *(*function)(void *argument), void *argument);

#endif
