/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Destroying a space waits for every pin that is left, also for one of the newest view: commits never wait for those,
 * so that nothing else would notice if destroying did not.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <pthread.h>
#include <unistd.h>

#include "base/atomic.h"

enum { STARTED, PINNED, LEAVING };

struct reader {
    struct gm_space *space;
    gm_atomic_u64 stage;
    bool nested; /* the pin in question lies inside one of another space */
    struct gm_space *other;
    uint64_t seen;
};

static void *hold_a_pin(void *argument)
{
    struct reader *reader = argument;
    bool good = gm_reader_register() == 0;
    if (reader->nested)
        good = gm_pin(reader->other) != NULL && good;
    const struct gm_view *view = gm_pin(reader->space);
    gm_store_release(&reader->stage, PINNED);
    usleep(50000);
    reader->seen = view->gib_count; /* under a sanitizer: is it still there? */
    gm_store_release(&reader->stage, LEAVING);
    good = gm_unpin() == 0 && good;
    if (reader->nested)
        good = gm_unpin() == 0 && good;
    return gm_reader_unregister() == 0 && good ? NULL : argument;
}

/* A reader that has pinned the view that is current, before or after the commit that made it. */
static void destroy_under_a_pin(bool nested)
{
    struct reader reader = {.nested = nested};
    struct gm_backing *ram;
    pthread_t thread;
    void *result;
    assert_result(gm_space_create(NULL, &reader.space), 0);
    assert_result(gm_space_create(NULL, &reader.other), 0);
    assert_result(gm_backing_wrap((void *)GMT_GIB, GMT_GIB, NULL, NULL, &ram), 0);
    const struct gm_region_desc desc = {.gpa = 0, .size = GMT_GIB, .backing = ram};
    gmt_add(reader.space, &desc);
    assert_int_equal(pthread_create(&thread, NULL, hold_a_pin, &reader), 0);
    while (gm_load_acquire(&reader.stage) == STARTED)
        usleep(100);
    int destroyed = gm_space_destroy(reader.space);
    uint64_t stage = gm_load_acquire(&reader.stage);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result);
    assert_result(destroyed, 0);
    assert_int_equal(stage, LEAVING);
    assert_true(reader.seen == 1);
    assert_result(gm_space_destroy(reader.other), 0);
    gm_backing_put(ram);
}

static void a_pin_of_the_newest_view(void **state)
{
    (void)state;
    destroy_under_a_pin(false);
}

static void a_pin_inside_another(void **state)
{
    (void)state;
    destroy_under_a_pin(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pin_of_the_newest_view),
        cmocka_unit_test(a_pin_inside_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
