/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* An arena that fills up takes behind all others without looking for gaps; what a request asks for still counts. */
#include <guestmem/arena_nest.h>

#include "lib/arena_model_rig.h"

#define PAGE UINT64_C(0x1000)
#define FIRST UINT64_C(0x100000)
#define LAST UINT64_C(0xffffffff)
#define TAKEN 200

static struct gm_arena *filled(void)
{
    struct gm_arena *arena = gmt_arena_open(FIRST, LAST, PAGE);
    for (uint64_t i = 0; i < TAKEN; i++) {
        struct gm_range_info info = gmt_arena_take(arena, (struct gm_request){.size = PAGE});
        assert_true(info.first == FIRST + i * PAGE && info.last == info.first + PAGE - 1);
    }
    return arena;
}

static void refused(struct gm_arena *arena, struct gm_request request, int error)
{
    struct gm_range_info info;
    assert_result(gm_arena_take(arena, &request, &info), error);
}

static void windows_count(void **state)
{
    struct gm_arena *arena = filled();
    (void)state;
    assert_true(gmt_arena_take(arena, (struct gm_request){.size = PAGE, .min = 0x800000}).first == 0x800000);
    refused(arena, (struct gm_request){.size = 0x800000, .max = 0x900000}, -ENOSPC);
    refused(arena, (struct gm_request){.size = 0x800000, .min = 0xa00000, .max = 0x900000}, -EINVAL);
    assert_result(gm_arena_destroy(arena), 0);
}

static void sizes_and_alignments_count(void **state)
{
    struct gm_arena *arena = filled();
    (void)state;
    refused(arena, (struct gm_request){.size = 0x10000001}, -EINVAL);
    refused(arena, (struct gm_request){.size = PAGE, .align = 3 * PAGE}, -EINVAL);
    refused(arena, (struct gm_request){.size = 0}, -EINVAL);
    refused(arena, (struct gm_request){.size = LAST - FIRST + 1}, -ENOSPC);
    assert_true(gmt_arena_take(arena, (struct gm_request){.size = 0x1000000, .align = 0x1000000}).first == 0x1000000);
    assert_true(gmt_arena_take(arena, (struct gm_request){.size = 2 * PAGE, .align = 4 * PAGE}).first ==
                FIRST + (TAKEN + 3) / 4 * 4 * PAGE);
    assert_result(gm_arena_destroy(arena), 0);
}

static void to_the_last_number(void **state)
{
    struct gm_arena *arena = filled();
    uint64_t rest = LAST + 1 - (FIRST + TAKEN * PAGE);
    (void)state;
    refused(arena, (struct gm_request){.size = rest + PAGE}, -ENOSPC);
    assert_true(gmt_arena_take(arena, (struct gm_request){.size = rest}).last == LAST);
    refused(arena, (struct gm_request){.size = PAGE}, -ENOSPC);
    struct gm_arena_verdict verdict;
    assert_result(gm_arena_verify(arena, &verdict), 0);
    assert_result(gm_arena_destroy(arena), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_count),
        cmocka_unit_test(sizes_and_alignments_count),
        cmocka_unit_test(to_the_last_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
