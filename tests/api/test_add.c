/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* gm_txn_add: what is taken, and each documented refusal, after which nothing may have changed. */
#include "lib/cm.h"
#include "lib/rig.h"

/* A region in the middle of the space, for others to collide with. */
#define BASE (GMT_GIB - 4 * GMT_PAGE)
#define SIZE (8 * GMT_PAGE)

static void size_zero(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, 0, 0, 0);
    gmt_assert_add_refused(rig, &desc, -EINVAL);
    desc = gmt_device(GMT_PAGE, 0);
    gmt_assert_add_refused(rig, &desc, -EINVAL);
}

static void kind_and_rights_and_backing_that_do_not_fit(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *ram = rig->ram;
    const struct gm_region_desc bad[] = {
        {.size = GMT_PAGE, .kind = (enum gm_kind)5, .backing = ram},
        {.size = GMT_PAGE, .kind = (enum gm_kind)255, .backing = ram},
        {.size = GMT_PAGE, .kind = GM_KIND_RAM, .backing = NULL},
        {.size = GMT_PAGE, .kind = GM_KIND_ROM, .backing = NULL},
        {.size = GMT_PAGE, .kind = GM_KIND_DEVICE, .backing = ram},
        {.size = GMT_PAGE, .kind = GM_KIND_DEVICE, .rights = GM_READ},
        {.size = GMT_PAGE, .kind = GM_KIND_DEVICE, .rights = GM_WRITE},
        {.size = GMT_PAGE, .kind = GM_KIND_DEVICE, .rights = GM_RW},
        {.size = GMT_PAGE, .kind = GM_KIND_RAM, .backing = ram, .rights = 4},
        {.size = GMT_PAGE, .kind = GM_KIND_RAM, .backing = ram, .rights = GM_RW | 8},
        {.size = GMT_PAGE, .kind = GM_KIND_RAM, .backing = ram, .rights = ~0u},
        {.size = GMT_PAGE, .kind = GM_KIND_ROM, .backing = ram, .rights = GM_WRITE},
        {.size = GMT_PAGE, .kind = GM_KIND_ROM, .backing = ram, .rights = GM_RW},
        {.size = GMT_PAGE, .kind = GM_KIND_ROM, .backing = ram, .rights = GM_READ | 4},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        gmt_assert_add_refused(rig, &bad[i], -EINVAL);
}

static void offset_and_gpa_differ_within_a_page(void **state)
{
    static const uint64_t slip[] = {1, 8, 64, 512, GMT_PAGE / 2, GMT_PAGE - 1};
    struct gmt_rig *rig = *state;
    for (size_t i = 0; i < sizeof(slip) / sizeof(slip[0]); i++) {
        struct gm_region_desc desc = gmt_ram(rig, GMT_PAGE, GMT_PAGE, slip[i]);
        gmt_assert_add_refused(rig, &desc, -EINVAL);
        desc = gmt_ram(rig, GMT_PAGE + slip[i], GMT_PAGE, 0);
        gmt_assert_add_refused(rig, &desc, -EINVAL);
        desc = gmt_ram(rig, GMT_PAGE + slip[i], 1, GMT_PAGE + slip[i]);
        gmt_add(rig->space, &desc); /* congruent: fine */
        gmt_remove(rig->space, desc.gpa, 1);
    }
}

static void range_wraps(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, 0 - GMT_PAGE, 2 * GMT_PAGE, 0);
    gmt_assert_add_refused(rig, &desc, -EOVERFLOW);
    desc = gmt_device(UINT64_MAX, 2);
    gmt_assert_add_refused(rig, &desc, -EOVERFLOW);
    desc = gmt_device(2, UINT64_MAX);
    gmt_assert_add_refused(rig, &desc, -EOVERFLOW);
    desc = gmt_device(UINT64_MAX, UINT64_MAX);
    gmt_assert_add_refused(rig, &desc, -EOVERFLOW);
    desc = gmt_ram(rig, 0, 2 * GMT_PAGE, 0 - GMT_PAGE);
    gmt_assert_add_refused(rig, &desc, -EOVERFLOW);
    desc = gmt_ram(rig, GMT_PAGE - 1, 2, UINT64_MAX);
    gmt_assert_add_refused(rig, &desc, -EOVERFLOW);
}

static void ends_past_the_space(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_region_desc bad[] = {
        gmt_ram(rig, GMT_TOP, GMT_PAGE, 0),
        gmt_ram(rig, GMT_TOP - GMT_PAGE, 2 * GMT_PAGE, 0),
        gmt_ram(rig, GMT_TOP - GMT_PAGE, GMT_PAGE + 1, 0),
        gmt_ram(rig, GMT_TOP - 1, 2, GMT_PAGE - 1),
        gmt_device(GMT_TOP, 1),
        gmt_device(GMT_TOP - 1, 2),
        gmt_device(1, GMT_TOP),
        gmt_device(0, GMT_TOP + 1),
        gmt_device(UINT64_C(1) << 63, GMT_PAGE),
        gmt_device(UINT64_MAX, 1), /* ends at 2^64: past the space, but the last byte has an address */
        gmt_ram(rig, 0 - GMT_PAGE, GMT_PAGE, 0),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        gmt_assert_add_refused(rig, &bad[i], -ERANGE);
}

static void ends_past_the_backing(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_region_desc bad[] = {
        gmt_ram(rig, 0, GMT_RIG_MEMORY + 1, 0),
        gmt_ram(rig, 0, GMT_RIG_MEMORY + GMT_PAGE, 0),
        gmt_ram(rig, 0, GMT_PAGE, GMT_RIG_MEMORY),
        gmt_ram(rig, 0, 2 * GMT_PAGE, GMT_RIG_MEMORY - GMT_PAGE),
        gmt_ram(rig, GMT_PAGE - 1, 2, GMT_RIG_MEMORY - 1),
        gmt_ram(rig, 0, GMT_PAGE, UINT64_C(1) << 40),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        gmt_assert_add_refused(rig, &bad[i], -ERANGE);
}

/* Every way in which two ranges can share a byte, down to one byte, against RAM and against a device. */
static void overlaps(void **state)
{
    static const struct {
        gm_gpa gpa;
        uint64_t size;
    } shape[] = {
        {BASE, SIZE},                       /* the same */
        {BASE, GMT_PAGE},                   /* inside, at the start */
        {BASE + SIZE - GMT_PAGE, GMT_PAGE}, /* inside, at the end */
        {BASE + GMT_PAGE, GMT_PAGE},        /* inside */
        {BASE - GMT_PAGE, SIZE},            /* over the start */
        {BASE + GMT_PAGE, SIZE},            /* over the end */
        {BASE - GMT_PAGE, SIZE + 2 * GMT_PAGE}, /* around */
        {BASE, SIZE + GMT_PAGE},            /* same start, longer */
        {BASE - GMT_PAGE, SIZE + GMT_PAGE}, /* same end, longer */
        {BASE, 1},                          /* first byte */
        {BASE + SIZE - 1, 1},               /* last byte */
        {BASE - GMT_PAGE, GMT_PAGE + 1},    /* one byte over the start */
        {BASE + SIZE - 1, GMT_PAGE},        /* one byte over the end */
        {BASE - 1, 2},                      /* two bytes, one of them inside */
        {0, 2 * GMT_GIB},                   /* far around */
    };
    struct gmt_rig *rig = *state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct gm_region_desc first = kind == 0 ? gmt_ram(rig, BASE, SIZE, 0) : gmt_device(BASE, SIZE);
        gmt_add(rig->space, &first);
        for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
            struct gm_region_desc desc = gmt_device(shape[i].gpa, shape[i].size);
            gmt_assert_add_refused(rig, &desc, -EEXIST);
            desc = gmt_ram(rig, shape[i].gpa, shape[i].size, shape[i].gpa & (GMT_PAGE - 1));
            if (shape[i].size < GMT_RIG_MEMORY)
                gmt_assert_add_refused(rig, &desc, -EEXIST);
        }
        gmt_remove(rig->space, BASE, SIZE);
    }
}

static void neighbours_do_not_overlap(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, BASE, SIZE, 0);
    gmt_add_ram(rig, BASE - 1, 1, GMT_PAGE - 1);
    gmt_add_ram(rig, BASE + SIZE, 1, 0);
    gmt_add_ram(rig, BASE - GMT_PAGE, GMT_PAGE - 1, 0);
    gmt_add_ram(rig, BASE + SIZE + 1, GMT_PAGE - 1, 1);
    struct gm_space_stats stats;
    assert_result(gm_space_stats_get(rig->space, &stats), 0);
    assert_int_equal(stats.regions, 5);
}

static void ends_exactly_at_the_top(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, GMT_TOP - GMT_PAGE, GMT_PAGE, GMT_PAGE);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(view, GM_GPA_LAST, 1, GM_RW), (void *)(rig->host + 2 * GMT_PAGE - 1));
    assert_ptr_equal(gm_translate(view, GMT_TOP - GMT_PAGE, GMT_PAGE, GM_RW), (void *)(rig->host + GMT_PAGE));
    assert_int_equal(gm_translate_why(view, GM_GPA_LAST, 2, GM_RW), -EFAULT);
    assert_int_equal(gm_translate_why(view, GMT_TOP, 1, GM_RW), -EFAULT);
    gm_unpin();
    struct gm_region_desc desc = gmt_device(GM_GPA_LAST, 1);
    gmt_assert_add_refused(rig, &desc, -EEXIST);
    gmt_remove(rig->space, GMT_TOP - GMT_PAGE, GMT_PAGE);
    gmt_add(rig->space, &desc);
    assert_int_equal(gm_translate_why(gmt_pin(rig->space), GM_GPA_LAST, 1, GM_ANY), -ENXIO);
    gm_unpin();
}

static void one_device_fills_the_space(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_device(0, GMT_TOP);
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_int_equal(gm_translate_why(view, 0, GMT_TOP, GM_ANY), -ENXIO);
    assert_int_equal(gm_translate_why(view, GM_GPA_LAST, 1, GM_ANY), -ENXIO);
    assert_int_equal(gm_translate_why(view, GMT_TOP, 1, GM_ANY), -EFAULT);
    gm_unpin();
    struct gm_region_desc ram = gmt_ram(rig, GMT_GIB, GMT_PAGE, 0);
    gmt_assert_add_refused(rig, &ram, -EEXIST);
}

static void refusal_leaves_other_staged_edits(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_txn *txn = gmt_begin(rig->space);
    struct gm_region_desc good = gmt_ram(rig, BASE, SIZE, 0);
    struct gm_region_desc bad = gmt_ram(rig, BASE + SIZE - 1, 1, GMT_PAGE - 1);
    assert_result(gm_txn_add(txn, &good), 0);
    assert_result(gm_txn_add(txn, &bad), -EEXIST);
    bad = gmt_ram(rig, GMT_TOP, GMT_PAGE, 0);
    assert_result(gm_txn_add(txn, &bad), -ERANGE);
    good = gmt_ram(rig, BASE + SIZE, GMT_PAGE, SIZE);
    assert_result(gm_txn_add(txn, &good), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(view, BASE, SIZE + GMT_PAGE, GM_RW), (void *)rig->host);
    gm_unpin();
}

static void count_up(void *argument)
{
    ++*(int *)argument;
}

static void refused_region_takes_no_count(void **state)
{
    struct gmt_rig *rig = *state;
    int released = 0;
    struct gm_backing *backing;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    assert_result(gm_backing_wrap((void *)GMT_GIB, GMT_PAGE, count_up, &released, &backing), 0);
    struct gm_region_desc desc = {.gpa = 0, .size = GMT_PAGE, .backing = backing};
    gmt_assert_add_refused(rig, &desc, -EEXIST);
    struct gm_txn *txn = gmt_begin(rig->space);
    desc.gpa = GMT_PAGE;
    assert_result(gm_txn_add(txn, &desc), 0);
    gm_txn_abort(txn);
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(released, 0);
    gm_backing_put(backing);
    assert_int_equal(released, 1);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(size_zero),
        RIG(kind_and_rights_and_backing_that_do_not_fit),
        RIG(offset_and_gpa_differ_within_a_page),
        RIG(range_wraps),
        RIG(ends_past_the_space),
        RIG(ends_past_the_backing),
        RIG(overlaps),
        RIG(neighbours_do_not_overlap),
        RIG(ends_exactly_at_the_top),
        RIG(one_device_fills_the_space),
        RIG(refusal_leaves_other_staged_edits),
        RIG(refused_region_takes_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
