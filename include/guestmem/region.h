/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Looking at the regions of a view: which one holds an address, what comes next, and what is known of an address or a
 * range without a pointer to it. Any address may be asked, the guest's included.
 *
 *     struct gm_region_info info;
 *     for (gm_gpa gpa = 0; gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size)
 *         visit(&info);
 *
 * Unless a declaration says otherwise:
 *   Context: holder of the view.   Progress: wait-free.   Cost: O(log regions).
 */
#ifndef GUESTMEM_REGION_H
#define GUESTMEM_REGION_H

#include <guestmem/api.h>
#include <guestmem/types.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

struct gm_backing;

/* What pointers point to is there as long as the view is held. */
struct gm_region_info {
    gm_gpa gpa;
    uint64_t size;   /* [bytes] */
    void *address;   /* host address of gpa; NULL for devices */
    uint64_t tag;
    enum gm_kind kind;
    unsigned rights;
    int numa_node;   /* -1: none */
    const char *name; /* "": none */
    void *user;
    struct gm_backing *backing; /* not counted for the caller; NULL: a device, or anonymous memory of a linear space */
    uint64_t offset; /* [bytes] of gpa in the backing. In the backing's file it is this and gm_backing_info.offset */
};

/*
 * The region that holds gpa. gm_region_next gives the first region that ends at or above gpa instead, so that
 * starting at 0 and going on at info.gpa + info.size visits all of them in order.
 * Returns 0; -ENOENT (none); -EINVAL (out NULL).
 */
GM_API GM_MUST_CHECK int gm_region_find(const struct gm_view *view, gm_gpa gpa, struct gm_region_info *out);
GM_API GM_MUST_CHECK int gm_region_next(const struct gm_view *view, gm_gpa gpa, struct gm_region_info *out);

/*
 * One thing about the region that holds gpa.
 * gm_region_kind returns its gm_kind; gm_region_rights its gm_rights, which for a device are 0; gm_region_node its NUMA
 * node. All: -ENOENT (no region there). gm_region_node: -ENODATA (the region belongs to no node).
 */
GM_API GM_MUST_CHECK int gm_region_kind(const struct gm_view *view, gm_gpa gpa);
GM_API GM_MUST_CHECK int gm_region_rights(const struct gm_view *view, gm_gpa gpa);
GM_API GM_MUST_CHECK int gm_region_node(const struct gm_view *view, gm_gpa gpa);

/*
 * The last address that belongs to a region of these kinds.
 * @param kinds  GM_KIND_BIT of each, ORed. GM_KINDS_ALL & ~GM_KIND_BIT(GM_KIND_DAX): what a guest's own memory and its
 *               devices end with.
 * @param out    inclusive
 * Returns 0; -ENOENT (there is no such region); -EINVAL (no kind, or an unknown one; out NULL).
 * Cost: O(regions above it), 64 at a time where only one side has host memory.
 */
GM_API GM_MUST_CHECK int gm_region_last(const struct gm_view *view, unsigned kinds, gm_gpa *out);

/*
 * May all of [gpa, gpa + len) be accessed, in one piece of host memory or in many?
 * @param len     [bytes] any value; 0 may, wherever it is
 * @param rights  gm_rights that the access needs; other bits are ignored
 * Returns 0; -EOVERFLOW, -EFAULT, -ENXIO, -EACCES as gm_translate_why.
 * Cost: O(regions crossed * log regions).
 */
GM_API int gm_range_check(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights);

/*
 * The address that lies offset bytes above gpa, where there is host memory. What is between the two is not looked at,
 * nor gpa itself.
 * @param offset  [bytes] any value
 * Returns 0; -EINVAL (out NULL); -EOVERFLOW (past 2^64 - 1); -EFAULT (in no region); -ENXIO (a device).
 */
GM_API GM_MUST_CHECK int gm_range_offset(const struct gm_view *view, gm_gpa gpa, uint64_t offset, gm_gpa *out);

GM_END_DECLS

#endif
