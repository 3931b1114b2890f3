/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The map's own proof reader, for tests, fuzzers and debug builds. */
#ifndef GM_MAP_CHECK_H
#define GM_MAP_CHECK_H

#include "guestmem/view.h"

/*
 * Does the leaf table say of every page what the region set says, and is every node well formed?
 * Returns 0, or -EUCLEAN with *why (a constant string) set.
 * Context: holder of the view.   Cost: O(GiBs + blocks that have a table of their own + regions).
 */
int gm_map_check(const struct gm_view *view, const char **why);

#endif
