/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Are two maps the same, node by node? For comparing one that was edited into its shape with one built at once. */
#ifndef GM_TESTS_UNIT_SAME_MAP_H
#define GM_TESTS_UNIT_SAME_MAP_H

#include "unit/mapper.h"

static inline void assert_same_block(uint64_t a, uint64_t b)
{
    if (gm_word_is_line(a) && gm_word_is_line(b)) {
        assert_memory_equal(gm_word_line(a)->word, gm_word_line(b)->word, sizeof(gm_word_line(a)->word));
        assert_memory_equal(gm_word_line(a)->start, gm_word_line(b)->start, sizeof(gm_word_line(a)->start));
    } else if (gm_word_is_pages(a) && gm_word_is_pages(b)) {
        assert_memory_equal(gm_word_pages(a)->word, gm_word_pages(b)->word, sizeof(gm_word_pages(a)->word));
    } else {
        assert_true(a == b);
    }
}

static inline void assert_same_runs(const struct gm_version *a, const struct gm_version *b)
{
    if (a->regions == NULL || a->regions->direct <= GM_RUNS_LIMIT)
        assert_int_equal(a->runs != NULL, a->regions != NULL);
    if (a->runs == NULL || b->runs == NULL) /* many that join into few may or may not have been noticed */
        return;
    assert_int_equal(a->runs->count, b->runs->count);
    assert_int_equal(a->runs->paged, b->runs->paged);
    assert_memory_equal(a->runs->first, b->runs->first, sizeof(a->runs->first));
    assert_memory_equal(a->runs->last, b->runs->last, sizeof(a->runs->last));
    assert_memory_equal(a->runs->word, b->runs->word, sizeof(a->runs->word));
    if (a->runs->paged) /* undefined otherwise */
        assert_memory_equal(a->runs->page_below, b->runs->page_below, sizeof(a->runs->page_below));
}

static inline void assert_same_map(const struct gm_version *a, const struct gm_version *b)
{
    assert_true(a->view.gib_count == b->view.gib_count);
    for (uint64_t gib = 0; gib < a->view.gib_count; gib++) {
        const struct gm_table *from = gm_top_table(a, gib);
        const struct gm_table *to = gm_top_table(b, gib);
        assert_int_equal(from->shared, to->shared);
        assert_int_equal(from->indirect, to->indirect);
        if (from == to)
            continue; /* one of the two constant tables */
        for (unsigned i = 0; i < GM_GIB_BLOCKS; i++)
            assert_same_block(from->word[i], to->word[i]);
    }
    assert_same_runs(a, b);
}

/* The current map of m against one that is built in one go from the same regions. */
static inline void assert_as_built_at_once(const struct mapper *m)
{
    struct mapper fresh;
    struct gm_cursor cursor;
    mapper_open(&fresh);
    mapper_begin(&fresh);
    const struct gm_region *region = gm_regset_seek(m->current->regions, 0, &cursor);
    for (; region != NULL; region = gm_regset_next(&cursor)) {
        struct gm_region *copy = gm_edit_new(&fresh.edit, GM_NODE_REGION, sizeof(*copy));
        assert_non_null(copy);
        *copy = *region;
        copy->uniform = NULL;
        copy->birth = fresh.edit.version;
        assert_true(gm_regset_insert(&fresh.edit, &fresh.regions, copy));
    }
    mapper_window(&fresh, 0, UINT64_MAX);
    mapper_commit(&fresh);
    assert_same_map(m->current, fresh.current);
    mapper_close(&fresh);
}

#endif
