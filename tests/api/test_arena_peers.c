/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The scenarios that vm-allocator, the vm-allocator of cloud-hypervisor and the resources of crosvm test, as they look
 * here, and the faults that running them showed. Each test names its scenarios; (v), (c), (x): whose.
 *
 * Without an equivalent:
 *   (v) align_up table, search, search_superset, balance, depth limit    internal; compared by unit tests and by
 *                                                                        prop/arena_ops.c, which sees wrong answers
 *   (v) node state transitions                                           a range is taken or not, there is no third
 *   (v) IdAllocator; (c) interrupts, GSIs, memory slots; (x) IRQ, GPE,   gm_ids, and its tests
 *       PCI BDF
 *   (x) AddressRange: empty, contains, intersect, difference, split_at   there is no range type to compute with
 *   (x) SystemAllocator over several pools, ordered fallback             one arena each, or windows in one
 */
#include "lib/arena_model_rig.h"

/* (v) new: overflow, size 0. (c) new: overflow, size 0. (x) empty. */
static void pools_that_cannot_be(void **state)
{
    (void)state;
    struct gm_arena *arena = NULL;
    const struct gm_arena_config inverted = {.first = 0x1000, .last = 0xfff, .numa_node = -1};
    assert_result(gm_arena_create(&inverted, &arena), -EINVAL);
    assert_ptr_equal(arena, NULL);
    arena = gmt_arena_open(UINT64_MAX - 0xff, UINT64_MAX, 0x100); /* what they call an overflow */
    assert_takes(arena, UINT64_MAX - 0xff, .size = 0x100);
    gm_arena_destroy(arena);
}

/* (v) alignment 0 and 200. (c) the same. (x) the same. */
static void alignment_zero_and_two_hundred(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x1000, 0x1fff, 1);
    assert_refuses(arena, -EINVAL, .size = 0x100, .align = 200);
    assert_takes(arena, 0x1000, .size = 0x100, .align = 0); /* there an error, here none was asked for */
    gm_arena_destroy(arena);
}

/* (v) exact length regression; not enough space, then fits. (c) out of space. (x) no space. */
static void not_enough_space_then_fits(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x1000, 0x1fff, 1);
    assert_takes(arena, 0x1000, .size = 0x800);
    assert_refuses(arena, -ENOSPC, .size = 0x900);
    assert_takes(arena, 0x1800, .size = 0x400);
    assert_takes(arena, 0x1c00, .size = 0x400);
    assert_refuses(arena, -ENOSPC, .size = 1);
    gm_arena_destroy(arena);
}

/* (v) first and last match with alignment. (c) alignment series, from the top. (x) special alignment; reverse. */
static void first_and_last_match_with_alignment(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x1000, 0x10fff, 1);
    assert_takes(arena, 0x1000, .size = 0x110, .align = 0x100);
    assert_takes(arena, 0x1200, .size = 0x100, .align = 0x100);
    assert_takes(arena, 0x1110, .size = 0x10);
    assert_takes(arena, 0x10e00, .size = 0x110, .align = 0x100, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, 0x10d00, .size = 0x100, .align = 0x100, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, 0x10ff0, .size = 0x10, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, 0x10c00, .size = 0x100, .align = 0x400, .place = GM_PLACE_HIGHEST);
    gm_arena_destroy(arena);
}

/* (v) exact match: neighbours, too big, wraps. (c) exact: aligned, unaligned, between neighbours. (x) allocate_at. */
static void exact_match(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x1000, 0x1fff, 1);
    assert_takes(arena, 0x1400, .size = 0x400, .place = GM_PLACE_FIXED, .near = 0x1400);
    assert_takes(arena, 0x1300, .size = 0x100, .place = GM_PLACE_FIXED, .near = 0x1300);
    assert_takes(arena, 0x1800, .size = 0x100, .place = GM_PLACE_FIXED, .near = 0x1800);
    assert_refuses(arena, -EBUSY, .size = 0x401, .place = GM_PLACE_FIXED, .near = 0x1000);
    assert_refuses(arena, -ERANGE, .size = 0x801, .place = GM_PLACE_FIXED, .near = 0x1900);
    assert_refuses(arena, -ERANGE, .size = UINT64_MAX, .place = GM_PLACE_FIXED, .near = 0x1900);
    assert_refuses(arena, -ERANGE, .size = 0x100, .align = 0x200, .place = GM_PLACE_FIXED, .near = 0x1100);
    assert_takes(arena, 0x1200, .size = 0x100, .align = 0x200, .place = GM_PLACE_FIXED, .near = 0x1200);
    gm_arena_destroy(arena);
}

/* (v) free and reallocate; failed then good allocation and free; a range of one left over. (c) free and reallocate. */
static void free_and_reallocate(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x1000, 0x1fff, 1);
    struct gm_range_info info = gmt_arena_take(arena, (struct gm_request){.size = 0xfff});
    assert_refuses(arena, -ENOSPC, .size = 2);
    assert_takes(arena, 0x1fff, .size = 1);
    assert_result(gm_arena_give(arena, info.range), 0);
    assert_refuses(arena, -ENOSPC, .size = 0x1000);
    assert_takes(arena, 0x1000, .size = 0xffe);
    assert_takes(arena, 0x1ffe, .size = 1);
    gm_arena_destroy(arena);
}

/* (c) wrong-size free keeps it; free of nothing. (v) free errors. */
static void wrong_free_keeps_it(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x1000, 0x1fff, 1);
    assert_takes(arena, 0x1000, .size = 0x800);
    assert_no_trace(arena, gm_arena_give_exact(arena, 0x1000, 0x13ff, 0), -ERANGE);
    assert_no_trace(arena, gm_arena_give_exact(arena, 0x1800, 0x1fff, 0), -ENOENT);
    assert_refuses(arena, -EBUSY, .size = 0x10, .place = GM_PLACE_FIXED, .near = 0x1000);
    gm_arena_destroy(arena);
}

/* (v) found by running it: an exact match inside of a live block succeeded, and the rest was handed out again. */
static void exact_match_inside_a_live_block(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    gm_range live = gmt_arena_reserve(arena, 0x1000, 0x2fff);
    assert_refuses(arena, -EBUSY, .size = 0x100, .place = GM_PLACE_FIXED, .near = 0x1800);
    assert_refuses(arena, -ENOSPC, .size = 0x100, .min = 0x1000, .max = 0x2fff);
    assert_result(gm_arena_give(arena, live), 0);
    gm_arena_destroy(arena);
}

/* (v) found by running it: addresses 1 and 2^64 - 2 were lost when freed; single addresses were not merged. */
static void single_addresses_at_the_ends(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, UINT64_MAX, 1);
    static const uint64_t numbers[] = {1, 0, 2, UINT64_MAX - 1, UINT64_MAX, UINT64_MAX - 2};
    for (unsigned i = 0; i < 6; i++)
        assert_takes(arena, numbers[i], .size = 1, .place = GM_PLACE_FIXED, .near = numbers[i]);
    for (unsigned i = 0; i < 6; i++)
        assert_result(gm_arena_give_exact(arena, numbers[i], numbers[i], 0), 0);
    assert_true(gmt_arena_largest(arena, 0) == UINT64_MAX);
    assert_takes(arena, 0, .size = 4);
    assert_takes(arena, UINT64_MAX - 3, .size = 4, .place = GM_PLACE_HIGHEST);
    gm_arena_destroy(arena);
}

/* (c) #8181, #8191, #8236: what the guest can address limits one device, from the top and from the bottom. */
static void highest_address_of_one_device(void **state)
{
    (void)state;
    const uint64_t gib = UINT64_C(1) << 30, most = (UINT64_C(1) << 36) - 1;
    struct gm_arena *arena = gmt_arena_open(0, (UINT64_C(1) << 46) - 1, 0x1000);
    assert_takes(arena, (UINT64_C(1) << 46) - gib, .size = gib, .align = gib, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, most + 1 - gib, .size = gib, .align = gib, .max = most, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, 4 * gib, .size = gib, .align = gib, .min = 4 * gib, .max = most);
    assert_refuses(arena, -ENOSPC, .size = most + 1, .max = most);
    gm_arena_destroy(arena);
}

/* (c) #7938: a BAR moved to where it cannot be, which was half applied. */
static void bar_move_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0xc0000000, 0xffffffff, 0x1000);
    struct gm_range_info bar = gmt_arena_take(arena, (struct gm_request){.size = 0x100000, .align = 0x100000});
    struct gm_range_info other = gmt_arena_take(arena, (struct gm_request){.size = 0x1000});
    assert_no_trace(arena, gm_arena_relocate(arena, bar.range, other.first - 0x1000), -EBUSY);
    assert_no_trace(arena, gm_arena_relocate(arena, bar.range, 0x1000), -ERANGE);
    assert_result(gm_arena_relocate(arena, bar.range, 0xfff00000), 0);
    assert_takes(arena, 0xc0000000, .size = 0x100000, .align = 0x100000);
    gm_arena_destroy(arena);
}

/* (x) example; duplicate tag; retrieve; release; release_containing. Tags are owner and user here. */
static void tags_and_release(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x1000, 0xffff, 0x1000);
    struct gm_range_info info;
    assert_takes(arena, 0x1000, .size = 0x2000, .owner = 1, .user = 11);
    assert_takes(arena, 0x3000, .size = 0x1000, .owner = 1, .user = 11); /* tags need not be unique: handles are */
    assert_result(gm_arena_find(arena, 0x2abc, &info), 0);
    assert_true(info.first == 0x1000 && info.last == 0x2fff && info.owner == 1 && info.user == 11);
    assert_result(gm_arena_give_at(arena, 0x2abc), 0);
    assert_no_trace(arena, gm_arena_give_at(arena, 0x2abc), -ENOENT);
    assert_takes(arena, 0x1000, .size = 0x1000);
    assert_takes(arena, 0x2000, .size = 0x1000);
    gm_arena_destroy(arena);
}

/* (x) split, exact, and the tag in the way, for every shape of overlap. */
static void conflict_names_who_is_in_the_way(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    assert_takes(arena, 0x1000, .size = 0x1000, .min = 0x1000, .owner = 1);
    assert_takes(arena, 0x3000, .size = 0x1000, .min = 0x3000, .owner = 2);
    static const struct {
        uint64_t first, last;
        uint32_t owner; /* 0: it fits */
    } cases[] = {{0x1000, 0x1fff, 1}, {0x0fff, 0x1000, 1}, {0x1fff, 0x2000, 1}, {0x1400, 0x17ff, 1},
                 {0x0800, 0x27ff, 1}, {0x0000, 0xffff, 1}, {0x1fff, 0x3000, 1}, {0x2000, 0x3000, 2},
                 {0x3fff, 0x4000, 2}, {0x2000, 0x2fff, 0}, {0x0000, 0x0fff, 0}, {0x4000, 0xffff, 0}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gm_request request = {.size = cases[i].last - cases[i].first + 1, .place = GM_PLACE_FIXED,
                                     .near = cases[i].first};
        struct gm_why_not why = {.obstacle = GM_OBSTACLE_NONE};
        assert_result(gm_arena_why_not(arena, &request, &why), 0);
        assert_int_equal(why.obstacle, cases[i].owner == 0 ? GM_OBSTACLE_NONE : GM_OBSTACLE_TAKEN);
        if (cases[i].owner != 0) {
            gmt_arena_refuse(arena, request, -EBUSY, __FILE__, __LINE__);
            assert_true(why.range.owner == cases[i].owner);
        } else {
            assert_result(gm_arena_give(arena, gmt_arena_take(arena, request).range), 0);
        }
    }
    gm_arena_destroy(arena);
}

/* (x) alignment of the allocator, of the request, and none; a preferred alignment with a fallback. */
static void preferred_alignment_with_fallback(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x1000, 0x4fff, 0x1000);
    assert_takes(arena, 0x1000, .size = 0x1000);
    assert_takes(arena, 0x4000, .size = 0x1000, .ladder = 0x4000 | 0x1000);
    assert_takes(arena, 0x2000, .size = 0x1000, .ladder = 0x4000 | 0x1000);
    assert_refuses(arena, -ENOSPC, .size = 0x1000, .align = 0x4000);
    assert_takes(arena, 0x3000, .size = 0x1000, .align = 0x1000);
    gm_arena_destroy(arena);
}

/* (x) coalescing and overlap; single addresses; u64 limits on both ends. */
static void coalescing_in_every_order(void **state)
{
    (void)state;
    static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct gm_arena *arena = gmt_arena_open(0, UINT64_MAX, 1);
    for (unsigned i = 0; i < 6; i++) {
        gm_range third[3];
        third[0] = gmt_arena_reserve(arena, 0, 0);
        third[1] = gmt_arena_reserve(arena, 1, UINT64_MAX - 1);
        third[2] = gmt_arena_reserve(arena, UINT64_MAX, UINT64_MAX);
        for (unsigned j = 0; j < 3; j++)
            assert_result(gm_arena_give(arena, third[orders[i][j]]), 0);
        assert_result(gm_arena_give(arena, gmt_arena_reserve(arena, 0, UINT64_MAX)), 0);
    }
    gm_arena_destroy(arena);
}

/* (x) address_from_pci_offset and out of bounds; get_max_addr. */
static void offset_into_a_bar(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    struct gm_range_info bar = gmt_arena_take(arena, (struct gm_request){.size = 0x1000, .min = 0x4000}), info;
    assert_result(gm_arena_get(arena, bar.range, &info), 0);
    assert_true(info.first + 0x600 <= info.last && info.first + 0x1000 > info.last);
    assert_result(gm_arena_find(arena, info.first + 0x1000, &info), -ENOENT);
    gm_arena_destroy(arena);
}

/* (x) system allocator example with reserve and conflict; a region reserved off the front; overlapping pools. */
static void reserve_and_conflict(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x30000000, 0x3fffffff, 0x1000);
    gmt_arena_reserve(arena, 0x30000000, 0x300fffff);
    assert_no_trace(arena, gm_arena_reserve(arena, 0x30080000, 0x301fffff, 0, 0, NULL), -EBUSY);
    assert_no_trace(arena, gm_arena_reserve(arena, 0x20000000, 0x30ffffff, 0, 0, NULL), -ERANGE);
    assert_takes(arena, 0x30100000, .size = 0x1000);
    gm_arena_destroy(arena);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pools_that_cannot_be),
        TEST(alignment_zero_and_two_hundred),
        TEST(not_enough_space_then_fits),
        TEST(first_and_last_match_with_alignment),
        TEST(exact_match),
        TEST(free_and_reallocate),
        TEST(wrong_free_keeps_it),
        TEST(exact_match_inside_a_live_block),
        TEST(single_addresses_at_the_ends),
        TEST(highest_address_of_one_device),
        TEST(bar_move_that_fails_changes_nothing),
        TEST(tags_and_release),
        TEST(conflict_names_who_is_in_the_way),
        TEST(preferred_alignment_with_fallback),
        TEST(coalescing_in_every_order),
        TEST(offset_into_a_bar),
        TEST(reserve_and_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
