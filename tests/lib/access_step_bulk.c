/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Reads, writes, fills, compares and copies of the interpreter. */
#include <string.h>

#include "lib/access_steps.h"

#define UNTOUCHED 0xa5

/* Each byte is the one before it, and the first is right. At least one byte. */
static bool is_untouched(const uint8_t *bytes, uint64_t len)
{
    return bytes[0] == UNTOUCHED && memcmp(bytes, bytes + 1, len - 1) == 0;
}

void gmt_access_step_read(struct gmt_access_play *play)
{
    int want, got;
    uint64_t good = gmt_world_expect(play->gpa, play->len, GM_READ, &want);
    size_t done = 77;
    bool some = gmt_once_in(&play->in, 2);
    memset(play->bytes, UNTOUCHED, play->len + 8);
    if (some)
        got = gm_guest_read_some(play->world->view, play->gpa, play->bytes, play->len, &done);
    else
        got = gm_guest_read(play->world->view, play->gpa, play->bytes, play->len);
    if (some && good != 0)
        want = 0;
    gmt_access_require(play, got == want, "the result of a read");
    gmt_access_require(play, done == (some && want == 0 ? good : 77), "the count of a read");
    gmt_world_read(play->world, play->gpa, play->scratch, good);
    gmt_access_require(play, memcmp(play->scratch, play->bytes, good) == 0, "what was read");
    gmt_access_require(play, is_untouched(play->bytes + good, play->len + 8 - good), "the buffer behind what was read");
    gmt_access_ended(play, want, good);
}

void gmt_access_step_write(struct gmt_access_play *play)
{
    int want, got;
    uint64_t good = gmt_world_expect(play->gpa, play->len, GM_WRITE, &want);
    size_t done = 77;
    bool some = gmt_once_in(&play->in, 2);
    if (some)
        got = gm_guest_write_some(play->world->view, play->gpa, play->bytes, play->len, &done);
    else
        got = gm_guest_write(play->world->view, play->gpa, play->bytes, play->len);
    if (some && good != 0)
        want = 0;
    gmt_access_require(play, got == want, "the result of a write");
    gmt_access_require(play, done == (some && want == 0 ? good : 77), "the count of a write");
    gmt_world_write(play->world, play->gpa, play->bytes, good);
    gmt_access_require(play, gmt_world_same(play->world, play->gpa, good), "memory or marks after a write");
    gmt_access_ended(play, want, good);
}

void gmt_access_step_fill(struct gmt_access_play *play)
{
    int want;
    uint64_t good = gmt_world_expect(play->gpa, play->len, GM_WRITE, &want);
    uint8_t value = (uint8_t)gmt_take(&play->in, 1);
    int got = gm_guest_fill(play->world->view, play->gpa, value, play->len);
    gmt_access_require(play, got == want, "the result of a fill");
    memset(play->bytes, value, good);
    gmt_world_write(play->world, play->gpa, play->bytes, good);
    gmt_access_require(play, gmt_world_same(play->world, play->gpa, good), "memory or marks after a fill");
    gmt_access_ended(play, want, good);
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

void gmt_access_step_compare(struct gmt_access_play *play)
{
    int want, order = 77;
    uint64_t good = gmt_world_expect(play->gpa, play->len, GM_READ, &want);
    gmt_world_read(play->world, play->gpa, play->scratch, good);
    if (!gmt_once_in(&play->in, 4)) { /* equal but for one byte, if that is not behind the end */
        memcpy(play->bytes, play->scratch, good);
        uint64_t at = gmt_pick(&play->in, play->len + 1);
        play->bytes[at] ^= (uint8_t)gmt_take(&play->in, 1);
    }
    int differ = memcmp(play->scratch, play->bytes, good);
    int got = gm_guest_compare(play->world->view, play->gpa, play->bytes, play->len, &order);
    if (differ != 0)
        want = 0;
    gmt_access_require(play, got == want, "the result of a compare");
    gmt_access_require(play, want == 0 ? sign(order) == sign(differ) : order == 77, "the order of a compare");
    gmt_access_ended(play, want, good);
}

/* Two of the areas show the same host memory, and a copy from one to the other is not told to be right. */
static bool is_an_alias(gm_gpa gpa, uint64_t len)
{
    return gpa < 0xc000 && gpa + len > 0xb000;
}

void gmt_access_step_copy(struct gmt_access_play *play, gm_gpa source)
{
    int want, target_error;
    uint64_t good = gmt_world_expect(source, play->len, GM_READ, &want);
    (void)gmt_world_expect(play->gpa, play->len, GM_WRITE, &target_error);
    if (play->len > GM_UNITS_MOST && (is_an_alias(source, play->len) || is_an_alias(play->gpa, play->len)))
        return;
    if (want == 0)
        want = target_error;
    int got = gm_guest_copy(play->world->view, play->gpa, source, play->len);
    gmt_access_require(play, got == want, "the result of a copy");
    if (want == 0) {
        gmt_world_read(play->world, source, play->scratch, good);
        gmt_world_write(play->world, play->gpa, play->scratch, play->len);
    }
    gmt_access_require(play, gmt_world_same(play->world, play->gpa, want == 0 ? play->len : 0),
                       "memory or marks after a copy");
    gmt_access_ended(play, want, good);
}

void gmt_access_step_switch(struct gmt_access_play *play)
{
    struct gmt_world *world = play->world;
    if (gmt_once_in(&play->in, 3))
        world->on = !world->on;
    gmt_access_require(play, (world->on ? gm_dirty_enable(world->dirty) : gm_dirty_disable(world->dirty)) == 0,
                       "tracking could not be switched");
}
