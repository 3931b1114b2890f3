/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The scan kernel that GM_ISA names, or a skip where it cannot run: the library would go on with another one. */
#ifndef GM_TESTS_LIB_DIRTY_ISA_H
#define GM_TESTS_LIB_DIRTY_ISA_H

#include <errno.h>
#include <guestmem/guestmem.h>
#include <string.h>

#include "lib/skip.h"

static inline void gmt_need_isa(void)
{
    const char *isa = getenv("GM_ISA");
    int error = isa != NULL ? gm_isa_select(isa) : 0;
    if (error == -ENOTSUP)
        gmt_skip("this build or CPU has no such scan kernel (GM_ISA)");
    if (error == 0 && (isa == NULL || strcmp(gm_isa_name(), isa) == 0))
        return;
    fprintf(stderr, "gm_isa_select(%s): %d, now %s\n", isa, error, gm_isa_name());
    exit(1);
}

#endif
