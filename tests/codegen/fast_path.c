/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Users of the inlined fast paths, one function each, compiled with optimisation and disassembled by
 * fast_path.py. Length and rights are constants because they are in nearly every caller: a field of a ring,
 * a descriptor.
 */
#include <guestmem/access.h>
#include <guestmem/translate.h>

void *use_direct(const struct gm_view *view, gm_gpa gpa);
void *use_translate(const struct gm_view *view, gm_gpa gpa);
uint64_t use_handle(struct gm_handle *handle, const struct gm_view *view);
int use_read(const struct gm_view *view, gm_gpa gpa, uint64_t *out);
int use_write(const struct gm_view *view, gm_gpa gpa, uint64_t value);

void *use_direct(const struct gm_view *view, gm_gpa gpa)
{
    return gm_translate_direct(view, gpa, 8, GM_READ);
}

void *use_translate(const struct gm_view *view, gm_gpa gpa)
{
    return gm_translate(view, gpa, 8, GM_READ);
}

uint64_t use_handle(struct gm_handle *handle, const struct gm_view *view)
{
    return *(const uint64_t *)gm_handle_get(handle, view);
}

int use_read(const struct gm_view *view, gm_gpa gpa, uint64_t *out)
{
    return gm_guest_read_u64(view, gpa, out);
}

int use_write(const struct gm_view *view, gm_gpa gpa, uint64_t value)
{
    return gm_guest_write_u64(view, gpa, value);
}
