/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The question that gm_layout_allows answers, for those who have checked all but the place. */
#ifndef GM_SPACE_LAYOUT_H
#define GM_SPACE_LAYOUT_H

#include <stdbool.h>

#include "guestmem/layout.h"

/* layout is valid, kind known, first <= last. */
bool gm_layout_has_place(const struct gm_layout *layout, enum gm_kind kind, uint64_t first, uint64_t last);

#endif
