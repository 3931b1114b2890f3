/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* gm_translate_batch with every kernel that this machine has: entry by entry what gm_translate says. */
#include "lib/cm.h"
#include "lib/guard.h"
#include "lib/rand.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)
#define MOST 200

static const char *const kernels[] = {"scalar", "avx2", "avx512", "neon"};

/* Addresses on and around everything that stands in the space, and outside of it. */
static void draw(uint64_t *seed, gm_gpa *gpa, size_t count)
{
    static const gm_gpa corner[] = {0, GMT_BLOCK, GMT_GIB, GMT_TOP, UINT64_C(1) << 45, UINT64_C(1) << 63,
                                    3 * GMT_GIB};
    for (size_t i = 0; i < count; i++) {
        uint64_t near = gmt_rand_below(seed, 40) * GMT_PAGE + gmt_rand_below(seed, 20) - 10;
        gpa[i] = corner[gmt_rand_below(seed, sizeof(corner) / sizeof(corner[0]))] + near - PAGES(4);
    }
}

static void assert_batch(const struct gm_view *view, const gm_gpa *gpa, size_t count, uint64_t len,
                         unsigned rights, void **hva)
{
    size_t found = 0;
    size_t result = gm_translate_batch(view, gpa, count, len, rights, hva);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(hva[i], gm_translate(view, gpa[i], len, rights));
        found += hva[i] != NULL;
    }
    assert_int_equal(result, found);
}

static void run_sizes(const struct gm_view *view, uint64_t seed)
{
    static const uint64_t lens[] = {1, 2, 8, 16, GMT_PAGE, GMT_PAGE + 1, GMT_BLOCK, GMT_BLOCK + 1, 0,
                                    UINT64_MAX, 0 - PAGES(1)};
    struct gmt_guard gpas, hvas;
    assert_result(gmt_guard_open(&gpas, MOST * sizeof(gm_gpa)), 0);
    assert_result(gmt_guard_open(&hvas, MOST * sizeof(void *)), 0);
    for (size_t count = 0; count <= MOST; count += count < 70 ? 1 : 13) {
        gm_gpa *gpa = gmt_guard_last(&gpas, count * sizeof(*gpa));
        void **hva = gmt_guard_last(&hvas, count * sizeof(*hva));
        for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
            draw(&seed, gpa, count);
            assert_batch(view, gpa, count, lens[i], (unsigned)gmt_rand_below(&seed, 4), hva);
        }
        draw(&seed, gpa, count);
        assert_batch(view, gpa, count, 8, ~0u << 2, hva);
    }
    gmt_guard_close(&gpas);
    gmt_guard_close(&hvas);
}

static void run_kernels(struct gmt_rig *rig)
{
    const char *chosen = gm_isa_name();
    unsigned ran = 0;
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        if (gm_isa_select(kernels[i]) != 0)
            continue;
        run_sizes(gmt_pin(rig->space), 7 + i);
        gm_unpin();
        ran++;
    }
    assert_true(ran >= 1);
    assert_result(gm_isa_select(chosen), 0);
}

static void empty_space(void **state)
{
    run_kernels(*state);
}

static void around_the_number_where_the_strategy_changes(void **state)
{
    struct gmt_rig *rig = *state;
    for (unsigned i = 0; i < 20; i++) {
        struct gm_region_desc desc = gmt_ram(rig, PAGES(2 * i), PAGES(1 + i % 2), PAGES(3 * i));
        if (i % 5 == 4)
            desc = gmt_device(desc.gpa, desc.size);
        if (i % 5 == 3)
            desc.kind = GM_KIND_ROM;
        gmt_add(rig->space, &desc);
        if (i >= 13)
            run_kernels(rig);
    }
}

static void large_and_small_and_unaligned_regions(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, GMT_GIB - PAGES(3), 5 * GMT_BLOCK, PAGES(1));
    gmt_add_ram(rig, GMT_BLOCK - 5, 10, PAGES(1) - 5);
    gmt_add_ram(rig, PAGES(1) + 3, PAGES(2), 3);
    gmt_add_ram(rig, 3 * GMT_GIB, 6 * GMT_BLOCK, 0);
    struct gm_region_desc desc = gmt_ram(rig, 3 * GMT_GIB + 6 * GMT_BLOCK, GMT_BLOCK, 6 * GMT_BLOCK);
    desc.rights = GM_READ;
    gmt_add(rig->space, &desc);
    desc = gmt_device(UINT64_C(1) << 45, PAGES(9));
    gmt_add(rig->space, &desc);
    run_kernels(rig);
}

static void up_to_the_top(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, GMT_TOP - PAGES(2), PAGES(2), 0);
    gmt_add_ram(rig, 0, PAGES(2), PAGES(2));
    run_kernels(rig);
}

static void nothing_to_do(void **state)
{
    struct gmt_rig *rig = *state;
    gm_gpa gpa = 0;
    void *hva = state;
    gmt_add_ram(rig, 0, GMT_BLOCK, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_int_equal(gm_translate_batch(view, &gpa, 0, 8, GM_RW, &hva), 0);
    assert_ptr_equal(hva, state);
    assert_int_equal(gm_linear_batch(view, &gpa, 0, 8, &hva), 0);
    assert_ptr_equal(hva, state);
    assert_int_equal(gm_translate_batch(view, &gpa, 1, 8, GM_RW, &hva), 1);
    assert_ptr_equal(hva, (void *)rig->host);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(empty_space),
        RIG(nothing_to_do),
        RIG(around_the_number_where_the_strategy_changes),
        RIG(large_and_small_and_unaligned_regions),
        RIG(up_to_the_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
