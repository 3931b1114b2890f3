/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* gm_translate_span: pointer, length and rights of what stands at an address. */
#include "lib/cm.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)

static void assert_span(const struct gm_view *view, gm_gpa gpa, uintptr_t host, uint64_t most,
                        unsigned rights)
{
    struct gm_span span = {.len = 0};
    struct gm_span slow = {.len = 0};
    assert_int_equal(gm_translate_span(view, gpa, &span), 0);
    assert_int_equal(gm_translate_span_slow(view, gpa, &slow), 0);
    assert_ptr_equal(span.address, (void *)host);
    assert_ptr_equal(slow.address, (void *)host);
    assert_in_range(span.len, 1, most);
    assert_in_range(slow.len, 1, most);
    assert_int_equal(span.rights, rights);
    assert_int_equal(slow.rights, rights);
}

static void assert_no_span(const struct gm_view *view, gm_gpa gpa, int want)
{
    struct gm_span span = {(void *)&span, 77, 99};
    assert_int_equal(gm_translate_span(view, gpa, &span), want);
    assert_int_equal(gm_translate_span_slow(view, gpa, &span), want);
    assert_true(span.address == (void *)&span && span.len == 77 && span.rights == 99);
}

static void uniform_block_goes_to_its_end(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, GMT_BLOCK, 2 * GMT_BLOCK, 0);
    struct gm_span span;
    const struct gm_view *view = gmt_pin(rig->space);
    assert_int_equal(gm_translate_span(view, GMT_BLOCK + 5, &span), 0);
    assert_true(span.len == GMT_BLOCK - 5);
    assert_ptr_equal(span.address, (void *)(rig->host + 5));
    assert_int_equal(span.rights, GM_RW);
    assert_int_equal(gm_translate_span(view, 2 * GMT_BLOCK - 1, &span), 0);
    assert_true(span.len == 1);
    gm_unpin();
}

static void walking_spans_covers_a_region(void **state)
{
    struct gmt_rig *rig = *state;
    const gm_gpa base = GMT_GIB - 3 * GMT_BLOCK - PAGES(5) - 9;
    const uint64_t size = 7 * GMT_BLOCK + 77;
    const uint64_t offset = base & (GMT_PAGE - 1);
    gmt_add_ram(rig, base, size, offset);
    const struct gm_view *view = gmt_pin(rig->space);
    uint64_t done = 0;
    while (done < size) {
        struct gm_span span;
        assert_int_equal(gm_translate_span(view, base + done, &span), 0);
        assert_ptr_equal(span.address, (void *)(rig->host + offset + done));
        assert_int_equal(span.rights, GM_RW);
        assert_in_range(span.len, 1, size - done);
        done += span.len;
    }
    assert_no_span(view, base + size, -EFAULT);
    assert_no_span(view, base - 1, -EFAULT);
    gm_unpin();
}

static void errors_write_nothing(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_device(PAGES(1), GMT_PAGE);
    gmt_add(rig->space, &desc);
    gmt_add_ram(rig, PAGES(2), GMT_PAGE, 0);
    desc = gmt_device(GMT_TOP - GMT_PAGE, GMT_PAGE);
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_no_span(view, 0, -EFAULT);
    assert_no_span(view, PAGES(1), -ENXIO);
    assert_no_span(view, PAGES(2) - 1, -ENXIO);
    assert_no_span(view, PAGES(3), -EFAULT);
    assert_no_span(view, GM_GPA_LAST, -ENXIO);
    assert_no_span(view, GMT_TOP, -EFAULT);
    assert_no_span(view, UINT64_C(1) << 63, -EFAULT);
    assert_no_span(view, UINT64_MAX, -EFAULT);
    gm_unpin();
}

static void rights_hold_for_all_of_it(void **state)
{
    struct gmt_rig *rig = *state;
    static const unsigned rights[] = {GM_READ, GM_WRITE, GM_RW, GM_READ};
    for (unsigned i = 0; i < 4; i++) { /* contiguous in host memory, but of different rights */
        struct gm_region_desc desc = gmt_ram(rig, PAGES(i), GMT_PAGE, PAGES(i));
        desc.rights = rights[i];
        gmt_add(rig->space, &desc);
    }
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned i = 0; i < 4; i++) {
        assert_span(view, PAGES(i), rig->host + PAGES(i), GMT_PAGE, rights[i]);
        assert_span(view, PAGES(i + 1) - 1, rig->host + PAGES(i + 1) - 1, 1, rights[i]);
    }
    gm_unpin();
}

static void length_stops_where_host_memory_does(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    gmt_add_ram(rig, PAGES(1), GMT_PAGE, PAGES(3));
    gmt_add_ram(rig, PAGES(2), GMT_PAGE, PAGES(4)); /* goes on: one piece or two */
    const struct gm_view *view = gmt_pin(rig->space);
    assert_span(view, 0, rig->host, GMT_PAGE, GM_RW);
    assert_span(view, 100, rig->host + 100, GMT_PAGE - 100, GM_RW);
    assert_span(view, PAGES(1), rig->host + PAGES(3), PAGES(2), GM_RW);
    assert_span(view, PAGES(3) - 1, rig->host + PAGES(5) - 1, 1, GM_RW);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(uniform_block_goes_to_its_end),
        RIG(walking_spans_covers_a_region),
        RIG(errors_write_nothing),
        RIG(rights_hold_for_all_of_it),
        RIG(length_stops_where_host_memory_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
