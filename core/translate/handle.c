/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Handles: a translation remembered together with the generation of the view that it is from. */
#include <stddef.h>

#include "guestmem/translate.h"

void *gm_handle_refresh(struct gm_handle *handle, const struct gm_view *view)
{
    handle->address = handle->len != 0 ? gm_translate(view, handle->gpa, handle->len, handle->rights) : NULL;
    handle->generation = view->generation;
    return handle->address;
}

int gm_handle_init(struct gm_handle *handle, const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights)
{
    int result = gm_translate_why(view, gpa, len, rights);
    *handle = (struct gm_handle){0};
    if (result != 0)
        return result;
    handle->gpa = gpa;
    handle->len = len;
    handle->rights = rights;
    (void)gm_handle_refresh(handle, view);
    return 0;
}
