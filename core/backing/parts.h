/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the files of this folder have from one another. All return 0 or -errno. */
#ifndef GM_BACKING_PARTS_H
#define GM_BACKING_PARTS_H

#include <stdbool.h>

#include "backing/backing.h"

#define GM_HUGE_SHIFT 21
#define GM_GIGANTIC_SHIFT 30

/* life.c: a backing of that kind with one count and no memory yet; NULL: none to be had. */
struct gm_backing *gm_backing_new(const struct gm_backing_config *config);
void gm_backing_destroy(struct gm_backing *backing);

/* rules.c: is it made of pages of the hugetlb pool, whatever file it is given? */
bool gm_backing_kind_huge(enum gm_backing_kind kind);

/* file.c: set what the kind is made from: fd, offset, page_shift. */
int gm_backing_open_file(struct gm_backing *backing, const struct gm_backing_config *config);
int gm_backing_open_hugetlbfs(struct gm_backing *backing, const struct gm_backing_config *config);

/* file.c: does the file reach that far beyond the offset? -ENXIO. */
int gm_backing_check_length(const struct gm_backing *backing, uint64_t size);

/* guest_memfd.c */
int gm_backing_open_guest(struct gm_backing *backing, const struct gm_backing_config *config);

/* place.c: find a place for size_most bytes and map size of them; map more of them; take the mapping back. */
int gm_backing_place(struct gm_backing *backing, uint64_t align, uint64_t phase);
int gm_backing_map(struct gm_backing *backing, uint64_t from, uint64_t size);
int gm_backing_unmap(struct gm_backing *backing, uint64_t from, uint64_t size);

/* numa.c: mapped memory of which nothing was touched. */
int gm_numa_apply(enum gm_numa_policy policy, uint64_t nodes, void *address, uint64_t size);

/* discard.c: check a range of whole pages inside the backing: -EINVAL, -EOVERFLOW, -ERANGE. */
int gm_backing_check_range(const struct gm_backing *backing, uint64_t offset, uint64_t size);

#endif
