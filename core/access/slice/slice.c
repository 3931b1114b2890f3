/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Making slices: what is checked here once is what every access by offset relies on. */
#include "guestmem/slice.h"

#include <stdbool.h>

#include "base/math.h"
#include "dirty/untracked.h"
#include "guestmem/access_fd.h"
#include "guestmem/translate.h"

#define BATCH 16 /* iovecs at a time */

_Static_assert(offsetof(struct gm_slice, iov) == 0, "a slice begins as an iovec");

static struct gm_slice make(void *address, uint64_t len, gm_gpa gpa, struct gm_dirty *dirty, unsigned rights)
{
    return (struct gm_slice){
        .iov = {.iov_base = address, .iov_len = len}, .gpa = gpa, .dirty = dirty, .rights = rights & GM_RW};
}

static int init_empty(const struct gm_view *view, gm_gpa gpa, unsigned rights, struct gm_slice *out)
{
    struct gm_span span;
    int error = gm_translate_span(view, gpa, &span);
    if (error != 0)
        return error;
    if ((rights & GM_RW & ~span.rights) != 0)
        return -EACCES;
    *out = make(span.address, 0, gpa, view->dirty, rights);
    return 0;
}

int gm_slice_init(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights, struct gm_slice *out)
{
    if (len == 0)
        return init_empty(view, gpa, rights, out);
    void *address = gm_translate(view, gpa, len, rights);
    if (address == NULL)
        return gm_translate_why(view, gpa, len, rights);
    *out = make(address, len, gpa, view->dirty, rights);
    return 0;
}

/* How many pieces there are; or, with slices, make them. Room is for all of them by then. */
static int list(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights, struct gm_slice *slices,
                unsigned room)
{
    unsigned count = 0;
    for (uint64_t done = 0; done < len;) {
        struct iovec iov[BATCH];
        uint64_t covered;
        int pieces = gm_guest_iov(view, gpa + done, len - done, rights, iov, BATCH, &covered);
        if (pieces < 0)
            return pieces;
        if (count + (unsigned)pieces > room)
            return -ENOBUFS;
        for (int i = 0; slices != NULL && i < pieces; i++) {
            slices[count + (unsigned)i] = make(iov[i].iov_base, iov[i].iov_len, gpa + done, view->dirty, rights);
            done += iov[i].iov_len;
        }
        done += slices == NULL ? covered : 0;
        count += (unsigned)pieces;
    }
    return (int)count;
}

int gm_slice_list(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights, struct gm_slice *slices,
                  unsigned room)
{
    uint64_t last;
    if (len == 0 || slices == NULL || room == 0)
        return -EINVAL;
    if (!gm_range_last(gpa, len, &last))
        return -EOVERFLOW;
    unsigned limit = room < GM_IOV_LIMIT ? room : GM_IOV_LIMIT;
    int count = list(view, gpa, len, rights, NULL, limit);
    return count < 0 ? count : list(view, gpa, len, rights, slices, limit);
}

int gm_slice_wrap(void *address, uint64_t len, gm_gpa gpa, struct gm_dirty *dirty, unsigned rights,
                  struct gm_slice *out)
{
    uint64_t last;
    if ((address == NULL && len != 0) || (rights & ~(unsigned)GM_RW) != 0)
        return -EINVAL;
    if (len != 0 && (!gm_range_last((uintptr_t)address, len, &last) || !gm_range_last(gpa, len, &last)))
        return -EOVERFLOW;
    *out = make(address, len, gpa, dirty != NULL ? dirty : &gm_dirty_untracked, rights);
    return 0;
}

int gm_slices_iov(const struct gm_slice *slices, unsigned count, unsigned rights, struct iovec *iov)
{
    if (slices == NULL || iov == NULL)
        return -EINVAL;
    if (count > GM_IOV_LIMIT)
        return -ENOBUFS;
    for (unsigned i = 0; i < count; i++) {
        if ((rights & ~slices[i].rights) != 0)
            return -EACCES;
    }
    for (unsigned i = 0; i < count; i++)
        iov[i] = slices[i].iov;
    return (int)count;
}

int gm_slices_mark(const struct gm_slice *slices, unsigned count, uint64_t len)
{
    int result = 0;
    if (slices == NULL)
        return -EINVAL;
    for (unsigned i = 0; i < count && len != 0; i++) {
        uint64_t part = gm_min_u64(len, slices[i].iov.iov_len);
        int error = gm_dirty_mark(slices[i].dirty, slices[i].gpa, part);
        result = error != 0 ? error : result;
        len -= part;
    }
    return result;
}
