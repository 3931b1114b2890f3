/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What a VMM does with memory before the guest starts: from sizes to ranges around the holes, from ranges to regions,
 * and from regions to the table of memory that the guest's firmware or kernel is given.
 *
 *     const struct gm_boot_node nodes[] = {{.size = 4ull << 30}, {.size = 4ull << 30, .numa = GM_NUMA_NODE(1)}};
 *     struct gm_boot_range ranges[8];
 *     size_t count;
 *     if (gm_boot_layout(NULL, GM_BOOT_PIECE_LEAST, nodes, 2, ranges, 8, &count) == 0 &&
 *         gm_space_add_ranges(space, ranges, count) == 0) ...
 */
#ifndef GUESTMEM_BOOT_H
#define GUESTMEM_BOOT_H

#include <stddef.h>

#include <guestmem/api.h>
#include <guestmem/backing_create.h>
#include <guestmem/layout.h>
#include <guestmem/space.h>
#include <guestmem/types.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

/* A range of RAM, and the memory that it is made of. */
struct gm_boot_range {
    gm_gpa gpa;
    uint64_t size;    /* [bytes] > 0 */
    uint64_t tag;     /* these four as in gm_region_desc */
    void *user;
    const char *name;
    unsigned numa;
    const struct gm_backing_config *memory; /* how to make it; memory->size is not looked at. A FILE is used from
                               memory->offset on, which is congruent to gpa modulo the page size. NULL: anonymous, for
                               which nothing is charged before it is touched */
};

/* The memory of one NUMA node, in the order in which it is laid out. */
struct gm_boot_node {
    uint64_t size; /* [bytes] > 0, whole pages */
    unsigned numa; /* GM_NUMA_NODE(n), or 0 */
};

/* What a PC has: no RAM from 3 to 4 GiB, where devices are; and less than 128 MiB before that is not worth a region of
 * its own. */
#define GM_BOOT_HOLE_FIRST UINT64_C(0xc0000000)
#define GM_BOOT_HOLE_LAST UINT64_C(0xffffffff)
#define GM_BOOT_PIECE_LEAST (UINT64_C(128) << 20)

/*
 * Lay out memory upwards from layout->mem_first, node after node, around the holes. A node that reaches a hole is
 * split: the rest goes on behind the hole. Where less than piece_least would lie before it, all of it goes behind.
 * @param layout       NULL: the whole space with the hole of a PC
 * @param piece_least  [bytes]; 0: split wherever it is
 * @param out          gets gpa, size and numa of each range, in rising order; the rest is zeroed
 * @param room         entries of out; count + GM_LAYOUT_HOLES_MOST are always enough
 * @param needed       how many there are; also written with -ENOBUFS
 * Returns 0; -EINVAL (NULL, count 0, a layout that is none or whose beginning or holes are not in whole pages, a size
 * that is 0 or not in whole pages); -ERANGE (it does not fit below layout->mem_last); -ENOBUFS (more than room; out is
 * untouched).
 * Context: any thread.   Progress: wait-free.   Cost: O(count + holes).
 */
GM_API GM_MUST_CHECK int gm_boot_layout(const struct gm_layout *layout, uint64_t piece_least,
                                        const struct gm_boot_node *nodes, size_t count, struct gm_boot_range *out,
                                        size_t room, size_t *needed);

/*
 * Add regions of RAM, with memory of their own, in one transaction: all of them or none. They may come in any order,
 * and a count of 0 changes nothing. 2 MiB and more of the kind ANONYMOUS (and of MEMFD, if gpa is a multiple of that,
 * and of FILE, if gpa and offset are congruent) lie in the host as in the guest modulo 2 MiB, so that huge pages can
 * map them, unless memory->align says otherwise. In a linear space memory is mapped in place, of the kinds that can be;
 * of the kind ANONYMOUS as gm_region_desc.memory says.
 * Returns 0, or, with nothing added and no memory left: -EINVAL (NULL; size 0; a FILE that is not congruent to gpa);
 * -EOVERFLOW (a range wraps); -EOPNOTSUPP (memory of the kind CALLER, which gm_txn_add is for); what gm_txn_begin,
 * gm_txn_add, gm_txn_commit and gm_backing_create say of the first that fails.
 * Context: control thread.   Progress: blocking (mmap, writers; once published, readers' pins).
 */
GM_API GM_MUST_CHECK int gm_space_add_ranges(struct gm_space *space, const struct gm_boot_range *ranges, size_t count);

/*
 * gm_space_create, and gm_space_add_ranges into it: there is a space with all ranges or none.
 * Returns what these return.
 * Context: control thread.   Progress: blocking.
 */
GM_API GM_MUST_CHECK int gm_space_from_ranges(const struct gm_space_config *config, const struct gm_boot_range *ranges,
                                              size_t count, struct gm_space **out);

/* Types of the e820 table (ACPI 6.5, 15). */
enum gm_e820_type {
    GM_E820_RAM = 1,
    GM_E820_RESERVED = 2,
    GM_E820_ACPI = 3,
    GM_E820_NVS = 4,
    GM_E820_UNUSABLE = 5,
    GM_E820_PMEM = 7
};

/* An entry as Linux takes it (struct boot_e820_entry): 20 bytes, little-endian on the machines that have it. */
struct gm_e820_entry {
    uint64_t addr;
    uint64_t size; /* [bytes] */
    uint32_t type;
} __attribute__((packed));

/*
 * The type of a region: gm_e820_type, or any other number; 0 leaves the region out. The caller's function may go by
 * tag, name or kind. gm_e820_type_of is what NULL stands for: RAM that can be read and written is RAM; other RAM, ROM
 * and firmware are reserved; DAX is persistent memory (leave it out if it is a window of virtio-fs); devices are left
 * out, because guests place no BAR where an entry is.
 */
typedef uint32_t (*gm_e820_type_fn)(void *arg, const struct gm_region_info *info);
GM_API uint32_t gm_e820_type_of(void *arg, const struct gm_region_info *info);

/*
 * The regions of a view as an e820 table: sorted, and neighbours of one type are one entry, unless it is persistent
 * memory, where each region is a device of its own.
 * @param type_of, arg  NULL: gm_e820_type_of
 * @param room          entries of out
 * @param needed        how many there are; also written with -ENOBUFS, room 0 and out NULL included
 * Returns 0; -ENOBUFS (more than room; out is untouched); -EINVAL (view or needed is NULL).
 * Context: holder of the view.   Progress: wait-free, if type_of is.   Cost: O(regions log regions); type_of is called
 * twice for each.
 */
GM_API GM_MUST_CHECK int gm_e820_export(const struct gm_view *view, gm_e820_type_fn type_of, void *arg,
                                        struct gm_e820_entry *out, size_t room, size_t *needed);

GM_END_DECLS

#endif
