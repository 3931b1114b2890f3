/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The walk goes from what is pointed to to what points, so that freeing on the way is safe. */
#include "map/nodes.h"

struct walk {
    gm_node_visitor *visit;
    void *context;
};

static void give(const struct walk *walk, enum gm_node_kind kind, void *object, uint64_t size)
{
    struct gm_node node = {.object = object, .size = size, .kind = kind};
    if (object != NULL)
        walk->visit(walk->context, &node);
}

static void give_table(const struct walk *walk, struct gm_table *table)
{
    for (unsigned i = 0; table->indirect != 0 && i < GM_GIB_BLOCKS; i++) {
        if (gm_word_is_line(table->word[i]))
            give(walk, GM_NODE_LINE, gm_word_line(table->word[i]), sizeof(struct gm_line));
        else if (gm_word_is_pages(table->word[i]))
            give(walk, GM_NODE_PAGES, gm_word_pages(table->word[i]), sizeof(struct gm_pages));
    }
    give(walk, GM_NODE_TABLE, table, sizeof(*table));
}

static void give_chunk(const struct walk *walk, struct gm_chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->count; i++) {
        give(walk, GM_NODE_TABLE, chunk->region[i]->uniform, sizeof(struct gm_table));
        give(walk, GM_NODE_REGION, chunk->region[i], sizeof(struct gm_region));
    }
    give(walk, GM_NODE_CHUNK, chunk, sizeof(*chunk));
}

void gm_version_each_node(const struct gm_version *version, gm_node_visitor *visit, void *context)
{
    const struct walk walk = {.visit = visit, .context = context};
    struct gm_directory *set = version->regions;
    for (uint64_t gib = 0; gib < version->view.gib_count; gib++) {
        struct gm_table *table = gm_top_table(version, gib);
        if (!table->shared)
            give_table(&walk, table);
    }
    for (uint32_t i = 0; set != NULL && i < set->count; i++)
        give_chunk(&walk, set->entry[i].chunk);
    give(&walk, GM_NODE_RUNS, version->runs, sizeof(*version->runs));
    if (set != NULL)
        give(&walk, GM_NODE_DIRECTORY, set, gm_directory_size(set->capacity));
}
