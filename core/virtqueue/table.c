/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Where the tables of virtqueues are, and what of a walk is rare enough to be a call. */
#include "virtqueue/table.h"

#include <stdbool.h>

#include "access/access.h"
#include "base/atomic.h"
#include "guestmem/mark.h"

#define KNOWN_FLAGS ((unsigned)(GM_VQ_INDIRECT | GM_VQ_PACKED | GM_VQ_EVENT_IDX))

static bool config_ok(const struct gm_vq_config *config)
{
    if (config == NULL || (config->flags & ~KNOWN_FLAGS) != 0 || config->indirect_most > GM_VQ_SIZE_MOST)
        return false;
    if (config->size == 0 || config->size > GM_VQ_SIZE_MOST || !gm_is_aligned(config->desc, GM_VQ_DESC_SIZE))
        return false;
    return (config->flags & GM_VQ_PACKED) != 0 || (config->size & (config->size - 1)) == 0;
}

int gm_vq_init(const struct gm_view *view, const struct gm_vq_config *config, struct gm_vq *out)
{
    if (!config_ok(config) || out == NULL)
        return -EINVAL;
    struct gm_vq vq = {.size = config->size, .flags = config->flags, .fresh = GM_VQ_FRESH_ALL};
    vq.indirect_most = config->indirect_most != 0 ? config->indirect_most : config->size;
    vq.heads = (config->flags & GM_VQ_PACKED) != 0 ? 0 : config->size;
    const unsigned rights = (config->flags & GM_VQ_PACKED) != 0 ? GM_RW : GM_READ;
    int error = gm_handle_init(&vq.table, view, config->desc, (uint64_t)config->size * GM_VQ_DESC_SIZE, rights);
    if (error == 0)
        *out = vq;
    return error;
}

int gm_vq_lost(const struct gm_view *view, const struct gm_handle *handle)
{
    int error = gm_translate_why(view, handle->gpa, handle->len, handle->rights);
    return error != 0 ? error : -EFAULT;
}

int gm_vq_table_open(const struct gm_view *view, gm_gpa addr, uint32_t len, struct gm_vq_table *out)
{
    if (len == 0 || len % GM_VQ_DESC_SIZE != 0)
        return -EINVAL;
    /* a bound of what one descriptor can make us look through: 1 MiB instead of 4 GiB */
    const uint64_t reach = gm_min_u64(len, (uint64_t)GM_VQ_TABLE_REACH * GM_VQ_DESC_SIZE);
    const uint64_t *near = gm_translate(view, addr, reach, GM_READ);
    if (GM_UNLIKELY(near == NULL)) {
        int error = gm_translate_why(view, addr, reach, GM_READ);
        if (error != -EXDEV)
            return error;
    }
    /* drivers align their tables, but need not; words that are not aligned cannot be loaded as such everywhere */
    if (GM_UNLIKELY(!gm_is_aligned((uintptr_t)near, sizeof(uint64_t))))
        near = NULL;
    *out = (struct gm_vq_table){near, addr, len / GM_VQ_DESC_SIZE};
    return 0;
}

struct gm_vq_desc gm_vq_fetch_far(const struct gm_view *view, gm_gpa at)
{
    uint64_t words[GM_VQ_DESC_WORDS] = {0, 0};
    unsigned char *bytes = (unsigned char *)words;
    struct gm_access_piece piece;
    /* a view does not change, so what could be read when the table was opened still can */
    for (unsigned i = 0; i < GM_VQ_DESC_SIZE && gm_access_next(view, at + i, at + GM_VQ_DESC_SIZE - 1, GM_READ,
                                                               &piece) == 0;)
        for (uint64_t j = 0; j < piece.len; j++)
            bytes[i++] = gm_load_relaxed((const unsigned char *)piece.host + j);
    return gm_vq_desc_of(words[0], words[1]);
}

/* A range over the border of two blocks that have the same leaf word is contiguous: no region need be searched for. */
static void *two_blocks(const struct gm_view *view, gm_gpa addr, uint32_t len, unsigned rights)
{
    uint64_t last;
    if (!gm_range_last(addr, len, &last) || last >> GM_GIB_SHIFT >= view->gib_count)
        return NULL;
    if ((last >> GM_BLOCK_SHIFT) - (addr >> GM_BLOCK_SHIFT) > 1)
        return NULL;
    uint64_t leaf = gm_leaf_load(view, addr);
    if ((leaf & (GM_LEAF_INDIRECT | rights)) != 0 || leaf != gm_leaf_load(view, last))
        return NULL;
    return (void *)(uintptr_t)(addr + (leaf & GM_LEAF_DELTA_MASK));
}

int gm_vq_pieces(const struct gm_view *view, gm_gpa addr, uint32_t len, unsigned rights, struct iovec *iov, gm_gpa *gpa,
                 size_t room)
{
    if (len == 0)
        return -EINVAL;
    if (room == 0)
        return -ENOBUFS;
    void *host = two_blocks(view, addr, len, rights);
    if (host != NULL) {
        *iov = (struct iovec){.iov_base = host, .iov_len = len};
        *gpa = addr;
        return 1;
    }
    int count = gm_translate_iov(view, addr, len, rights, iov, room < GM_IOV_LIMIT ? (unsigned)room : GM_IOV_LIMIT);
    for (int i = 0; i < count; i++) {
        gpa[i] = addr;
        addr += iov[i].iov_len;
    }
    return count;
}

int gm_chain_written(const struct gm_view *view, const struct gm_chain *chain, uint64_t bytes)
{
    int result = 0;
    if (bytes > chain->writable_len)
        return -EINVAL;
    for (unsigned i = 0; bytes != 0 && i < chain->writable_count; i++) {
        uint64_t part = gm_min_u64(chain->writable[i].iov_len, bytes);
        int error = gm_guest_mark(view, chain->writable_gpa[i], part);
        result = error != 0 ? error : result;
        bytes -= part;
    }
    return result;
}
