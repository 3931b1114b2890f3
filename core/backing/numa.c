/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The only file that knows libnuma. The kernel drops nodes from a mask that it does not have, as long as one is left;
 * here that is an error, because somebody sized the guest for them.
 */
#include <errno.h>
#include <numaif.h>
#include <stddef.h>

#include "backing/parts.h"
#include "base/fault.h"

#define NODES_KERNEL 1024 /* as many as any kernel is built for; it refuses a shorter mask */
#define WORD_BITS (8 * sizeof(unsigned long))

_Static_assert(WORD_BITS == GM_NUMA_NODES_MOST, "a mask is one word");

static int outcome(int saved, long result)
{
    int error = result == 0 ? 0 : -errno;
    errno = saved;
    return error == -ENOSYS ? -EOPNOTSUPP : error;
}

static int check_nodes(uint64_t nodes)
{
    int saved = errno;
    unsigned long allowed[NODES_KERNEL / WORD_BITS] = {0};
    if (gm_fault_due())
        return -ENOMEM;
    int result = outcome(saved, get_mempolicy(NULL, allowed, NODES_KERNEL, NULL, MPOL_F_MEMS_ALLOWED));
    if (result != 0)
        return result;
    return (nodes & ~(uint64_t)allowed[0]) == 0 ? 0 : -EINVAL;
}

int gm_numa_apply(enum gm_numa_policy policy, uint64_t nodes, void *address, uint64_t size)
{
    static const int modes[] = {
        [GM_NUMA_BIND] = MPOL_BIND, [GM_NUMA_PREFER] = MPOL_PREFERRED, [GM_NUMA_INTERLEAVE] = MPOL_INTERLEAVE};
    if (policy == GM_NUMA_DEFAULT)
        return 0;
    int result = check_nodes(nodes);
    if (result != 0)
        return result;
    int saved = errno;
    unsigned long mask = (unsigned long)nodes;
    if (gm_fault_due())
        return -ENOMEM;
    return outcome(saved, mbind(address, size, modes[policy], &mask, WORD_BITS + 1, 0)); /* it looks at one bit less */
}
