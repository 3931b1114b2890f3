/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Every kind of host memory through one call, and the one table of what goes together.
 *
 *   kind           the memory is                             takes the fields, and the flags
 *   ANONYMOUS      private, zeroed                           align phase numa most; the common ones, THP MERGEABLE
 *   MEMFD          a sealed file in memory, shared           name align numa most; the common ones, THP
 *   HUGETLB        private huge pages of the pool            page align numa most; the common ones
 *   MEMFD_HUGETLB  a sealed file in such pages, shared       name page align numa most; the common ones
 *   HUGETLBFS      a file without a name in such a mount     path page align numa most; the common ones
 *   FILE           a file of the caller's, from an offset    path or fd, offset align numa most; the common ones,
 *                                                            THP PRIVATE, and with PRIVATE also MERGEABLE
 *   CALLER         the caller's, as by gm_backing_wrap       address release argument; none
 *   GUEST_MEMFD    made by KVM for one VM                    fd align; MAPPED, and with MAPPED also DUMP NO_FORK GUARD
 *   The common flags are NORESERVE DUMP NO_FORK GUARD.
 *
 * (page: page_shift. numa: numa_policy and numa_nodes. most: size_most.) What is not in a kind's line answers
 * -EOPNOTSUPP when it is not 0; fd is only looked at where it is taken. One rule depends on the file itself: a NUMA
 * policy needs a FILE of tmpfs or hugetlbfs, because pages of other files belong to the page cache.
 *
 * What the kinds can do later (backing_memory.h):
 *                  content after discard              resize                           in a linear space
 *   ANONYMOUS      zero                               yes                              no: -EOPNOTSUPP
 *   MEMFD          zero, for all who share            yes                              yes
 *   HUGETLB        zero; whole huge pages             yes                              no
 *   MEMFD_HUGETLB, HUGETLBFS  zero, for all           yes                              yes, in whole huge pages
 *   FILE shared    zero, in the file                  within the file                  yes
 *   FILE private   zero; the file does not change     within the file                  no
 *   CALLER         -EOPNOTSUPP                        -EOPNOTSUPP                      no
 *   GUEST_MEMFD    zero                               -EOPNOTSUPP                      with MAPPED
 * Memory without a mapping on the host cannot be a region of a space: gm_txn_add answers -EOPNOTSUPP. A linear space
 * makes anonymous memory by itself, in place: gm_region_desc.memory.
 */
#ifndef GUESTMEM_BACKING_CREATE_H
#define GUESTMEM_BACKING_CREATE_H

#include <guestmem/backing.h>

GM_BEGIN_DECLS

enum gm_backing_kind {
    GM_BACKING_KIND_ANONYMOUS = 0,
    GM_BACKING_KIND_MEMFD = 1,
    GM_BACKING_KIND_HUGETLB = 2,
    GM_BACKING_KIND_MEMFD_HUGETLB = 3,
    GM_BACKING_KIND_HUGETLBFS = 4,
    GM_BACKING_KIND_FILE = 5,
    GM_BACKING_KIND_CALLER = 6,
    GM_BACKING_KIND_GUEST_MEMFD = 7
};

/* Where pages come from; set before anything touches them, so that no page has to move. */
enum gm_numa_policy {
    GM_NUMA_DEFAULT = 0,   /* as the thread that touches first; no nodes */
    GM_NUMA_BIND = 1,      /* from these nodes or not at all */
    GM_NUMA_PREFER = 2,    /* from this one node, else from others */
    GM_NUMA_INTERLEAVE = 3 /* from these nodes in turn */
};

/* Nodes 0..63 can be named. */
#define GM_NUMA_NODES_MOST 64

struct gm_backing_config {
    enum gm_backing_kind kind;
    unsigned flags;         /* gm_backing_flags */
    uint64_t size;          /* [bytes] > 0; rounded up to whole pages, for hugetlb to whole huge pages */
    uint64_t size_most;     /* [bytes] >= size: so much address space is held for gm_backing_resize; rounded like size.
                               0: never resized. A memfd has this length from the beginning, because its seals forbid
                               to change it; memory costs what is touched, of a hugetlb pool what is mapped */
    unsigned page_shift;    /* 21 or 30: huge pages of 2 MiB or 1 GiB; 0: 2 MiB, for HUGETLBFS what the mount has */
    uint64_t align;         /* [bytes] a power of two from the page size to 2^40: the address is a multiple of it (FILE:
                               congruent to offset). 0 or too small: the page size of the kind, with THP 2 MiB */
    uint64_t phase;         /* [bytes] address modulo align; < align, whole pages. So memory that is not aligned in
                               the guest gets an address that differs from its GPA by whole huge pages */
    const char *name;       /* shown in /proc, at most 249 bytes; NULL for "guestmem" */
    const char *path;       /* FILE: opened for reading and writing, with PRIVATE for reading; HUGETLBFS: a folder */
    int fd;                 /* FILE, where path is NULL: a file that the caller keeps and may close at once;
                               GUEST_MEMFD: the VM */
    uint64_t offset;        /* [bytes] into the file, whole pages */
    enum gm_numa_policy numa_policy;
    uint64_t numa_nodes;    /* one bit for each node; PREFER: one, BIND and INTERLEAVE: at least one */
    void *address;          /* CALLER, as in gm_backing_wrap */
    void (*release)(void *argument);
    void *argument;
};

/*
 * Does the table allow this? What only the kernel or a file can tell is not asked.
 * Returns 0, or the error that gm_backing_create gives before it asks the kernel:
 *   -EINVAL      NULL; unknown kind, flag or policy; size 0; size_most < size; a value out of the range that is given
 *                at its field; CALLER, FILE, HUGETLBFS or GUEST_MEMFD without what they need
 *   -EOPNOTSUPP  a flag or field that the kind does not take
 *   -EOVERFLOW   size, size_most, or offset and one of them, do not fit once rounded
 * Context: any thread.   Progress: wait-free.   Cost: O(length of name).
 */
GM_API GM_MUST_CHECK int gm_backing_possible(const struct gm_backing_config *config);

/*
 * Make a backing. On failure nothing is left: no descriptor, no mapping, no page of a pool; release is not called.
 * Returns 0; what gm_backing_possible returns; -EINVAL (out is NULL); and
 *   -ENXIO       FILE: it ends before offset + size. Here, and not by SIGBUS later
 *   -EINVAL      FILE: the offset is not a multiple of the file's huge page. HUGETLBFS: page_shift is not the mount's.
 *                NUMA: a node that does not exist or that this process may not use
 *   -EOPNOTSUPP  FILE: not a regular file, or NUMA with pages that are not the mapping's. HUGETLBFS: path is elsewhere.
 *                GUEST_MEMFD: fd is not a VM, or the kernel cannot do it (or not MAPPED). NUMA: not in this kernel
 *   -ENODEV      no huge pages of that size on this machine; FILE: its file system has no mappings
 *   -ENOMEM      no memory, no address space, or not enough free huge pages in the pool
 *   -EACCES, -EBADF, -EFBIG, -EISDIR, -ELOOP, -EMFILE, -ENAMETOOLONG, -ENFILE, -ENOENT, -ENOSPC, -ENOTDIR, -EPERM,
 *   -EROFS, -ETXTBSY, -EIO, -EAGAIN, -EINTR   from the kernel
 * Context: any thread.   Progress: blocking (open, mmap).   Cost: O(1), memory is touched by nobody.
 */
GM_API GM_MUST_CHECK int gm_backing_create(const struct gm_backing_config *config, struct gm_backing **out);

/*
 * The kind that goes by a name: "anon", "mmap", "anonymous"; "shmem", "memfd"; "hugeanon", "hugemmap", "hugetlb";
 * "hugeshmem", "hugememfd"; "hugetlbfs"; "file"; "caller"; "guest_memfd". Those of dbs-address-space mean here what its
 * documents say: the huge ones are pages of the hugetlb pool.
 * Returns 0; -EINVAL (NULL, or no such name).
 * Context: any thread.   Progress: wait-free.   Cost: O(names).
 */
GM_API GM_MUST_CHECK int gm_backing_kind_parse(const char *name, enum gm_backing_kind *out);

/* One name of a kind that gm_backing_kind_parse knows; NULL for what is not a kind.   Context: any thread. */
GM_API const char *gm_backing_kind_name(enum gm_backing_kind kind);

GM_END_DECLS

#endif
