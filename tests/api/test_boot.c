/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* gm_boot_layout: where memory comes to lie around holes, against figures and against a rule for one page at a time. */
#include "lib/cm.h"
#include "lib/rand.h"
#include "lib/rig.h"

#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define PAGES(n) ((n) * GMT_PAGE)
#define ROOM 64

static struct gm_boot_range got[ROOM];
static size_t count;

static int lay(const struct gm_layout *layout, uint64_t least, const struct gm_boot_node *nodes, size_t nodes_count)
{
    memset(got, 0xa5, sizeof(got));
    count = 99;
    return gm_boot_layout(layout, least, nodes, nodes_count, got, ROOM, &count);
}

static void assert_range(size_t i, uint64_t gpa, uint64_t size, unsigned numa)
{
    assert_true(i < count);
    assert_true(got[i].gpa == gpa && got[i].size == size && got[i].numa == numa);
    assert_true(got[i].tag == 0 && got[i].user == NULL && got[i].name == NULL && got[i].memory == NULL);
}

/* One node on a PC: up to the hole in one piece, beyond it in two. */
static void one_node(void **state)
{
    struct gm_boot_node node = {.size = GIB(2)};
    (void)state;
    assert_result(lay(NULL, GM_BOOT_PIECE_LEAST, &node, 1), 0);
    assert_int_equal(count, 1);
    assert_range(0, 0, GIB(2), 0);
    node.size = GIB(3); /* exactly */
    assert_result(lay(NULL, GM_BOOT_PIECE_LEAST, &node, 1), 0);
    assert_int_equal(count, 1);
    assert_range(0, 0, GIB(3), 0);
    node.size = GIB(3) + PAGES(1);
    assert_result(lay(NULL, GM_BOOT_PIECE_LEAST, &node, 1), 0);
    assert_int_equal(count, 2);
    assert_range(0, 0, GIB(3), 0);
    assert_range(1, GIB(4), PAGES(1), 0);
    node.size = GIB(1024);
    assert_result(lay(NULL, GM_BOOT_PIECE_LEAST, &node, 1), 0);
    assert_int_equal(count, 2);
    assert_range(1, GIB(4), GIB(1021), 0);
}

/* A node of which less than the least piece would lie below goes above as a whole; exactly that much is enough. */
static void the_least_piece(void **state)
{
    struct gm_boot_node nodes[] = {{.size = GIB(3) - MIB(128), .numa = GM_NUMA_NODE(0)},
                                   {.size = GIB(1), .numa = GM_NUMA_NODE(1)}};
    (void)state;
    assert_result(lay(NULL, GM_BOOT_PIECE_LEAST, nodes, 2), 0);
    assert_int_equal(count, 3);
    assert_range(1, GIB(3) - MIB(128), MIB(128), GM_NUMA_NODE(1));
    assert_range(2, GIB(4), GIB(1) - MIB(128), GM_NUMA_NODE(1));
    nodes[0].size += PAGES(1);
    assert_result(lay(NULL, GM_BOOT_PIECE_LEAST, nodes, 2), 0);
    assert_int_equal(count, 2);
    assert_range(0, 0, GIB(3) - MIB(128) + PAGES(1), GM_NUMA_NODE(0));
    assert_range(1, GIB(4), GIB(1), GM_NUMA_NODE(1));
    assert_result(lay(NULL, 0, nodes, 2), 0); /* no least piece: split */
    assert_int_equal(count, 3);
    assert_range(1, GIB(3) - MIB(128) + PAGES(1), MIB(128) - PAGES(1), GM_NUMA_NODE(1));
    nodes[1].size = MIB(64); /* fits below as a whole: not split, so it may be short */
    assert_result(lay(NULL, GM_BOOT_PIECE_LEAST, nodes, 2), 0);
    assert_range(1, GIB(3) - MIB(128) + PAGES(1), MIB(64), GM_NUMA_NODE(1));
}

static void many_nodes(void **state)
{
    struct gm_boot_node nodes[8];
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        nodes[i] = (struct gm_boot_node){.size = GIB(1) + MIB(256), .numa = GM_NUMA_NODE(i)};
    assert_result(lay(NULL, GM_BOOT_PIECE_LEAST, nodes, 8), 0);
    assert_int_equal(count, 9);
    assert_range(2, MIB(2560), MIB(512), GM_NUMA_NODE(2));
    assert_range(3, GIB(4), MIB(768), GM_NUMA_NODE(2));
    assert_range(8, GIB(4) + MIB(768) + 4 * MIB(1280), MIB(1280), GM_NUMA_NODE(7));
}

/* RAM begins at 1 GiB, and an area below 1 TiB is not for memory either. */
static void other_machines(void **state)
{
    const struct gm_layout layout = {
        .mem_first = GIB(1), .mem_last = GIB(2048) - 1, .phys_last = GIB(4096) - 1, .holes = 2,
        .hole = {{GIB(3), GIB(4) - 1}, {GIB(1012), GIB(1024) - 1}}};
    const struct gm_boot_node node = {.size = GIB(1500)};
    (void)state;
    assert_result(lay(&layout, GM_BOOT_PIECE_LEAST, &node, 1), 0);
    assert_int_equal(count, 3);
    assert_range(0, GIB(1), GIB(2), 0);
    assert_range(1, GIB(4), GIB(1008), 0);
    assert_range(2, GIB(1024), GIB(490), 0);
    assert_result(lay(&layout, GIB(3), &node, 1), 0); /* 2 GiB are too short to begin with */
    assert_int_equal(count, 2);
    assert_range(0, GIB(4), GIB(1008), 0);
}

static void starts_in_a_hole(void **state)
{
    const struct gm_layout layout = {.mem_first = PAGES(4), .mem_last = GIB(1), .phys_last = GIB(1), .holes = 2,
                                     .hole = {{0, PAGES(8) - 1}, {PAGES(8), PAGES(9) - 1}}};
    const struct gm_boot_node node = {.size = PAGES(3)};
    (void)state;
    assert_result(lay(&layout, 0, &node, 1), 0);
    assert_int_equal(count, 1);
    assert_range(0, PAGES(9), PAGES(3), 0);
}

static void fits_to_the_last_byte(void **state)
{
    struct gm_layout layout = {.mem_last = GIB(5) - 1, .phys_last = GIB(5) - 1, .holes = 1,
                               .hole = {{GIB(3), GIB(4) - 1}}};
    struct gm_boot_node nodes[] = {{.size = GIB(4)}, {.size = PAGES(1)}};
    (void)state;
    assert_result(lay(&layout, 0, nodes, 1), 0);
    assert_int_equal(count, 2);
    assert_range(1, GIB(4), GIB(1), 0);
    assert_result(lay(&layout, 0, nodes, 2), -ERANGE);
    assert_int_equal(count, 99);
    layout.mem_last -= 1;
    assert_result(lay(&layout, 0, nodes, 1), -ERANGE);
    nodes[0].size = GIB(1) << 22; /* 2^52: all there is */
    assert_result(lay(NULL, 0, nodes, 1), -ERANGE);
    nodes[0].size -= GIB(1);
    assert_result(lay(NULL, 0, nodes, 1), 0);
    assert_true(got[1].gpa + got[1].size == GM_GPA_LAST + 1);
    nodes[0].size = UINT64_MAX - (GMT_PAGE - 1); /* a size that a shift of megabytes would have cut */
    assert_result(lay(NULL, 0, nodes, 1), -ERANGE);
}

static void room(void **state)
{
    const struct gm_boot_node nodes[] = {{.size = GIB(2)}, {.size = GIB(2)}};
    struct gm_boot_range few[3], before[3];
    size_t needed = 99;
    (void)state;
    memset(few, 0x5a, sizeof(few));
    memcpy(before, few, sizeof(few));
    assert_result(gm_boot_layout(NULL, 0, nodes, 2, few, 2, &needed), -ENOBUFS);
    assert_int_equal(needed, 3);
    assert_memory_equal(few, before, sizeof(few));
    needed = 99;
    assert_result(gm_boot_layout(NULL, 0, nodes, 2, NULL, 0, &needed), -ENOBUFS);
    assert_int_equal(needed, 3);
    assert_result(gm_boot_layout(NULL, 0, nodes, 2, NULL, 3, &needed), -ENOBUFS);
    assert_result(gm_boot_layout(NULL, 0, nodes, 2, few, 3, &needed), 0);
    assert_int_equal(needed, 3);
    assert_true(few[2].gpa == GIB(4) && few[2].size == GIB(1));
}

static void refusals(void **state)
{
    struct gm_boot_node nodes[] = {{.size = GIB(1)}, {.size = GIB(1)}};
    struct gm_layout layout = {.mem_last = GIB(8) - 1, .phys_last = GIB(8) - 1, .holes = 1,
                               .hole = {{GIB(3), GIB(4) - 1}}};
    (void)state;
    assert_result(gm_boot_layout(NULL, 0, NULL, 1, got, ROOM, &count), -EINVAL);
    assert_result(gm_boot_layout(NULL, 0, nodes, 0, got, ROOM, &count), -EINVAL);
    assert_result(gm_boot_layout(NULL, 0, nodes, 1, got, ROOM, NULL), -EINVAL);
    nodes[1].size = 0;
    assert_result(lay(NULL, 0, nodes, 2), -EINVAL);
    nodes[1].size = GIB(1) + 1;
    assert_result(lay(NULL, 0, nodes, 2), -EINVAL);
    nodes[1].size = GIB(1);
    assert_result(lay(&layout, 0, nodes, 2), 0);
    layout.mem_first = 1;
    assert_result(lay(&layout, 0, nodes, 2), -EINVAL);
    layout.mem_first = 0;
    layout.hole[0].first--;
    assert_result(lay(&layout, 0, nodes, 2), -EINVAL);
    layout.hole[0].first++;
    layout.hole[0].last++;
    assert_result(lay(&layout, 0, nodes, 2), -EINVAL);
    layout.hole[0].last = 0; /* no layout at all */
    assert_result(lay(&layout, 0, nodes, 2), -EINVAL);
    assert_int_equal(count, 99);
}

/* --- any layout in pages, against a rule that knows of one page at a time */

#define SPACE_PAGES 64

static bool in_hole(const struct gm_layout *layout, uint64_t page)
{
    for (unsigned i = 0; i < layout->holes; i++)
        if (PAGES(page) >= layout->hole[i].first && PAGES(page) <= layout->hole[i].last)
            return true;
    return false;
}

/* The node of each page, by the rule; false when they do not fit. */
static bool by_the_page(const struct gm_layout *layout, uint64_t least, const struct gm_boot_node *nodes, size_t n,
                        unsigned *owner)
{
    uint64_t at = layout->mem_first / GMT_PAGE;
    uint64_t end = layout->mem_last / GMT_PAGE + 1;
    memset(owner, 0, SPACE_PAGES * sizeof(*owner));
    for (size_t i = 0; i < n; i++)
        for (uint64_t left = nodes[i].size / GMT_PAGE; left != 0;) {
            uint64_t run = 0;
            while (at < end && in_hole(layout, at))
                at++;
            while (at + run < end && !in_hole(layout, at + run))
                run++;
            if (run == 0)
                return false;
            uint64_t put = left <= run ? left : PAGES(run) >= least ? run : 0;
            for (uint64_t page = at; page < at + put; page++)
                owner[page] = (unsigned)i + 1;
            at += put != 0 ? put : run;
            left -= put;
        }
    return true;
}

static void any_layout(void **state)
{
    uint64_t seed = 7;
    unsigned laid = 0;
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct gm_layout layout = {.mem_first = PAGES(gmt_rand_below(&seed, 8)), .mem_last = PAGES(SPACE_PAGES) - 1,
                                   .phys_last = PAGES(SPACE_PAGES) - 1};
        for (uint64_t page = gmt_rand_below(&seed, 20); page < SPACE_PAGES && layout.holes < 4;) {
            uint64_t end = page + 1 + gmt_rand_below(&seed, 6);
            if (end > SPACE_PAGES)
                break;
            layout.hole[layout.holes++] = (struct gm_layout_hole){PAGES(page), PAGES(end) - 1};
            page = end + gmt_rand_below(&seed, 16);
        }
        struct gm_boot_node nodes[4];
        size_t n = 1 + gmt_rand_below(&seed, 4);
        for (size_t i = 0; i < n; i++)
            nodes[i] = (struct gm_boot_node){.size = PAGES(1 + gmt_rand_below(&seed, 20)), .numa = (unsigned)i + 1};
        unsigned owner[SPACE_PAGES], shown[SPACE_PAGES] = {0};
        uint64_t least = PAGES(gmt_rand_below(&seed, 6));
        bool fits = by_the_page(&layout, least, nodes, n, owner);
        assert_result(lay(&layout, least, nodes, n), fits ? 0 : -ERANGE);
        if (!fits)
            continue;
        laid++;
        assert_true(count <= n + GM_LAYOUT_HOLES_MOST);
        for (size_t i = 0; i < count; i++) {
            assert_true(i == 0 || got[i].gpa >= got[i - 1].gpa + got[i - 1].size);
            for (uint64_t page = got[i].gpa / GMT_PAGE; page < (got[i].gpa + got[i].size) / GMT_PAGE; page++)
                shown[page] = got[i].numa;
        }
        assert_memory_equal(shown, owner, sizeof(owner));
    }
    assert_true(laid > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_node),       cmocka_unit_test(the_least_piece),
        cmocka_unit_test(many_nodes),     cmocka_unit_test(other_machines),
        cmocka_unit_test(starts_in_a_hole), cmocka_unit_test(fits_to_the_last_byte),
        cmocka_unit_test(room),           cmocka_unit_test(refusals),
        cmocka_unit_test(any_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
