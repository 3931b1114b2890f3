/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* gm_region_last, gm_range_check and gm_range_offset, against regions looked at one by one. */
#include "lib/cm.h"
#include "lib/rand.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)
#define KINDS 5

static struct gm_region_desc of_kind(struct gmt_rig *rig, enum gm_kind kind, gm_gpa gpa, uint64_t size)
{
    struct gm_region_desc desc = gmt_ram(rig, gpa, size, gpa % GMT_PAGE);
    if (kind == GM_KIND_DEVICE)
        desc = gmt_device(gpa, size);
    desc.kind = kind;
    return desc;
}

static void assert_last(const struct gm_view *view, unsigned kinds, int want, gm_gpa last)
{
    gm_gpa got = 77;
    assert_result(gm_region_last(view, kinds, &got), want);
    assert_true(got == (want == 0 ? last : 77));
}

static void last_of_nothing(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned kinds = 1; kinds <= GM_KINDS_ALL; kinds++)
        assert_last(view, kinds, -ENOENT, 0);
    assert_last(view, 0, -EINVAL, 0);
    assert_last(view, GM_KINDS_ALL + 1, -EINVAL, 0);
    assert_last(view, GM_KIND_BIT(GM_KIND_RAM) | GM_KIND_BIT(31), -EINVAL, 0);
    gm_unpin();
}

/* Inclusive, and each kind for itself and in every company. */
static void last_of_each_set_of_kinds(void **state)
{
    struct gmt_rig *rig = *state;
    static const enum gm_kind order[KINDS] = {GM_KIND_FIRMWARE, GM_KIND_RAM, GM_KIND_ROM, GM_KIND_DEVICE, GM_KIND_DAX};
    gm_gpa last[KINDS];
    for (unsigned i = 0; i < KINDS; i++) {
        struct gm_region_desc desc = of_kind(rig, order[i], GMT_GIB * (i + 1) + i, 100 + i);
        gmt_add(rig->space, &desc);
        last[order[i]] = desc.gpa + desc.size - 1;
    }
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned kinds = 1; kinds <= GM_KINDS_ALL; kinds++) {
        gm_gpa want = 0;
        for (unsigned kind = 0; kind < KINDS; kind++)
            if ((kinds & GM_KIND_BIT(kind)) != 0 && last[kind] > want)
                want = last[kind];
        assert_last(view, kinds, 0, want);
    }
    gm_unpin();
}

static void last_at_the_top(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_device(GM_GPA_LAST, 1);
    gmt_add(rig->space, &desc);
    assert_last(gmt_pin(rig->space), GM_KINDS_ALL, 0, GM_GPA_LAST);
    assert_last(gmt_pin(rig->space), GM_KINDS_HOST, -ENOENT, 0);
    gm_unpin();
    gm_unpin();
}

/* Chunks are skipped by what they hold: hundreds of regions of one sort above the one that is asked for. */
static void last_below_many(void **state)
{
    struct gmt_rig *rig = *state;
    for (unsigned turn = 0; turn < 2; turn++) {
        struct gm_txn *txn = gmt_begin(rig->space);
        enum gm_kind below = turn == 0 ? GM_KIND_RAM : GM_KIND_DEVICE;
        enum gm_kind above = turn == 0 ? GM_KIND_DEVICE : GM_KIND_ROM;
        for (unsigned i = 0; i < 700; i++) {
            struct gm_region_desc desc = of_kind(rig, i < 200 ? below : above, PAGES(2 * i), GMT_PAGE);
            assert_result(gm_txn_add(txn, &desc), 0);
        }
        gmt_commit(txn, GM_COMMIT_WAIT);
        const struct gm_view *view = gmt_pin(rig->space);
        assert_last(view, GM_KIND_BIT(below), 0, PAGES(2 * 199 + 1) - 1);
        assert_last(view, GM_KIND_BIT(above), 0, PAGES(2 * 699 + 1) - 1);
        assert_last(view, GM_KIND_BIT(GM_KIND_DAX), -ENOENT, 0);
        gm_unpin();
        txn = gmt_begin(rig->space);
        for (unsigned i = 0; i < 700; i++)
            assert_result(gm_txn_remove(txn, PAGES(2 * i), GMT_PAGE), 0);
        gmt_commit(txn, GM_COMMIT_WAIT);
    }
}

/* --- ranges: a space of pages in which every sort of neighbour occurs, each page asked by itself */

#define SPAN 40

static void fill(struct gmt_rig *rig, uint64_t *seed)
{
    struct gm_txn *txn = gmt_begin(rig->space);
    for (uint64_t page = 0; page < SPAN;) {
        uint64_t pages = 1 + gmt_rand_below(seed, 4);
        uint64_t kind = gmt_rand_below(seed, KINDS + 2);
        if (kind < KINDS) {
            struct gm_region_desc desc = of_kind(rig, (enum gm_kind)kind, PAGES(page), PAGES(pages));
            if (kind != GM_KIND_DEVICE && gmt_rand_below(seed, 2) == 0)
                desc.offset += PAGES(gmt_rand_below(seed, 3) * 50); /* not always where its neighbour goes on */
            assert_result(gm_txn_add(txn, &desc), 0);
        }
        page += pages;
    }
    gmt_commit(txn, GM_COMMIT_WAIT);
}

static void empty(struct gmt_rig *rig)
{
    struct gm_region_info info;
    for (;;) {
        int result = gm_region_next(gmt_pin(rig->space), 0, &info);
        gm_unpin();
        if (result != 0)
            return;
        gmt_remove(rig->space, info.gpa, info.size);
    }
}

static int page_allows(const struct gm_view *view, uint64_t page, unsigned rights)
{
    struct gm_region_info info;
    if (gm_region_find(view, PAGES(page), &info) != 0)
        return -EFAULT;
    if (info.kind == GM_KIND_DEVICE)
        return -ENXIO;
    return (rights & ~info.rights) != 0 ? -EACCES : 0;
}

static void check_agrees_with_pages(void **state)
{
    struct gmt_rig *rig = *state;
    uint64_t seed = 3;
    unsigned pieces = 0;
    for (unsigned round = 0; round < 60; round++) {
        fill(rig, &seed);
        const struct gm_view *view = gmt_pin(rig->space);
        for (uint64_t first = 0; first < SPAN; first++)
            for (unsigned rights = GM_ANY; rights <= GM_RW; rights++) {
                int want = 0;
                for (uint64_t last = first; last < SPAN + 2; last++) {
                    want = want != 0 ? want : page_allows(view, last, rights);
                    assert_result(gm_range_check(view, PAGES(first) + 1, PAGES(last - first) + 9, rights), want);
                    pieces += gm_translate_why(view, PAGES(first) + 1, PAGES(last - first) + 9, rights) == -EXDEV;
                }
            }
        gm_unpin();
        empty(rig);
    }
    assert_true(pieces > 100); /* what translation calls split, a check does not mind */
}

static void check_at_the_edges(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, GMT_TOP - PAGES(1), PAGES(1), 0);
    gmt_add_ram(rig, 0, PAGES(1), PAGES(3));
    const struct gm_view *view = gmt_pin(rig->space);
    static const gm_gpa anywhere[] = {0, 5, GMT_PAGE, GMT_GIB, GMT_TOP, UINT64_MAX};
    for (size_t i = 0; i < sizeof(anywhere) / sizeof(anywhere[0]); i++)
        assert_result(gm_range_check(view, anywhere[i], 0, GM_RW), 0); /* nothing is asked for */
    assert_result(gm_range_check(view, GM_GPA_LAST, 1, GM_RW), 0);
    assert_result(gm_range_check(view, GM_GPA_LAST, 2, GM_RW), -EFAULT);
    assert_result(gm_range_check(view, UINT64_MAX, 1, GM_RW), -EFAULT);
    assert_result(gm_range_check(view, UINT64_MAX, 2, GM_RW), -EOVERFLOW); /* does not go on at 0 */
    assert_result(gm_range_check(view, 1, UINT64_MAX, GM_RW), -EFAULT);
    assert_result(gm_range_check(view, 2, UINT64_MAX, GM_RW), -EOVERFLOW);
    gm_unpin();
}

static void offset(void **state)
{
    struct gmt_rig *rig = *state;
    gm_gpa got = 5;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    gmt_add_ram(rig, PAGES(4), PAGES(1), 0);
    struct gm_region_desc device = gmt_device(PAGES(6), PAGES(1));
    gmt_add(rig->space, &device);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_range_offset(view, 0, 0, &got), 0);
    assert_true(got == 0);
    assert_result(gm_range_offset(view, 0, PAGES(5) - 1, &got), 0); /* over a hole */
    assert_true(got == PAGES(5) - 1);
    assert_result(gm_range_offset(view, PAGES(2), PAGES(2), &got), 0); /* out of a hole */
    assert_true(got == PAGES(4));
    got = 5;
    assert_result(gm_range_offset(view, 0, PAGES(5), &got), -EFAULT);
    assert_result(gm_range_offset(view, 0, PAGES(6), &got), -ENXIO);
    assert_result(gm_range_offset(view, PAGES(4), UINT64_MAX - PAGES(4), &got), -EFAULT);
    assert_result(gm_range_offset(view, PAGES(4), UINT64_MAX - PAGES(4) + 1, &got), -EOVERFLOW); /* would be 0 */
    assert_result(gm_range_offset(view, UINT64_MAX, UINT64_MAX, &got), -EOVERFLOW);
    assert_true(got == 5);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(last_of_nothing),         RIG(last_of_each_set_of_kinds),
        RIG(last_at_the_top),         RIG(last_below_many),
        RIG(check_agrees_with_pages), RIG(check_at_the_edges),
        RIG(offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
