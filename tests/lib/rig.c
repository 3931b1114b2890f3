/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Set-up, tear-down and one-edit transactions for the tests of the public interface. */
#include "lib/rig.h"

#include <pthread.h>

#include "lib/cm.h"
#include "lib/dump.h"

int gmt_rig_open(void **state)
{
    struct gmt_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    assert_result(gm_reader_register(), 0);
    assert_result(gm_space_create(NULL, &rig->space), 0);
    assert_result(gm_backing_anonymous(GMT_RIG_MEMORY, GM_BACKING_NORESERVE, &rig->ram), 0);
    rig->host = (uintptr_t)gm_backing_address(rig->ram);
    *state = rig;
    return 0;
}

int gmt_rig_close(void **state)
{
    struct gmt_rig *rig = *state;
    unsigned pins = 0;
    while (gm_unpin() == 0)
        pins++;
    int destroyed = gm_space_destroy(rig->space);
    int unregistered = gm_reader_unregister();
    gm_backing_put(rig->ram);
    free(rig->before);
    free(rig);
    /* only now, so that one failing test does not take the next ones with it */
    assert_int_equal(pins, 0);
    assert_result(destroyed, 0);
    assert_result(unregistered, 0);
    return 0;
}

struct gm_region_desc gmt_ram(const struct gmt_rig *rig, gm_gpa gpa, uint64_t size, uint64_t offset)
{
    return (struct gm_region_desc){.gpa = gpa,
                                   .size = size,
                                   .kind = GM_KIND_RAM,
                                   .backing = rig->ram,
                                   .offset = offset,
                                   .tag = gpa ^ UINT64_C(0x7a67000000000000)};
}

struct gm_region_desc gmt_device(gm_gpa gpa, uint64_t size)
{
    return (struct gm_region_desc){.gpa = gpa, .size = size, .kind = GM_KIND_DEVICE, .tag = gpa + 1};
}

struct gm_txn *gmt_begin(struct gm_space *space)
{
    struct gm_txn *txn = NULL;
    assert_result(gm_txn_begin(space, &txn), 0);
    assert_non_null(txn);
    return txn;
}

void gmt_commit(struct gm_txn *txn, unsigned flags)
{
    assert_result(gm_txn_commit(txn, flags), 0);
}

void gmt_add(struct gm_space *space, const struct gm_region_desc *desc)
{
    struct gm_txn *txn = gmt_begin(space);
    assert_result(gm_txn_add(txn, desc), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
}

void gmt_add_ram(struct gmt_rig *rig, gm_gpa gpa, uint64_t size, uint64_t offset)
{
    struct gm_region_desc desc = gmt_ram(rig, gpa, size, offset);
    gmt_add(rig->space, &desc);
}

void gmt_remove(struct gm_space *space, gm_gpa gpa, uint64_t size)
{
    struct gm_txn *txn = gmt_begin(space);
    assert_result(gm_txn_remove(txn, gpa, size), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
}

void gmt_resize(struct gm_space *space, gm_gpa gpa, uint64_t size)
{
    struct gm_txn *txn = gmt_begin(space);
    assert_result(gm_txn_resize(txn, gpa, size), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
}

void gmt_remember(struct gmt_rig *rig)
{
    free(rig->before);
    rig->before = gmt_dump_space(rig->space);
    assert_non_null(rig->before);
}

void gmt_assert_unchanged(struct gmt_rig *rig)
{
    char *now = gmt_dump_space(rig->space);
    assert_same_text(now, rig->before);
    free(now);
}

static void assert_no_trace(struct gmt_rig *rig, struct gm_txn *txn)
{
    gmt_assert_unchanged(rig);
    gmt_commit(txn, GM_COMMIT_WAIT);
    gmt_assert_unchanged(rig);
}

void gmt_assert_add_refused(struct gmt_rig *rig, const struct gm_region_desc *desc, int want)
{
    gmt_remember(rig);
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_txn_add(txn, desc), want);
    assert_no_trace(rig, txn);
}

void gmt_assert_remove_refused(struct gmt_rig *rig, gm_gpa gpa, uint64_t size, int want)
{
    gmt_remember(rig);
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_txn_remove(txn, gpa, size), want);
    assert_no_trace(rig, txn);
}

void gmt_assert_resize_refused(struct gmt_rig *rig, gm_gpa gpa, uint64_t size, int want)
{
    gmt_remember(rig);
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_txn_resize(txn, gpa, size), want);
    assert_no_trace(rig, txn);
}

const struct gm_view *gmt_pin(const struct gm_space *space)
{
    const struct gm_view *view = gm_pin(space);
    assert_non_null(view);
    return view;
}

int gmt_on_thread(void *(*function)(void *argument), void *argument)
{
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(pthread_create(&thread, NULL, function, argument), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    return (int)(intptr_t)result;
}
