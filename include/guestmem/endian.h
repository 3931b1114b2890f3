/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Integers in a stated byte order, for the structures that guest and host share. Each is a type of its own, as long and
 * as aligned as the plain integer, so that a value cannot be used without being converted:
 *
 *     struct descriptor { gm_le64 addr; gm_le32 len; gm_le16 flags, next; };
 *     uint64_t addr = gm_le64_get(descriptor.addr);
 */
#ifndef GUESTMEM_ENDIAN_H
#define GUESTMEM_ENDIAN_H

#include <stdint.h>

#include <guestmem/api.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define GM_NATIVE_TO_LE(bits, value) __builtin_bswap##bits(value)
#define GM_NATIVE_TO_BE(bits, value) (value)
#else
#define GM_NATIVE_TO_LE(bits, value) (value)
#define GM_NATIVE_TO_BE(bits, value) __builtin_bswap##bits(value)
#endif

/*
 * gm_le16 .. gm_be64:  the type; raw is what stands in memory.
 * gm_le16_make(value): the value in that order.
 * gm_le16_get(stored): the value that is stored. Two are equal when raw is.
 * Context: any.   Progress: wait-free.   Cost: nothing, or one instruction where the host's order is the other one.
 */
#define GM_ENDIAN_TYPE(name, bits, convert)                                                                            \
    typedef struct {                                                                                                   \
        uint##bits##_t raw;                                                                                            \
    } gm_##name;                                                                                                       \
    GM_INLINE gm_##name gm_##name##_make(uint##bits##_t value)                                                         \
    {                                                                                                                  \
        gm_##name made;                                                                                                \
        made.raw = convert(bits, value);                                                                               \
        return made;                                                                                                   \
    }                                                                                                                  \
    GM_INLINE uint##bits##_t gm_##name##_get(gm_##name stored)                                                         \
    {                                                                                                                  \
        return convert(bits, stored.raw);                                                                              \
    }

GM_ENDIAN_TYPE(le16, 16, GM_NATIVE_TO_LE)
GM_ENDIAN_TYPE(le32, 32, GM_NATIVE_TO_LE)
GM_ENDIAN_TYPE(le64, 64, GM_NATIVE_TO_LE)
GM_ENDIAN_TYPE(be16, 16, GM_NATIVE_TO_BE)
GM_ENDIAN_TYPE(be32, 32, GM_NATIVE_TO_BE)
GM_ENDIAN_TYPE(be64, 64, GM_NATIVE_TO_BE)

#endif
