/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Memory in files: the caller's, whose length is checked, and our own in a hugetlbfs mount. */
#include <errno.h>

#include "backing/parts.h"
#include "base/file.h"
#include "base/math.h"
#include "base/mem.h"

/* Pages of a file on a disk are the page cache's: they come from where whoever reads first is. */
static int check_file(const struct gm_backing *backing, const struct gm_file_status *status)
{
    if (!status->regular || (backing->numa_policy != GM_NUMA_DEFAULT && !status->in_memory))
        return -EOPNOTSUPP;
    return 0;
}

static void take_page_size(struct gm_backing *backing, const struct gm_file_status *status)
{
    if (status->hugetlb)
        backing->page_shift = (unsigned)__builtin_ctzll(status->block);
}

int gm_backing_open_file(struct gm_backing *backing, const struct gm_backing_config *config)
{
    struct gm_file_status status;
    int result = config->path != NULL
                     ? gm_file_open(config->path, (config->flags & GM_BACKING_PRIVATE) == 0, &backing->fd)
                     : gm_file_duplicate(config->fd, &backing->fd);
    if (result == 0)
        result = gm_file_status_get(backing->fd, &status);
    if (result == 0)
        result = check_file(backing, &status);
    if (result != 0)
        return result;
    backing->offset = config->offset;
    take_page_size(backing, &status);
    return gm_is_aligned(config->offset, gm_backing_page(backing)) ? 0 : -EINVAL;
}

int gm_backing_check_length(const struct gm_backing *backing, uint64_t size)
{
    struct gm_file_status status;
    int result = gm_file_status_get(backing->fd, &status);
    if (result != 0)
        return result;
    return size <= status.size && backing->offset <= status.size - size ? 0 : -ENXIO;
}

int gm_backing_open_hugetlbfs(struct gm_backing *backing, const struct gm_backing_config *config)
{
    struct gm_file_status status;
    uint64_t most = gm_max_u64(config->size, config->size_most);
    int folder;
    int result = gm_file_open(config->path, false, &folder);
    if (result != 0)
        return result;
    result = gm_file_status_get(folder, &status);
    gm_mem_close(folder);
    if (result != 0)
        return result;
    if (!status.hugetlb)
        return -EOPNOTSUPP;
    take_page_size(backing, &status);
    if (config->page_shift != 0 && config->page_shift != backing->page_shift)
        return -EINVAL;
    if (!gm_align_up(most, gm_backing_page(backing), &most) || most > INT64_MAX)
        return -EOVERFLOW;
    result = gm_file_unnamed(config->path, &backing->fd);
    return result != 0 ? result : gm_file_resize(backing->fd, most);
}
