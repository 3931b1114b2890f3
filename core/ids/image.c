/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Id allocator: its flat image. What a thread will get depends on the bits of the leaves alone, so they are the
 * image: a header, then the leaves up to the last one in which an id is taken. All numbers are little-endian; bits of
 * a leaf that are no id are 0.
 */
#include "ids/ids.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/math.h"

#define MAGIC UINT64_C(0x0a0d7364692d6d67) /* "gm-ids", and a line end that whoever converts text would damage */
#define VERSION 1

enum field { FIELD_MAGIC, FIELD_VERSION, FIELD_FIRST, FIELD_COUNT, FIELD_LEAVES, FIELDS };

static void put(uint8_t *image, uint64_t place, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        image[place * 8 + i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *image, uint64_t place)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)image[place * 8 + i] << (8 * i);
    return value;
}

static uint64_t taken_in(const struct gm_ids *ids, uint64_t leaf)
{
    return gm_load_relaxed(&ids->tree.level[0][leaf]) & gm_ids_real(ids, leaf);
}

/* How many leaves there are up to the last in which an id is taken. */
static uint64_t leaves_used(const struct gm_ids *ids)
{
    uint64_t leaves = (uint64_t)ids->tree.last[0] + 1;
    while (leaves > 0 && taken_in(ids, leaves - 1) == 0)
        leaves--;
    return leaves;
}

int gm_ids_save(const struct gm_ids *ids, void *image, size_t size, size_t *needed)
{
    if (ids == NULL || needed == NULL)
        return -EINVAL;
    uint64_t leaves = leaves_used(ids);
    *needed = (FIELDS + leaves) * 8;
    if (image == NULL || size < *needed)
        return -ENOBUFS;
    put(image, FIELD_MAGIC, MAGIC);
    put(image, FIELD_VERSION, VERSION);
    put(image, FIELD_FIRST, ids->first);
    put(image, FIELD_COUNT, (uint64_t)ids->last - ids->first + 1);
    put(image, FIELD_LEAVES, leaves);
    for (uint64_t leaf = 0; leaf < leaves; leaf++)
        put(image, FIELDS + leaf, taken_in(ids, leaf));
    return 0;
}

/* Everything that can be wrong with an image but for the bits of its leaves. */
static int image_check(const uint8_t *image, size_t size, const struct gm_ids_config *expected,
                       struct gm_ids_config *config)
{
    if (image == NULL || size < FIELDS * 8 || size % 8 != 0 || get(image, FIELD_MAGIC) != MAGIC ||
        get(image, FIELD_VERSION) != VERSION || get(image, FIELD_LEAVES) != size / 8 - FIELDS)
        return -EINVAL;
    uint64_t first = get(image, FIELD_FIRST);
    uint64_t count = get(image, FIELD_COUNT);
    if (first > UINT32_MAX || count == 0 || count > GM_IDS_COUNT_MOST || first + (count - 1) > UINT32_MAX)
        return -EINVAL;
    if (expected != NULL && (expected->first != first || expected->count != count))
        return -EINVAL;
    uint64_t last_leaf = (first + (count - 1)) / GM_IDS_LEAF_BITS - first / GM_IDS_LEAF_BITS;
    if (get(image, FIELD_LEAVES) > last_leaf + 1)
        return -EINVAL;
    config->first = (uint32_t)first;
    config->count = count;
    config->numa_node = expected != NULL ? expected->numa_node : GM_NODE_ANY;
    config->flags = expected != NULL ? expected->flags : 0; /* looked at when the allocator is made */
    return 0;
}

/* Nobody else knows the allocator yet. Bits that are no id are set already, so they are refused. */
static int fill(struct gm_ids *ids, const uint8_t *image)
{
    uint64_t leaves = get(image, FIELD_LEAVES);
    for (uint64_t leaf = 0; leaf < leaves; leaf++) {
        uint64_t bits = get(image, FIELDS + leaf);
        bool last = leaf == leaves - 1;
        if (bits == 0 ? last : !gm_ids_set(&ids->tree, leaf, bits))
            return -EINVAL;
    }
    return 0;
}

int gm_ids_load(const void *image, size_t size, const struct gm_ids_config *expected, struct gm_ids **out)
{
    struct gm_ids_config config;
    struct gm_ids *ids;
    if (out == NULL)
        return -EINVAL;
    int result = image_check(image, size, expected, &config);
    if (result == 0)
        result = gm_ids_create(&config, &ids);
    if (result != 0)
        return result;
    result = fill(ids, image);
    if (result != 0)
        gm_ids_destroy(ids);
    else
        *out = ids;
    return result;
}
