/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Source of the tables for several bytes: Kounavis and Berry, A systematic approach to building CRC generators, 2005.
 */
#include "base/crc32c.h"

#define POLYNOMIAL UINT32_C(0x82f63b78) /* of Castagnoli, lowest bit first */

void gm_crc32c_init(struct gm_crc32c *tables)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (POLYNOMIAL & (0 - (crc & 1)));
        tables->table[0][byte] = crc;
    }
    for (unsigned i = 1; i < 8; i++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t before = tables->table[i - 1][byte];
            tables->table[i][byte] = before >> 8 ^ tables->table[0][before & 0xff];
        }
}

uint32_t gm_crc32c(const struct gm_crc32c *tables, uint32_t crc, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    crc = ~crc;
    for (; size >= 8; bytes += 8, size -= 8) {
        uint8_t mixed[4];
        uint32_t next = 0;
        for (unsigned i = 0; i < 4; i++)
            mixed[i] = (uint8_t)(bytes[i] ^ crc >> 8 * i);
        for (unsigned i = 0; i < 4; i++)
            next ^= tables->table[7 - i][mixed[i]] ^ tables->table[3 - i][bytes[4 + i]];
        crc = next;
    }
    for (; size > 0; bytes++, size--)
        crc = crc >> 8 ^ tables->table[0][(crc ^ *bytes) & 0xff];
    return ~crc;
}
