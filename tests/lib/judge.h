/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Which results the contract allows for a change, judged from the request and the model alone. A request can
 * be wrong in several ways at once and the contract does not rank them, hence a set.
 */
#ifndef GM_TESTS_LIB_JUDGE_H
#define GM_TESTS_LIB_JUDGE_H

#include "lib/world.h"

#define GMT_VERDICTS 20

struct gmt_verdict {
    int allowed[GMT_VERDICTS]; /* errors that apply; none: the result has to be 0 */
    unsigned errors;
    bool or_busy; /* -EBUSY is right too: the host range may wait for its reclaim */
};

struct gmt_verdict gmt_judge_add(const struct gmt_world *world, const struct gm_region_desc *desc,
                                 uint64_t backing_size);
struct gmt_verdict gmt_judge_remove(const struct gmt_world *world, gm_gpa gpa, uint64_t size);
struct gmt_verdict gmt_judge_resize(const struct gmt_world *world, gm_gpa gpa, uint64_t size);

bool gmt_verdict_allows(const struct gmt_verdict *verdict, int result);

#endif
