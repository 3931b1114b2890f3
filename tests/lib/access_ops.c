/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The calls of the interpreter, each beside what the model makes of it. */
#include "lib/access_ops.h"

#include <string.h>

#include "lib/access_steps.h"
#include "lib/rand.h"

#define LEN_MOST GMT_ACCESS_LEN_MOST

/* A region's edge and some bytes around it, or any number at all. */
static gm_gpa pick_address(struct gmt_access_play *play)
{
    const struct gmt_area *area = &gmt_areas[gmt_pick(&play->in, GMT_WORLD_AREAS)];
    switch (gmt_pick(&play->in, 6)) {
    case 0: return area->gpa + gmt_pick(&play->in, 16);
    case 1: return area->gpa + area->size - gmt_pick(&play->in, 100);
    case 2: return area->gpa - gmt_pick(&play->in, 100);
    case 3: return gmt_pick(&play->in, 40) == 0 ? gmt_take(&play->in, 8) : area->gpa + gmt_pick(&play->in, 0x3000);
    case 4: return UINT64_MAX - gmt_pick(&play->in, 20);
    default: return (area->gpa + gmt_pick(&play->in, area->size)) & ~UINT64_C(7);
    }
}

static uint64_t pick_len(struct gmt_access_play *play)
{
    switch (gmt_pick(&play->in, 8)) {
    case 0: return 0;
    case 1:
    case 2: return UINT64_C(1) << gmt_pick(&play->in, 8);
    case 3:
    case 4: return gmt_pick(&play->in, 80);
    case 5: return gmt_pick(&play->in, 600);
    case 6: /* once: they take as long as a thousand others */
        return gmt_pick(&play->in, 64) == 0 && play->blocks++ == 0 ? LEN_MOST - gmt_pick(&play->in, 600)
                                                                   : gmt_pick(&play->in, 80);
    default: return gmt_pick(&play->in, 8) == 0 ? gmt_pick(&play->in, 9000) : gmt_pick(&play->in, 200);
    }
}

void gmt_access_wrong(struct gmt_access_play *play, const char *what)
{
    if (play->report->wrong == NULL)
        play->report->wrong = what;
}

void gmt_access_require(struct gmt_access_play *play, bool holds, const char *what)
{
    if (!holds)
        gmt_access_wrong(play, what);
}

/* How an access ended, of `good` bytes that could be accessed. */
void gmt_access_ended(struct gmt_access_play *play, int error, uint64_t good)
{
    if (error == 0)
        play->report->whole++;
    else if (good != 0)
        play->report->partial++;
    else
        play->report->refused++;
}

/* Bytes that differ from one call to the next, at any alignment. */
static void draw_bytes(struct gmt_access_play *play)
{
    uint64_t seed = gmt_take(&play->in, 2) | ++play->draws << 16;
    play->bytes = play->room + gmt_pick(&play->in, 16);
    for (uint64_t i = 0; i < play->len; i += 8) {
        uint64_t word = gmt_mix(seed + i);
        memcpy(play->bytes + i, &word, 8);
    }
}

static void step(struct gmt_access_play *play)
{
    unsigned what = (unsigned)gmt_pick(&play->in, 16);
    play->gpa = pick_address(play);
    play->len = pick_len(play);
    draw_bytes(play);
    switch (what) {
    case 0:
    case 1: gmt_access_step_read(play); break;
    case 2:
    case 3:
    case 4: gmt_access_step_write(play); break;
    case 5: gmt_access_step_fill(play); break;
    case 6: gmt_access_step_compare(play); break;
    case 7:
    case 8: gmt_access_step_copy(play, pick_address(play)); break;
    case 9: gmt_access_step_copy(play, play->gpa + gmt_pick(&play->in, 200) - 100); break;
    case 10:
    case 11: gmt_access_step_integer(play); break;
    case 12:
    case 13:
    case 14: gmt_access_step_atomic(play); break;
    default: gmt_access_step_switch(play); break;
    }
}

void gmt_access_ops_run(struct gmt_world *world, const uint8_t *bytes, size_t len, struct gmt_access_report *report)
{
    struct gmt_access_play play = {.in = {.bytes = bytes, .len = len}, .world = world, .report = report};
    memset(report, 0, sizeof(*report));
    static uint8_t room[LEN_MOST + 64], scratch[LEN_MOST + 64]; /* so long that runs would be about their allocation */
    play.room = room;
    play.scratch = scratch;
    gmt_world_reset(world);
    while (!gmt_stream_done(&play.in) && report->wrong == NULL) {
        step(&play);
        report->ops++;
    }
    gmt_access_require(&play, report->wrong != NULL || gmt_world_same_all(world), "what the guest holds at last");
}
