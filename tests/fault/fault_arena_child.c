/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Memory that runs out while a child is made: the parent decides on as if nobody had tried. */
#include "lib/cm.h"

#include "base/fault.h"
#include "guestmem/arena_nest.h"
#include "lib/arena_model_rig.h"
#include "lib/arena_walk.h"

#define GRANULE UINT64_C(0x1000)

static struct gmt_walk walks[2];

static void each_step_fails(void **state)
{
    const struct gm_arena_config all = {.last = GRANULE * 4096 - 1, .granule = GRANULE, .numa_node = -1, .seed = 1};
    const struct gm_arena_config config = {.numa_node = -1, .flags = GM_ARENA_DEFER};
    const struct gm_request request = {.size = 4 * GRANULE, .place = GM_PLACE_NEXT, .guard_before = GRANULE};
    struct gm_arena *parents[2], *child = NULL;
    unsigned failed = 0;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_result(gm_arena_create(&all, &parents[i]), 0);
        gmt_walk_init(&walks[i], parents[i], GRANULE, 100, 6);
    }
    assert_true(gmt_walk_same(&walks[0], &walks[1], 2000));
    for (unsigned step = 1; child == NULL; step++) {
        gm_fault_arm(step);
        int result = gm_arena_create_child(parents[0], &request, &config, &child);
        bool delivered = gm_fault_disarm();
        if (result == 0 && delivered) { /* advice on memory may fail without harm */
            assert_result(gm_arena_destroy(child), 0);
            child = NULL;
            assert_result(gm_arena_create_child(parents[1], &request, &config, &child), 0);
            assert_result(gm_arena_destroy(child), 0);
            child = NULL;
        } else if (result != 0) {
            assert_result(result, -ENOMEM);
            failed++;
        }
        if (child == NULL)
            assert_true(gmt_walk_same(&walks[0], &walks[1], 100));
        assert_true(step < 100);
    }
    assert_true(failed >= 5);
    gm_fault_arm(1);
    assert_result(gm_arena_destroy(child), 0);
    assert_false(gm_fault_disarm());
    for (unsigned i = 0; i < 2; i++)
        assert_result(gm_arena_destroy(parents[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_step_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
