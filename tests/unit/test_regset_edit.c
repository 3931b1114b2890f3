/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Path copying of the region set: a set that readers may be looking at stays as it was, bit for bit, whatever is
 * edited in later versions, and whichever allocation of an edit fails.
 */
#include "unit/regset_rig.h"

/* What an older version's set looked like, to the last byte that a reader may look at. */
struct picture {
    const struct gm_directory *set;
    struct gm_directory *directory;
    struct gm_chunk *chunks;
    struct gm_region *sorted[SLOTS];
    unsigned count;
};

static void take_picture(struct picture *picture)
{
    size_t bytes = gm_directory_size(rig.set->count);
    picture->set = rig.set;
    picture->directory = malloc(bytes);
    picture->chunks = calloc(rig.set->count + 1, sizeof(struct gm_chunk));
    assert_true(picture->directory != NULL && picture->chunks != NULL);
    memcpy(picture->directory, rig.set, bytes);
    for (uint32_t c = 0; c < rig.set->count; c++)
        memcpy(&picture->chunks[c], rig.set->entry[c].chunk, sizeof(struct gm_chunk));
    memcpy(picture->sorted, rig.sorted, sizeof(picture->sorted));
    picture->count = rig.count;
}

static void assert_picture(struct picture *picture)
{
    const struct gm_directory *set = picture->set;
    assert_memory_equal(picture->directory, set, gm_directory_size(picture->directory->count));
    for (uint32_t c = 0; c < set->count; c++)
        assert_memory_equal(&picture->chunks[c], set->entry[c].chunk, sizeof(struct gm_chunk));
    assert_same(set, picture->sorted, picture->count);
    free(picture->directory);
    free(picture->chunks);
}

/* An edit of one region copies the directory and one chunk; where chunks split or join, one more. */
static void assert_small_cost(void)
{
    unsigned chunks = 0;
    unsigned directories = 0;
    for (size_t i = 0; i < rig.edit.born.count; i++) {
        chunks += rig.edit.born.nodes[i].kind == GM_NODE_CHUNK;
        directories += rig.edit.born.nodes[i].kind == GM_NODE_DIRECTORY;
    }
    assert_int_equal(directories, 1);
    assert_in_range(chunks, 0, 2);
}

static void old_versions_stay_as_they_were(void **state)
{
    static struct picture picture;
    (void)state;
    insert(region_new(0, 1, true));
    for (unsigned version = 0; version < 400; version++) {
        next_version();
        take_picture(&picture);
        unsigned edits = version % 4 == 0 ? 1 : (unsigned)gmt_rand_below(&rig.seed, version < 200 ? 60 : 20);
        for (unsigned i = 0; i < edits; i++)
            random_edit();
        if (edits == 1)
            assert_small_cost();
        assert_same(rig.set, rig.sorted, rig.count);
        assert_picture(&picture); /* before the dead of this edit are freed */
    }
    assert_looks_up(100);
}

/* Fail each step of an insertion or removal: dropping the edit brings back the old set. */
static void fail_each_step(struct gm_region *region, bool insertion)
{
    struct picture *picture = calloc(1, sizeof(*picture));
    assert_non_null(picture);
    bool good = false;
    for (unsigned step = 1; !good; step++) {
        struct gm_directory *old = rig.set;
        size_t live = ledger.live;
        gm_node_list_free(&rig.edit.born, NULL); /* so that their growth is a step too */
        gm_node_list_free(&rig.edit.dead, NULL);
        take_picture(picture);
        gm_fault_arm(step);
        good = insertion ? gm_regset_insert(&rig.edit, &rig.set, region)
                         : gm_regset_remove(&rig.edit, &rig.set, region);
        assert_int_equal(gm_fault_disarm(), !good);
        assert_true(step < 20);
        gm_edit_drop(&rig.space, &rig.edit); /* also the one that went well */
        rig.set = old;
        assert_picture(picture);
        gm_node_list_free(&rig.edit.born, NULL);
        gm_node_list_free(&rig.edit.dead, NULL);
        assert_in_range(ledger.live, live - 2, live);
    }
    free(picture);
}

static void without_memory(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2 * GM_CHUNK_CAPACITY; i++)
        insert(region_new(i * SLOT_SIZE, i * SLOT_SIZE + 9, true));
    next_version();
    struct gm_region *region = region_new(7 * SLOT_SIZE + 100, 7 * SLOT_SIZE + 100, true);
    fail_each_step(region, true); /* with a split */
    gm_free(NULL, region, sizeof(*region));
    for (unsigned i = 0; i < GM_CHUNK_CAPACITY - 4; i++) {
        remove_at(2);
        remove_at(rig.count - 2);
    }
    next_version();
    fail_each_step(rig.sorted[0], false);
    while (rig.count > 1)
        remove_at(0);
    next_version();
    fail_each_step(rig.sorted[0], false); /* the last one of its chunk */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(old_versions_stay_as_they_were),
        RIG(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
