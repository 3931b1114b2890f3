/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The guest spaces that the random tests are played in. Each crowds its operations around what the
 * translation table treats specially, since addresses drawn from 2^52 would never meet.
 */
#ifndef GM_TESTS_LIB_LAYOUTS_H
#define GM_TESTS_LIB_LAYOUTS_H

#include "lib/model.h"

struct gmt_profile {
    const char *name;
    struct gmt_layout layout;
    uint64_t backing_size; /* [bytes] of each backing; consecutive backings are host-contiguous */
    unsigned backings;
    uint64_t linear_size; /* > 0: a linear space */
    unsigned target_max;  /* regions that adding and removing settle at, at most */
    unsigned size_max;    /* [cells] of a region, usually */
};

#define GMT_PROFILES 6

extern const struct gmt_profile gmt_profiles[GMT_PROFILES];

#endif
