/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Where marks go that nobody wants: a bitmap that is off, and that nobody can switch on, so that marks need no case of
 * their own for it. */
#ifndef GM_DIRTY_UNTRACKED_H
#define GM_DIRTY_UNTRACKED_H

#include "guestmem/dirty.h"

extern struct gm_dirty gm_dirty_untracked;

#endif
