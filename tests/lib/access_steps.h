/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the files of the interpreter for accesses share. */
#ifndef GM_TESTS_LIB_ACCESS_STEPS_H
#define GM_TESTS_LIB_ACCESS_STEPS_H

#include "lib/access_ops.h"
#include "lib/access_world.h"
#include "lib/stream.h"

#define GMT_ACCESS_LEN_MOST ((UINT64_C(2) << 20) + 5000)

struct gmt_access_play {
    struct gmt_stream in;
    struct gmt_world *world;
    struct gmt_access_report *report;
    gm_gpa gpa;
    uint64_t len, draws;
    unsigned blocks; /* accesses of more than a block so far */
    uint8_t *bytes; /* of the caller, drawn: len of them, in room */
    uint8_t *room, *scratch;
};

void gmt_access_wrong(struct gmt_access_play *play, const char *what);
void gmt_access_require(struct gmt_access_play *play, bool holds, const char *what);
void gmt_access_ended(struct gmt_access_play *play, int error, uint64_t good);

/* One call each, of play->gpa and, but for integers, play->len. */
void gmt_access_step_read(struct gmt_access_play *play);
void gmt_access_step_write(struct gmt_access_play *play);
void gmt_access_step_fill(struct gmt_access_play *play);
void gmt_access_step_compare(struct gmt_access_play *play);
void gmt_access_step_copy(struct gmt_access_play *play, gm_gpa source);
void gmt_access_step_integer(struct gmt_access_play *play);
void gmt_access_step_atomic(struct gmt_access_play *play);
void gmt_access_step_switch(struct gmt_access_play *play);

#endif
