/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Copies that survive missing memory. A fault says which page is missing and not what memcpy did before; so memory is
 * copied page by page, and what stands in the job when the function is left counts whole pages.
 */
#include <errno.h>
#include <stddef.h>

#include "access/access.h"
#include "access/recover/recover.h"
#include "base/math.h"
#include "guestmem/access_bulk.h"
#include "guestmem/mark.h"
#include "guestmem/recover.h"
#include "guestmem/slice.h"
#include "guestmem/translate.h"

struct job {
    uint8_t *guest;
    uint8_t *local;
    uint64_t len;
    uint64_t moved;
    uint64_t touched;
    bool to_guest;
};

static int run(void *argument)
{
    struct job *job = argument;
    while (job->moved < job->len) {
        uint8_t *guest = job->guest + job->moved;
        uint8_t *local = job->local + job->moved;
        uint64_t page = GM_PAGE_SIZE - ((uintptr_t)guest & (GM_PAGE_SIZE - 1));
        uint64_t len = gm_min_u64(page, job->len - job->moved);
        job->touched = job->moved + len;
        gm_recover_fence(); /* whoever comes after a fault sees what was noted before it */
        if (job->to_guest)
            gm_piece_write(guest, local, len);
        else
            gm_piece_read(local, guest, len);
        gm_recover_fence();
        job->moved = job->touched;
    }
    return 0;
}

int gm_recover_copy(void *guest, void *local, uint64_t len, bool to_guest, uint64_t *moved, uint64_t *touched)
{
    struct job job = {.guest = guest, .local = local, .len = len, .to_guest = to_guest};
    int error = gm_recover_call(run, &job, guest, len, NULL);
    gm_recover_fence();
    *moved = job.moved;
    *touched = job.touched;
    return error;
}

/* What is contiguous in host memory: its marks are made whatever becomes of it. */
static int copy_piece(const struct gm_view *view, gm_gpa gpa, void *guest, uint8_t *local, uint64_t len, bool to_guest,
                      uint64_t *done)
{
    uint64_t moved = 0;
    uint64_t touched = 0;
    int error = gm_recover_copy(guest, local + *done, len, to_guest, &moved, &touched);
    if (to_guest)
        (void)gm_guest_mark(view, gpa + *done, touched); /* what it misses, it counts */
    *done += moved;
    return error;
}

static int copy_pieces(const struct gm_view *view, gm_gpa gpa, uint8_t *local, uint64_t len, bool to_guest,
                       uint64_t *done)
{
    const unsigned right = to_guest ? GM_WRITE : GM_READ;
    int error = gm_access_check(view, gpa, len, right);
    while (error == 0 && *done < len) { /* each turn is one piece of the map */
        struct gm_access_piece piece;
        error = gm_access_next(view, gpa + *done, gpa + (len - 1), right, &piece);
        if (error == 0)
            error = copy_piece(view, gpa, piece.host, local, piece.len, to_guest, done);
    }
    return error;
}

static int copy_all(const struct gm_view *view, gm_gpa gpa, uint8_t *local, uint64_t len, bool to_guest,
                    uint64_t *done)
{
    if (done == NULL)
        return -EINVAL;
    *done = 0;
    if (len == 0)
        return 0;
    if (!gm_recover_is_installed())
        return -EPERM;
    void *whole = gm_translate(view, gpa, len, to_guest ? GM_WRITE : GM_READ);
    if (whole == NULL)
        return copy_pieces(view, gpa, local, len, to_guest, done);
    return copy_piece(view, gpa, whole, local, len, to_guest, done);
}

int gm_guest_read_safe(const struct gm_view *view, gm_gpa gpa, void *to, uint64_t len, uint64_t *done)
{
    return copy_all(view, gpa, to, len, false, done);
}

int gm_guest_write_safe(const struct gm_view *view, gm_gpa gpa, const void *from, uint64_t len, uint64_t *done)
{
    return copy_all(view, gpa, (uint8_t *)(uintptr_t)from, len, true, done);
}

static int copy_slice(const struct gm_slice *slice, uint64_t offset, void *local, uint64_t len, bool to_guest,
                      uint64_t *done)
{
    uint64_t touched = 0;
    if (done == NULL)
        return -EINVAL;
    *done = 0;
    int error = gm_slice_check(slice, offset, len, to_guest ? GM_WRITE : GM_READ);
    if (error != 0 || len == 0)
        return error;
    error = gm_recover_copy(gm_slice_at(slice, offset), local, len, to_guest, done, &touched);
    if (to_guest)
        (void)gm_slice_mark(slice, offset, touched);
    return error;
}

int gm_slice_read_safe(const struct gm_slice *slice, uint64_t offset, void *to, uint64_t len, uint64_t *done)
{
    return copy_slice(slice, offset, to, len, false, done);
}

int gm_slice_write_safe(const struct gm_slice *slice, uint64_t offset, const void *from, uint64_t len, uint64_t *done)
{
    return copy_slice(slice, offset, (void *)(uintptr_t)from, len, true, done);
}
