/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Host memory that is there, in pages of a chosen size: for rows that read what they translate. */
#ifndef BENCH_HOSTMEM_H
#define BENCH_HOSTMEM_H

#include <stddef.h>

#include "options.h"

struct bench_hostmem {
    char *base;  /* aligned to 2 MiB at least */
    size_t size; /* [bytes] */
    void *mapping;
    size_t mapping_size;
};

/*
 * Private memory of that size, every page of it touched. The kernel is asked whether it really gave such pages, and
 * nothing smaller or larger is taken for them.
 * @param size  [bytes] a multiple of 2 MiB; rounded up to whole pages
 * Returns 0; -ENOTSUP or -ENOMEM, with why in error: "not available: ...".
 */
int bench_hostmem_open(struct bench_hostmem *memory, enum bench_pages pages, size_t size, char *error,
                       size_t error_size);
void bench_hostmem_close(struct bench_hostmem *memory); /* zeroed: ignored */

#endif
