/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* CRC-32C (Castagnoli; RFC 3720, appendix B.4): against accidents, no protection from who wants to deceive. */
#ifndef GM_BASE_CRC32C_H
#define GM_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Tables for eight bytes at a time, made where they are needed: that costs what 10 KiB of data do. */
struct gm_crc32c {
    uint32_t table[8][256];
};

void gm_crc32c_init(struct gm_crc32c *tables);

/* The checksum of what crc is the checksum of (0: of nothing) and size bytes more. */
uint32_t gm_crc32c(const struct gm_crc32c *tables, uint32_t crc, const void *data, size_t size);

#endif
