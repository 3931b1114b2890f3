/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The image of an arena: words of 64 bits, little-endian.
 *   header      struct of words below
 *   ranges      GM_IMAGE_RANGE words for each live one, guards too, in order of their numbers
 *   free slots  a word for each slot that was in use and is free, the newest first: slot | generation << 32
 *   deferred    a word for each range that is deferred, in the order in which they were: its slot
 * What can be made from these is not in it.
 */
#ifndef GM_ALLOC_IMAGE_IMAGE_H
#define GM_ALLOC_IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GM_IMAGE_MAGIC UINT64_C(0x0a0d6e61722d6d67) /* "gm-ran", and a line end that text tools would damage */
#define GM_IMAGE_VERSION 1

enum gm_image_word {
    GM_IMAGE_IS,       /* the magic */
    GM_IMAGE_IN,       /* the version */
    GM_IMAGE_CHECKSUM, /* CRC-32C of all words before and behind it */
    GM_IMAGE_FIRST,
    GM_IMAGE_LAST,
    GM_IMAGE_GRANULE,
    GM_IMAGE_RANGES_MOST,
    GM_IMAGE_FLAGS, /* of enum gm_arena_flags | what handles tell more than generations << 32 */
    GM_IMAGE_CURSOR,
    GM_IMAGE_RANDOM,
    GM_IMAGE_SLOTS, /* that were ever in use */
    GM_IMAGE_COUNT,    /* of these, live */
    GM_IMAGE_DEFERRED, /* ranges, without guards */
    GM_IMAGE_HEADER
};

enum gm_image_range {
    GM_IMAGE_RANGE_FIRST,
    GM_IMAGE_RANGE_LAST,
    GM_IMAGE_RANGE_USER,
    GM_IMAGE_RANGE_HANDLE, /* slot | generation << 32, as it is in the arena */
    GM_IMAGE_RANGE_LABEL,  /* owner | state << 32; the state as enum gm_node_state without what is of the process */
    GM_IMAGE_RANGE
};

static inline uint64_t gm_image_order(uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(value);
#else
    return value;
#endif
}

static inline uint64_t gm_image_get(const void *image, size_t word)
{
    uint64_t value;
    memcpy(&value, (const char *)image + 8 * word, sizeof(value));
    return gm_image_order(value);
}

static inline void gm_image_put(void *image, size_t word, uint64_t value)
{
    value = gm_image_order(value);
    memcpy((char *)image + 8 * word, &value, sizeof(value));
}

/* What the word of the checksum has to be. */
uint64_t gm_image_checksum(const void *image, size_t size);

#endif
