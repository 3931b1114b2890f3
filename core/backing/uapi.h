/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The one request to KVM that memory needs, as the kernel's interface defines it (KVM_CREATE_GUEST_MEMFD).
 * Headers of distributions are older than the kernels that run; the rest of KVM is none of this layer's business.
 */
#ifndef GM_BACKING_UAPI_H
#define GM_BACKING_UAPI_H

#include <linux/ioctl.h>
#include <stdint.h>

struct gm_uapi_guest_memfd {
    uint64_t size;
    uint64_t flags;
    uint64_t reserved[6];
};

#define GM_UAPI_CREATE_GUEST_MEMFD _IOWR(0xAE, 0xd4, struct gm_uapi_guest_memfd) /* Linux 6.8, on a VM */

enum gm_uapi_guest_memfd_flags {
    GM_UAPI_GUEST_MEMFD_MMAP = 1,       /* Linux 6.18 */
    GM_UAPI_GUEST_MEMFD_INIT_SHARED = 2 /* the host may touch what it maps */
};

#endif
