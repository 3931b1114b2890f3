/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * For tests of a virtqueue between two threads: what driver and device share, whichever kind of ring it is. Elements
 * carry numbers, written plainly: one that is lost, doubled or out of order is seen by the other side, and one that is
 * read before it was written by ThreadSanitizer.
 */
#ifndef GM_TESTS_LIB_VQ_SIDES_H
#define GM_TESTS_LIB_VQ_SIDES_H

#include <guestmem/guestmem.h>

#include "base/tsan.h"
#include "lib/two_sides.h"
#include "lib/vq_world.h"

#define DEFAULT_SECONDS 10
#define DATA (GMT_VQ_BIG + 0x3000) /* buffers; the queue's own memory is below, from GMT_VQ_BIG on */
#define BUFFER 64                  /* [bytes] of each */

/* A driver is written with fences; what ThreadSanitizer has to see is ordered by loads and stores. */
#if GM_TSAN && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

struct room {
    struct sides sides;
    struct gmt_vq_world world;
    uint64_t done;  /* elements that drivers got back, of all rounds */
    bool event_idx; /* in this round */
};

static inline bool over(const struct room *room)
{
    return sides_over(&room->sides);
}

static inline void wrong(struct room *room, const char *what, uint64_t value)
{
    sides_wrong(&room->sides, what, value);
}

/* Guest memory as the driver sees it. */
static inline void *room_at(const struct room *room, gm_gpa gpa)
{
    return gmt_vq_host(&room->world, gpa);
}

static inline uint64_t *buffer(const struct room *room, unsigned id)
{
    return room_at(room, DATA + (uint64_t)id * BUFFER);
}

/* One round: [first, DATA) is zeroed, and both sides run until the driver has all elements back, or something is
 * wrong. back: where it counts them. */
static inline void room_round(struct room *room, gm_gpa first, uint64_t elements, const uint64_t *back,
                              void *(*drive)(void *), void *driver, void *(*serve)(void *), void *device)
{
    for (gm_gpa at = first; at < DATA; at += 8)
        gmt_vq_poke(&room->world, at, 0, 8);
    sides_run(&room->sides, drive, driver, serve, device);
    room->done += *back;
    if (*back != elements && room->sides.lost + room->sides.wrong == 0)
        wrong(room, "elements came back, and not all", *back);
}

/* The body of main: rounds until the time is over, two at least; of four one is without event indices. */
static inline int room_main(int argc, char **argv, void (*round_of)(struct room *room, uint64_t seed))
{
    static struct room room;
    const time_t deadline = sides_deadline(DEFAULT_SECONDS);
    const uint64_t seed = setting(argc, argv, 1, NULL, 1);
    uint64_t rounds = 0;
    if (gm_reader_register() != 0 || gmt_vq_world_open(&room.world) != 0) {
        fprintf(stderr, "%s: cannot start\n", argv[0]);
        return 1;
    }
    for (; (rounds < 2 || time(NULL) < deadline) && room.sides.lost + room.sides.wrong == 0; rounds++) {
        room.event_idx = (seed * 1000 + rounds) % 4 != 0;
        round_of(&room, seed * 1000 + rounds);
    }
    const int closed = gmt_vq_world_close(&room.world);
    (void)gm_reader_unregister();
    return sides_report(&room.sides, rounds, room.done) | (closed != 0);
}

#endif
