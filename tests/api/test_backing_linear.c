/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Kinds of backings as regions of a linear space, which maps them a second time: shared memory is the same there,
 * whatever file it is in; other memory is refused. Huge pages are in test_backing_hugetlb.c.
 */
#include "lib/cm.h"
#include "lib/probe.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)
#define SIZE GMT_GIB

static int open_linear(void **state)
{
    gmt_rig_open(state);
    struct gmt_rig *rig = *state;
    struct gm_space_config config = {.linear_size = SIZE, .numa_node = -1};
    assert_result(gm_space_destroy(rig->space), 0);
    assert_result(gm_space_create(&config, &rig->space), 0);
    return 0;
}

static struct gm_backing *part_of(const struct gm_backing *file, unsigned flags)
{
    const struct gm_backing_config config = {.kind = GM_BACKING_KIND_FILE,
                                             .fd = gm_backing_fd(file),
                                             .offset = PAGES(3),
                                             .size = PAGES(4),
                                             .size_most = PAGES(6),
                                             .flags = flags};
    struct gm_backing *backing;
    assert_result(gm_backing_create(&config, &backing), 0);
    return backing;
}

static void a_part_of_a_file(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *file;
    assert_result(gm_backing_memfd(NULL, PAGES(16), 0, &file), 0);
    struct gm_backing *backing = part_of(file, GM_BACKING_NO_FORK);
    volatile unsigned char *bytes = gm_backing_address(file);
    struct gm_region_desc desc = {.gpa = PAGES(7), .size = PAGES(2), .backing = backing, .offset = PAGES(1)};
    gmt_add(rig->space, &desc);
    volatile unsigned char *hva = gm_translate(gmt_pin(rig->space), PAGES(7), PAGES(2), GM_RW);
    gm_unpin();
    hva[9] = 5;
    assert_int_equal(bytes[PAGES(4) + 9], 5);
    assert_true(gmt_has_vm_flag((const void *)(uintptr_t)hva, "dc"));
    assert_result(gm_backing_discard(backing, PAGES(1), PAGES(1)), 0); /* seen through both mappings */
    assert_int_equal(hva[9], 0);
    assert_result(gm_backing_resize(backing, PAGES(6)), 0);
    gmt_resize(rig->space, PAGES(7), PAGES(5));
    hva[PAGES(4)] = 6;
    assert_int_equal(bytes[PAGES(8)], 6);
    gm_backing_put(file);
    gm_backing_put(backing);
}

static void memory_that_would_be_another(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *file;
    assert_result(gm_backing_memfd(NULL, PAGES(16), 0, &file), 0);
    struct gm_backing *backing = part_of(file, GM_BACKING_PRIVATE);
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(1), .backing = backing};
    gmt_assert_add_refused(rig, &desc, -EOPNOTSUPP);
    desc.backing = rig->ram; /* anonymous */
    gmt_assert_add_refused(rig, &desc, -EOPNOTSUPP);
    gm_backing_put(backing);
    gm_backing_put(file);
}

#define LINEAR(name) cmocka_unit_test_setup_teardown(name, open_linear, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {LINEAR(a_part_of_a_file), LINEAR(memory_that_would_be_another)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
