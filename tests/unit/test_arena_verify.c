/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* gm_arena_verify sees what is wrong, wherever in the nest it is: things are broken here on purpose, one at a time. */
#include "lib/cm.h"

#include "alloc/block/arena.h"
#include "guestmem/arena_nest.h"

static struct {
    struct gm_arena *root, *windows[3], *inner;
    uint32_t plain; /* a range of the root that is no child's */
} rig;

static int open_rig(void **state)
{
    const struct gm_arena_config all = {.last = 0xffff, .numa_node = -1}, config = {.numa_node = -1};
    struct gm_request request = {.size = 0x100};
    struct gm_range_info info;
    (void)state;
    assert_result(gm_arena_create(&all, &rig.root), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_result(gm_arena_create_child(rig.root, &request, &config, &rig.windows[i]), 0);
    assert_result(gm_arena_take(rig.root, &request, &info), 0);
    rig.plain = (uint32_t)info.range;
    request.size = 0x10;
    assert_result(gm_arena_create_child(rig.windows[1], &request, &config, &rig.inner), 0);
    assert_result(gm_arena_take(rig.inner, &request, NULL), 0);
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    assert_result(gm_arena_destroy(rig.inner), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_result(gm_arena_destroy(rig.windows[i]), 0);
    assert_result(gm_arena_destroy(rig.root), 0);
    return 0;
}

static void assert_verdict(bool sound, const struct gm_arena *where)
{
    struct gm_arena_verdict verdict;
    assert_result(gm_arena_verify(rig.root, &verdict), 0);
    assert_int_equal(verdict.wrong == NULL, sound);
    assert_ptr_equal(verdict.where, sound ? NULL : where);
}

/* Break it, see that it is seen, and repair it. */
#define BREAK(what, value, where)                                                                                      \
    do {                                                                                                               \
        __typeof__(what) was = (what);                                                                                 \
        (what) = (value);                                                                                              \
        assert_verdict(false, (where));                                                                                \
        (what) = was;                                                                                                  \
        assert_verdict(true, NULL);                                                                                    \
    } while (0)

static void children_and_their_ranges(void **state)
{
    struct gm_arena *root = rig.root, *window = rig.windows[1];
    (void)state;
    assert_verdict(true, NULL);
    BREAK(window->place, rig.windows[2]->place, root); /* two children of one range */
    BREAK(window->parent, window, root);
    BREAK(gm_node_of(root, rig.plain)->state, GM_NODE_LIVE | GM_NODE_NESTED, root); /* nobody's */
    BREAK(gm_node_of(root, window->place)->state, GM_NODE_LIVE, root);
    BREAK(gm_node_of(root, rig.windows[2]->place)->state, GM_NODE_LIVE, root);
    BREAK(rig.windows[1]->right, NULL, root);
    BREAK(rig.inner->place, 7, window);
}

static void bounds(void **state)
{
    struct gm_arena *root = rig.root;
    (void)state;
    struct gm_block *block = rig.windows[1]->block;
    BREAK(block->last, block->last + 1, root);
    BREAK(block->first, block->first - 1, root);
    BREAK(gm_node_of(root, rig.plain)->first, gm_node_of(root, rig.plain)->first - 1, root);
    BREAK(gm_node_of(rig.inner, 1)->last, gm_node_of(rig.inner, 1)->last + 1, rig.inner);
    BREAK(rig.inner->block->used, 0, rig.inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(children_and_their_ranges, open_rig, close_rig),
                                       cmocka_unit_test_setup_teardown(bounds, open_rig, close_rig)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
