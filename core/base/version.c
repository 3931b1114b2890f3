/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The version of the library as built, as opposed to the one that a caller was compiled against. */
#include "guestmem/api.h"

unsigned gm_version(void)
{
    return GM_VERSION;
}
