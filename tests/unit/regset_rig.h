/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A region set beside a sorted array of the same regions: the array has no chunks, no copies and no binary search,
 * so that nothing of what can go wrong in the set can go wrong in it the same way.
 */
#ifndef GM_TESTS_UNIT_REGSET_RIG_H
#define GM_TESTS_UNIT_REGSET_RIG_H

#include "unit/ledger.h"

#include "lib/rand.h"
#include "map/regset.h"
#include "space/space.h"

#define REGIONS 5000
#define SLOTS 8192 /* each region lies in a slot of its own; neighbours may touch */
#define SLOT_SIZE UINT64_C(0x3000)

struct rig {
    struct gm_space space;
    struct gm_edit edit;
    struct gm_directory *set;
    struct gm_region *sorted[SLOTS]; /* the oracle */
    unsigned count;
    uint64_t seed;
};

static struct rig rig;

static inline int open_rig(void **state)
{
    memset(&rig, 0, sizeof(rig));
    rig.edit.version = 1;
    rig.seed = 0x726567;
    assert_int_equal(ledger.live, 0);
    *state = &rig;
    return 0;
}

static inline void free_dead(struct gm_node_list *dead)
{
    for (size_t i = 0; i < dead->count; i++)
        assert_true(gm_node_free(&rig.space, &dead->nodes[i]));
    dead->count = 0;
}

/* The edit becomes a version: what died in it goes. */
static inline void next_version(void)
{
    free_dead(&rig.edit.dead);
    rig.edit.born.count = 0;
    rig.edit.version++;
}

static inline int close_rig(void **state)
{
    (void)state;
    next_version();
    for (unsigned i = 0; i < rig.count; i++)
        gm_free(NULL, rig.sorted[i], sizeof(struct gm_region));
    for (uint32_t c = 0; rig.set != NULL && c < rig.set->count; c++)
        gm_free(NULL, rig.set->entry[c].chunk, sizeof(struct gm_chunk));
    if (rig.set != NULL)
        gm_free(NULL, rig.set, gm_directory_size(rig.set->capacity));
    gm_node_list_free(&rig.edit.born, NULL);
    gm_node_list_free(&rig.edit.dead, NULL);
    assert_int_equal(ledger.live, 0);
    return 0;
}

static inline struct gm_region *region_new(uint64_t first, uint64_t last, bool direct)
{
    struct gm_region *region = gm_alloc(NULL, sizeof(*region));
    assert_non_null(region);
    *region = (struct gm_region){.first = first,
                                 .last = last,
                                 .word = direct ? GM_PAGE_SIZE : GM_LEAF_ASK,
                                 .birth = rig.edit.version,
                                 .kind = direct ? GM_KIND_RAM : GM_KIND_DEVICE};
    return region;
}

/* Index of the first region of the oracle that ends at or above gpa. */
static inline unsigned oracle_seek(uint64_t gpa)
{
    unsigned i = 0;
    while (i < rig.count && rig.sorted[i]->last < gpa)
        i++;
    return i;
}

static inline void insert(struct gm_region *region)
{
    unsigned at = oracle_seek(region->first);
    assert_true(gm_regset_insert(&rig.edit, &rig.set, region));
    memmove(&rig.sorted[at + 1], &rig.sorted[at], (rig.count - at) * sizeof(rig.sorted[0]));
    rig.sorted[at] = region;
    rig.count++;
}

static inline void remove_at(unsigned at)
{
    struct gm_region *region = rig.sorted[at];
    assert_true(gm_regset_remove(&rig.edit, &rig.set, region));
    assert_true(gm_edit_dead(&rig.edit, GM_NODE_REGION, region, sizeof(*region), region->birth));
    rig.count--;
    memmove(&rig.sorted[at], &rig.sorted[at + 1], (rig.count - at) * sizeof(rig.sorted[0]));
}

/* Everything that the set says of itself, and its order. */
static inline void assert_same(const struct gm_directory *set, struct gm_region *const *sorted, unsigned count)
{
    uint64_t direct = 0;
    uint64_t bytes = 0;
    unsigned at = 0;
    for (uint32_t c = 0; set != NULL && c < set->count; c++) {
        const struct gm_chunk *chunk = set->entry[c].chunk;
        uint32_t here = 0;
        assert_in_range(chunk->count, 1, GM_CHUNK_CAPACITY);
        assert_true(set->entry[c].first == chunk->first[0]);
        for (uint32_t i = 0; i < chunk->count; i++, at++) {
            assert_true(at < count && chunk->region[i] == sorted[at]);
            assert_true(chunk->first[i] == sorted[at]->first);
            if (gm_region_direct(sorted[at])) {
                here++;
                bytes += sorted[at]->last - sorted[at]->first + 1;
            }
        }
        assert_int_equal(chunk->direct, here);
        direct += here;
    }
    assert_int_equal(at, count);
    assert_true(set == NULL || (set->count <= set->capacity && set->regions == count));
    assert_true(set == NULL || (set->direct == direct && set->direct_bytes == bytes));
}

static inline void assert_answers(uint64_t gpa)
{
    struct gm_cursor cursor;
    unsigned at = oracle_seek(gpa);
    struct gm_region *want = at < rig.count ? rig.sorted[at] : NULL;
    assert_ptr_equal(gm_regset_seek(rig.set, gpa, &cursor), want);
    assert_ptr_equal(gm_regset_find(rig.set, gpa), want != NULL && want->first <= gpa ? want : NULL);
    for (unsigned i = at + 1; want != NULL && i <= at + 70; i++) { /* far enough to leave the chunk */
        want = i < rig.count ? rig.sorted[i] : NULL;
        assert_ptr_equal(gm_regset_next(&cursor), want);
    }
}

static inline void assert_looks_up(unsigned probes)
{
    struct gm_region *highest = NULL;
    for (unsigned i = 0; i < rig.count; i++)
        if (gm_region_direct(rig.sorted[i]))
            highest = rig.sorted[i];
    assert_ptr_equal(gm_regset_last_direct(rig.set), highest);
    assert_answers(0);
    assert_answers(UINT64_MAX);
    assert_answers(GM_GPA_LAST);
    for (unsigned i = 0; i < probes; i++) {
        assert_answers(gmt_rand_below(&rig.seed, (SLOTS + 1) * SLOT_SIZE));
        if (rig.count == 0)
            continue;
        const struct gm_region *region = rig.sorted[gmt_rand_below(&rig.seed, rig.count)];
        assert_answers(region->first);
        assert_answers(region->last);
        assert_answers(region->first - 1); /* of the lowest this may be 2^64 - 1 */
        assert_answers(region->last + 1);
    }
}

static inline void random_edit(void)
{
    uint64_t slot = gmt_rand_below(&rig.seed, SLOTS);
    uint64_t first = slot * SLOT_SIZE + gmt_rand_below(&rig.seed, SLOT_SIZE);
    uint64_t last = first + gmt_rand_below(&rig.seed, (slot + 1) * SLOT_SIZE - first);
    unsigned at = oracle_seek(slot * SLOT_SIZE);
    if (at < rig.count && rig.sorted[at]->first < (slot + 1) * SLOT_SIZE)
        remove_at(at);
    else if (rig.count < REGIONS)
        insert(region_new(first, last, gmt_rand_below(&rig.seed, 4) != 0));
    else
        remove_at((unsigned)gmt_rand_below(&rig.seed, rig.count));
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

#endif
