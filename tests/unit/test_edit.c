/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The log of an edit: what is born and what dies, in lists and in bytes, and that dropping the log undoes it. */
#include "unit/ledger.h"

#include "backing/backing.h"
#include "map/edit.h"
#include "map/table.h"
#include "space/space.h"

#define KINDS (GM_NODE_MAPPING + 1)
#define VERSION 77

static const struct {
    bool map;   /* counted as leaf table */
    bool other; /* counted as the rest */
} counted[KINDS] = {
    [GM_NODE_TABLE] = {.map = true},   [GM_NODE_LINE] = {.map = true},       [GM_NODE_PAGES] = {.map = true},
    [GM_NODE_VERSION] = {.map = true}, [GM_NODE_CHUNK] = {.other = true},    [GM_NODE_DIRECTORY] = {.other = true},
    [GM_NODE_RUNS] = {.other = true},  [GM_NODE_REGION] = {.other = true},
};

static int empty_ledger(void **state)
{
    (void)state;
    assert_int_equal(ledger.live, 0);
    return 0;
}

static void close_edit(struct gm_edit *edit)
{
    gm_node_list_free(&edit->born, NULL);
    gm_node_list_free(&edit->dead, NULL);
    assert_null(edit->born.nodes);
    assert_int_equal(edit->born.capacity, 0);
}

static void reserving_keeps_what_is_there(void **state)
{
    struct gm_node_list list = {0};
    (void)state;
    assert_true(gm_node_list_reserve(&list, NULL, 0));
    assert_null(list.nodes);
    for (size_t more = 1; more < 3000; more = more * 3 + 1) {
        assert_true(gm_node_list_reserve(&list, NULL, more));
        assert_true(list.capacity - list.count >= more);
        const struct gm_node *before = list.nodes;
        assert_true(gm_node_list_reserve(&list, NULL, more)); /* there is room: nothing moves */
        assert_ptr_equal(list.nodes, before);
        for (size_t i = 0; i < more; i++) {
            list.nodes[list.count] = (struct gm_node){.birth = list.count};
            list.count++;
        }
    }
    for (size_t i = 0; i < list.count; i++)
        assert_true(list.nodes[i].birth == i);
    assert_int_equal(ledger.live, 1);
    gm_fault_arm(1);
    assert_false(gm_node_list_reserve(&list, NULL, list.capacity + 1));
    assert_true(gm_fault_disarm());
    for (size_t i = 0; i < list.count; i++)
        assert_true(list.nodes[i].birth == i);
    gm_node_list_free(&list, NULL);
    assert_int_equal(ledger.live, 0);
}

static void bytes_are_counted_by_kind(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct gm_edit edit = {.version = VERSION, .map_bytes = 1000, .other_bytes = 2000};
        char object;
        assert_true(gm_edit_born(&edit, kind, &object, 96));
        assert_true(edit.map_bytes == 1000 + (counted[kind].map ? 96 : 0));
        assert_true(edit.other_bytes == 2000 + (counted[kind].other ? 96 : 0));
        assert_true(gm_edit_dead(&edit, kind, &object, 96, VERSION));
        assert_true(edit.map_bytes == 1000 && edit.other_bytes == 2000);
        assert_true(gm_edit_dead(&edit, kind, &object, 32, 3)); /* an older one */
        assert_true(edit.map_bytes == 1000 - (counted[kind].map ? 32u : 0));
        assert_true(edit.other_bytes == 2000 - (counted[kind].other ? 32u : 0));
        const struct gm_node *born = edit.born.nodes;
        const struct gm_node *dead = edit.dead.nodes;
        assert_int_equal(edit.born.count, 1);
        assert_int_equal(edit.dead.count, 2);
        assert_true(born->object == &object && born->size == 96 && born->birth == VERSION && born->death == 0);
        assert_true(dead[0].birth == VERSION && dead[0].death == VERSION && dead[0].kind == kind);
        assert_true(dead[1].birth == 3 && dead[1].death == VERSION && dead[1].size == 32);
        close_edit(&edit);
    }
}

/* Fail each allocation that a call makes, the object's and the list's. */
static void failing_to_note_changes_nothing(void **state)
{
    (void)state;
    for (unsigned step = 1; step <= 2; step++) {
        struct gm_edit edit = {.version = VERSION};
        gm_fault_arm(step);
        assert_null(gm_edit_new(&edit, GM_NODE_LINE, sizeof(struct gm_line)));
        assert_true(gm_fault_disarm());
        assert_int_equal(edit.born.count, 0);
        assert_true(edit.map_bytes == 0);
        assert_int_equal(ledger.live, 0);
        close_edit(&edit);
    }
    struct gm_edit edit = {.version = VERSION, .map_bytes = 640};
    gm_fault_arm(1);
    assert_false(gm_edit_dead(&edit, GM_NODE_LINE, &edit, 64, 1));
    assert_true(gm_fault_disarm());
    assert_true(edit.dead.count == 0 && edit.map_bytes == 640);
    close_edit(&edit);
}

static void lists_keep_their_memory_between_edits(void **state)
{
    struct gm_edit edit = {.version = VERSION};
    struct gm_space space = {0};
    (void)state;
    for (unsigned i = 0; i < 200; i++)
        assert_non_null(gm_edit_new(&edit, GM_NODE_LINE, sizeof(struct gm_line)));
    gm_edit_drop(&space, &edit);
    assert_int_equal(ledger.live, 1); /* the list */
    uint64_t before = ledger.ever;
    for (unsigned i = 0; i < 200; i++)
        assert_true(gm_edit_born(&edit, GM_NODE_MAPPING, &edit, 1));
    assert_true(ledger.ever == before);
    close_edit(&edit);
    assert_int_equal(ledger.live, 0);
}

static void note_release(void *argument)
{
    ++*(int *)argument;
}

static void dropping_frees_the_newborn_only(void **state)
{
    struct gm_space space = {0};
    struct gm_edit edit = {.version = VERSION};
    struct gm_backing *backing;
    int released = 0;
    (void)state;
    assert_result(gm_backing_wrap((void *)GM_PAGE_SIZE, GM_PAGE_SIZE, note_release, &released, &backing), 0);
    /* an older region, which stays, with a table that was made for it now */
    struct gm_region *old = gm_alloc(NULL, sizeof(*old));
    struct gm_table *uniform = gm_edit_new(&edit, GM_NODE_TABLE, sizeof(*uniform));
    struct gm_table *own = gm_edit_new(&edit, GM_NODE_TABLE, sizeof(*own));
    struct gm_region *region = gm_edit_new(&edit, GM_NODE_REGION, sizeof(*region));
    assert_true(old != NULL && uniform != NULL && own != NULL && region != NULL);
    *old = (struct gm_region){.birth = 3, .uniform = uniform};
    *region = (struct gm_region){.birth = VERSION, .backing = gm_backing_get(backing)};
    uniform->owner = old;
    own->owner = NULL;
    assert_true(gm_edit_dead(&edit, GM_NODE_REGION, old, sizeof(*old), old->birth));
    gm_backing_put(backing);
    assert_int_equal(released, 0);
    gm_edit_drop(&space, &edit);
    assert_int_equal(released, 1); /* the region's count was the last */
    assert_null(old->uniform);
    assert_true(edit.born.count == 0 && edit.dead.count == 0);
    gm_free(NULL, old, sizeof(*old));
    close_edit(&edit);
    assert_int_equal(ledger.live, 0);
}

#define LEDGER(name) cmocka_unit_test_setup_teardown(name, empty_ledger, empty_ledger)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER(reserving_keeps_what_is_there),
        LEDGER(bytes_are_counted_by_kind),
        LEDGER(failing_to_note_changes_nothing),
        LEDGER(lists_keep_their_memory_between_edits),
        LEDGER(dropping_frees_the_newborn_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
