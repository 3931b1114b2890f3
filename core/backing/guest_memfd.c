/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Memory that KVM gives to one VM. The host has no mapping of it unless it is made with one; it is there for the
 * descriptor, which the VM's memory slots name.
 */
#include <errno.h>

#include "backing/parts.h"
#include "backing/uapi.h"
#include "base/file.h"

int gm_backing_open_guest(struct gm_backing *backing, const struct gm_backing_config *config)
{
    struct gm_uapi_guest_memfd request = {.size = backing->size};
    if ((config->flags & GM_BACKING_MAPPED) != 0)
        request.flags = GM_UAPI_GUEST_MEMFD_MMAP | GM_UAPI_GUEST_MEMFD_INIT_SHARED;
    int result = gm_file_ioctl_fd(config->fd, GM_UAPI_CREATE_GUEST_MEMFD, &request, &backing->fd);
    /* No VM, no such request, no such flag: size and alignment are right, so EINVAL has no other cause. */
    return result == -ENOTTY || result == -EINVAL ? -EOPNOTSUPP : result;
}
