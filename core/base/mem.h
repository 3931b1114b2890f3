/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Memory system calls, each behind a name that says what it is for here. They return 0 or -errno, leave errno
 * alone, and can be made to fail by fault.h.
 */
#ifndef GM_BASE_MEM_H
#define GM_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Address space without memory: PROT_NONE, nothing charged; touching it faults. */
int gm_mem_reserve(size_t size, void **out);

/* Readable and writable memory, zeroed; at (replacing what is there) when at is not NULL. fd -1: private anonymous,
 * else shared from the file at offset. */
int gm_mem_map(void *at, size_t size, int fd, uint64_t offset, bool noreserve, void **out);

enum gm_mem_how {
    GM_MEM_NORESERVE = 1,
    GM_MEM_PRIVATE = 2 /* of a file: what is written stays here */
};

/* The same with a choice; huge_shift: 0, or log2 of the size of the huge pages that anonymous memory is made of. */
int gm_mem_map_how(void *at, size_t size, int fd, uint64_t offset, unsigned how, unsigned huge_shift, void **out);

/* Put the PROT_NONE reservation back over [at, at + size). */
int gm_mem_unmap_to_reservation(void *at, size_t size);

int gm_mem_unmap(void *at, size_t size);

/* Put the mapping [from, from + size) in the place of what is at to, in one step. Huge pages: Linux 5.16. */
int gm_mem_move(void *from, size_t size, void *to);

/* madvise; advice is a MADV_ constant. */
int gm_mem_advise(void *at, size_t size, int advice);

/* Have every page there and writable, as if each was written to, and write nothing. An old kernel cannot. */
int gm_mem_populate(void *at, size_t size);
bool gm_mem_can_populate(void);

/* A memfd of that size, sealed against shrinking and growing; huge_shift as above. */
int gm_mem_memfd(const char *name, uint64_t size, int *fd_out);
int gm_mem_memfd_huge(const char *name, uint64_t size, unsigned huge_shift, int *fd_out);
void gm_mem_close(int fd);

/* Prefer pages from this NUMA node; best effort. */
void gm_mem_prefer_node(void *at, size_t size, int node);

#endif
