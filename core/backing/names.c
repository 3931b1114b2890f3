/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What kinds are called in configurations; the first name of a kind is the one that is given out. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "guestmem/backing_create.h"

static const struct {
    const char *name;
    enum gm_backing_kind kind;
} names[] = {
    {"anon", GM_BACKING_KIND_ANONYMOUS},
    {"mmap", GM_BACKING_KIND_ANONYMOUS},
    {"anonymous", GM_BACKING_KIND_ANONYMOUS},
    {"memfd", GM_BACKING_KIND_MEMFD},
    {"shmem", GM_BACKING_KIND_MEMFD},
    {"hugeanon", GM_BACKING_KIND_HUGETLB},
    {"hugemmap", GM_BACKING_KIND_HUGETLB},
    {"hugetlb", GM_BACKING_KIND_HUGETLB},
    {"hugememfd", GM_BACKING_KIND_MEMFD_HUGETLB},
    {"hugeshmem", GM_BACKING_KIND_MEMFD_HUGETLB},
    {"hugetlbfs", GM_BACKING_KIND_HUGETLBFS},
    {"file", GM_BACKING_KIND_FILE},
    {"caller", GM_BACKING_KIND_CALLER},
    {"guest_memfd", GM_BACKING_KIND_GUEST_MEMFD},
};

int gm_backing_kind_parse(const char *name, enum gm_backing_kind *out)
{
    if (name == NULL || out == NULL)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i].name) == 0) {
            *out = names[i].kind;
            return 0;
        }
    }
    return -EINVAL;
}

const char *gm_backing_kind_name(enum gm_backing_kind kind)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].kind == kind)
            return names[i].name;
    return NULL;
}
