/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Everything that the public interface says about a view, as text. Two texts that are equal mean that no
 * caller can tell the two states apart, which is what "unchanged after an error" has to mean; text, because a
 * difference can then simply be printed.
 */
#ifndef GM_TESTS_LIB_DUMP_H
#define GM_TESTS_LIB_DUMP_H

#include <guestmem/guestmem.h>

/* Caller frees. NULL when memory or a pin is not to be had. */
char *gmt_dump_view(const struct gm_view *view);

/* The same of the current view; the calling thread must be a registered reader. */
char *gmt_dump_space(const struct gm_space *space);

#endif
