/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Snapshots: they outlive pins, commits and regions, and keep the memory that they show readable. */
#include "lib/cm.h"
#include "lib/dump.h"
#include "lib/rig.h"

#include <sys/mman.h>

#define PAGES(n) ((n) * GMT_PAGE)

static void null_is_nothing(void **state)
{
    (void)state;
    assert_null(gm_snapshot_take(NULL));
    assert_null(gm_snapshot_view(NULL));
    gm_snapshot_put(NULL);
    assert_result(gm_unpin(), -EPERM); /* and none of them has pinned anything */
}

static struct gm_snapshot *take(struct gmt_rig *rig)
{
    struct gm_snapshot *snapshot = gm_snapshot_take(gmt_pin(rig->space));
    assert_result(gm_unpin(), 0);
    assert_non_null(snapshot);
    return snapshot;
}

static void assert_shows(struct gm_snapshot *snapshot, const char *text)
{
    char *now = gmt_dump_view(gm_snapshot_view(snapshot));
    assert_same_text(now, text);
    free(now);
}

static void shows_its_state_through_commits(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(2), 0);
    gmt_add_ram(rig, GMT_GIB - 5, 10, PAGES(1) - 5);
    gmt_remember(rig);
    struct gm_snapshot *snapshot = take(rig);
    assert_shows(snapshot, rig->before);
    gmt_resize(rig->space, 0, PAGES(1));
    assert_shows(snapshot, rig->before);
    gmt_remove(rig->space, GMT_GIB - 5, 10);
    gmt_remove(rig->space, 0, PAGES(1));
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_shows(snapshot, rig->before);
    for (unsigned i = 0; i < 50; i++)
        gmt_add_ram(rig, PAGES(i), PAGES(1), PAGES(7));
    assert_shows(snapshot, rig->before);
    gm_snapshot_put(snapshot);
}

static void outlives_its_pin_and_does_not_block_commits(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    struct gm_snapshot *snapshot = take(rig);
    gmt_remove(rig->space, 0, PAGES(1)); /* waits for pins, not for snapshots */
    assert_result(gm_space_reclaim(rig->space), 0);
    char *hva = gm_translate(gm_snapshot_view(snapshot), 0, PAGES(1), GM_RW);
    assert_ptr_equal(hva, (void *)rig->host);
    hva[0] = 1;
    gm_snapshot_put(snapshot);
}

struct memory {
    void *map;
    int released;
};

static void unmap(void *argument)
{
    struct memory *memory = argument;
    memory->released++;
    munmap(memory->map, PAGES(4));
}

static struct gm_backing *wrap(struct memory *memory)
{
    struct gm_backing *backing;
    memory->released = 0;
    memory->map = mmap(NULL, PAGES(4), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory->map != MAP_FAILED);
    memset(memory->map, 0x42, PAGES(4));
    assert_result(gm_backing_wrap(memory->map, PAGES(4), unmap, memory, &backing), 0);
    return backing;
}

static void keeps_removed_memory_readable(void **state)
{
    struct gmt_rig *rig = *state;
    struct memory memory;
    struct gm_region_desc desc = {.gpa = PAGES(3), .size = PAGES(4), .backing = wrap(&memory)};
    gmt_add(rig->space, &desc);
    gm_backing_put(desc.backing);
    struct gm_snapshot *snapshot = take(rig);
    gmt_remove(rig->space, PAGES(3), PAGES(4));
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(memory.released, 0);
    const char *hva = gm_translate(gm_snapshot_view(snapshot), PAGES(3), PAGES(4), GM_READ);
    assert_ptr_equal(hva, memory.map);
    for (size_t i = 0; i < PAGES(4); i++)
        assert_int_equal(hva[i], 0x42);
    gm_snapshot_put(snapshot);
    assert_int_equal(memory.released, 0); /* never in put */
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(memory.released, 1);
}

static void next_commit_frees_what_was_put(void **state)
{
    struct gmt_rig *rig = *state;
    struct memory memory;
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(4), .backing = wrap(&memory)};
    gmt_add(rig->space, &desc);
    gm_backing_put(desc.backing);
    struct gm_snapshot *snapshot = take(rig);
    gmt_remove(rig->space, 0, PAGES(4));
    gm_snapshot_put(snapshot);
    assert_int_equal(memory.released, 0);
    gmt_add_ram(rig, 0, PAGES(1), 0); /* with a wait */
    assert_int_equal(memory.released, 1);
}

static void counts_are_independent(void **state)
{
    struct gmt_rig *rig = *state;
    struct memory memory;
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(4), .backing = wrap(&memory)};
    gmt_add(rig->space, &desc);
    gm_backing_put(desc.backing);
    struct gm_snapshot *first = take(rig);
    struct gm_snapshot *second = gm_snapshot_take(gm_snapshot_view(first));
    struct gm_snapshot *third = take(rig);
    assert_true(gm_snapshot_view(first)->generation == gm_snapshot_view(second)->generation);
    assert_true(gm_snapshot_view(first)->generation == gm_snapshot_view(third)->generation);
    gmt_remove(rig->space, 0, PAGES(4));
    gm_snapshot_put(first);
    gm_snapshot_put(third);
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(memory.released, 0);
    assert_ptr_equal(gm_translate(gm_snapshot_view(second), 0, PAGES(4), GM_RW), memory.map);
    gm_snapshot_put(second);
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(memory.released, 1);
}

/* Two states that both show one backing, and one between them that does not: the ends keep what they show. */
static void snapshots_of_different_states(void **state)
{
    struct gmt_rig *rig = *state;
    struct memory memory[3];
    struct gm_snapshot *snapshots[3];
    for (unsigned i = 0; i < 3; i++) {
        struct gm_region_desc desc = {.gpa = 0, .size = PAGES(4), .backing = wrap(&memory[i])};
        gmt_add(rig->space, &desc);
        gm_backing_put(desc.backing);
        snapshots[i] = take(rig);
        gmt_remove(rig->space, 0, PAGES(4));
    }
    static const unsigned order[] = {1, 0, 2};
    for (unsigned i = 0; i < 3; i++) {
        unsigned which = order[i];
        assert_ptr_equal(gm_translate(gm_snapshot_view(snapshots[which]), 0, 8, GM_RW), memory[which].map);
        assert_int_equal(memory[which].released, 0);
        gm_snapshot_put(snapshots[which]);
        assert_result(gm_space_reclaim(rig->space), 0);
        for (unsigned j = 0; j < 3; j++)
            assert_int_equal(memory[order[j]].released, j <= i ? 1 : 0);
    }
}

static void *use_elsewhere(void *argument)
{
    struct gm_snapshot *snapshot = argument; /* on a thread that is no registered reader */
    const char *hva = gm_translate(gm_snapshot_view(snapshot), 0, PAGES(1), GM_READ);
    struct gm_snapshot *again = gm_snapshot_take(gm_snapshot_view(snapshot));
    bool good = hva != NULL && hva[5] == 7 && again != NULL;
    gm_snapshot_put(again);
    gm_snapshot_put(snapshot);
    return (void *)(intptr_t)!good;
}

static void any_thread_may_use_and_put_it(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    ((char *)rig->host)[5] = 7;
    struct gm_snapshot *snapshot = take(rig);
    gmt_remove(rig->space, 0, PAGES(1));
    assert_int_equal(gmt_on_thread(use_elsewhere, snapshot), 0);
    assert_result(gm_space_reclaim(rig->space), 0);
}

static void put_while_pinned_frees_after_the_pin(void **state)
{
    struct gmt_rig *rig = *state;
    struct memory memory;
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(4), .backing = wrap(&memory)};
    gmt_add(rig->space, &desc);
    gm_backing_put(desc.backing);
    struct gm_snapshot *snapshot = take(rig);
    gmt_remove(rig->space, 0, PAGES(4));
    const struct gm_view *view = gmt_pin(rig->space);
    gm_snapshot_put(snapshot);
    assert_int_equal(memory.released, 0);
    assert_result(gm_translate_why(view, 0, 1, GM_READ), -EFAULT); /* the pin is as good as before */
    assert_result(gm_space_reclaim(rig->space), -EDEADLK);
    assert_int_equal(memory.released, 0);
    assert_result(gm_unpin(), 0);
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(memory.released, 1);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_nothing),
        RIG(shows_its_state_through_commits),
        RIG(outlives_its_pin_and_does_not_block_commits),
        RIG(keeps_removed_memory_readable),
        RIG(next_commit_frees_what_was_put),
        RIG(counts_are_independent),
        RIG(snapshots_of_different_states),
        RIG(any_thread_may_use_and_put_it),
        RIG(put_while_pinned_frees_after_the_pin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
