/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The kernel's interface for write watches, and what headers older than the kernel lack of it: userfaultfd's markers
 * for memory that was never touched (6.4), its asynchronous mode, and the PAGEMAP_SCAN ioctl (both 6.7).
 */
#ifndef GM_DIRTY_WATCH_UAPI_H
#define GM_DIRTY_WATCH_UAPI_H

#include <linux/fs.h>
#include <linux/userfaultfd.h>
#include <stdint.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

#ifndef PAGEMAP_SCAN
#define PAGE_IS_WRITTEN (1 << 1)

struct page_region {
    uint64_t start, end, categories; /* [addresses) */
};

#define PM_SCAN_WP_MATCHING (1 << 0)   /* protect what is reported, in the same step */
#define PM_SCAN_CHECK_WPASYNC (1 << 1) /* refuse memory that is not registered for it */

struct pm_scan_arg {
    uint64_t size, flags;
    uint64_t start, end, walk_end; /* the kernel says in walk_end how far it came */
    uint64_t vec, vec_len;         /* regions */
    uint64_t max_pages;            /* of 4 KiB; 0: no limit */
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
#endif

_Static_assert(sizeof(struct page_region) == 24 && sizeof(struct pm_scan_arg) == 96, "as the kernel has them");

#endif
