/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Arena torture: one thread takes, gives, moves and resizes ranges, others look them up without a lock. Every answer
 * has to be a state that existed: what a range may be follows from its user word, so that a mixture of two states is
 * noticed. What never changes is never missed, a range that moves is at its old or at its new place, and what the
 * writer wrote before it took or labelled a range is there for whoever finds that. The number of ranges swings, so that
 * array and tree turn into each other all the time.
 *
 *   usage: arena_torture [seed]
 *   GM_TORTURE_SECONDS   how long (default 30)
 *   exit code            0; 1 when something was wrong or nothing was done
 *
 * Under ThreadSanitizer a library built with -DGM_SEED_BUG=4 (a change that is published without release) has to be
 * reported; see seeded.sh.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guestmem/arena_query.h"
#include "lib/rand.h"
#include "lib/setting.h"

#define READERS 2
#define DEFAULT_SECONDS 30
#define LANES 512
#define LANE UINT64_C(0x10000) /* numbers; at most one range that comes and goes in each */
#define BASE (LANES * LANE)    /* behind them stand the pillars, and what is relocated among them */
#define PILLARS 8
#define NOTES (UINT32_C(1) << 22)
#define ERRORS_SHOWN 5

/*
 * The user word of a range in a lane: in the low half the number of a note that was written before it was given that
 * word, in the high half a draw, from which follow its two places and its two lengths.
 */
struct torture {
    struct gm_arena *arena;
    uint64_t *notes;
    uint64_t seed;
    bool stop;
    uint64_t errors;
    gm_range wanderer; /* moves by less than its length: MIDDLE is always in it */
    gm_range jumper;   /* moves over a pillar and back */
    gm_range handle[LANES];
};

struct reader {
    struct torture *torture;
    uint64_t seed, found, none, again, stale, sweeps, trees;
};

struct writer {
    struct torture *torture;
    uint64_t seed, notes, takes, gives, resizes, moves, labels, live, target;
};

#define PILLAR(i) (BASE + (i)*LANE)
#define WANDER_LENGTH 20
#define WANDER(place) (BASE + LANE / 2 + (place)*5)
#define MIDDLE (WANDER(1) + 5)
#define JUMP(place) (BASE + LANE + LANE / 2 + (place)*LANE)

static void error(struct torture *torture, const char *what, uint64_t number, const struct gm_range_info *info)
{
    if (__atomic_fetch_add(&torture->errors, 1, __ATOMIC_RELAXED) < ERRORS_SHOWN)
        fprintf(stderr,
                "ERROR: %s at %#" PRIx64 ": %#" PRIx64 "..%#" PRIx64 ", user %#" PRIx64 ", range %#" PRIx64
                ", owner %#x\n",
                what, number, info->first, info->last, info->user, info->range, info->owner);
}

static bool stopped(const struct torture *torture)
{
    return __atomic_load_n(&torture->stop, __ATOMIC_RELAXED);
}

static uint64_t place_of(uint64_t user, uint64_t lane, unsigned which)
{
    uint64_t draw = gmt_mix(user >> 32);
    return lane * LANE + (which == 0 ? draw % 1000 : 20000 + draw % 999);
}

static uint64_t length_of(uint64_t user, unsigned which)
{
    uint64_t draw = gmt_mix(user >> 32 ^ 77);
    return which == 0 ? 1 + draw % 5000 : 6000 + draw % 5000;
}

static uint32_t owner_of(uint64_t user, uint64_t lane)
{
    return (uint32_t)gmt_mix(user ^ lane);
}

/* ---- the writer ---- */

static void give_lane(struct writer *writer, uint64_t lane)
{
    struct torture *torture = writer->torture;
    struct gm_range_info info = {0};
    if (gm_arena_give(torture->arena, torture->handle[lane]) != 0)
        error(torture, "a give was refused", lane, &info);
    torture->handle[lane] = 0;
    writer->gives++;
    writer->live--;
}

/* The user word with this draw and a new note. One is written once: someone may still be reading it. */
static uint64_t user_with_note(struct writer *writer, uint64_t draw)
{
    uint64_t user = draw & ~UINT64_C(0xffffffff);
    if (writer->notes + 1 < NOTES) {
        user |= ++writer->notes;
        writer->torture->notes[writer->notes] = gmt_mix(user);
    }
    return user;
}

static void take_lane(struct writer *writer, uint64_t lane)
{
    struct torture *torture = writer->torture;
    uint64_t user = user_with_note(writer, gmt_rand(&writer->seed));
    struct gm_range_info info = {0};
    struct gm_request request = {.size = length_of(user, user >> 40 & 1), .user = user, .place = GM_PLACE_FIXED};
    request.owner = owner_of(user, lane);
    request.near = place_of(user, lane, user >> 41 & 1);
    if (gm_arena_take(torture->arena, &request, &info) != 0)
        error(torture, "a take was refused", request.near, &info);
    torture->handle[lane] = info.range;
    writer->takes++;
    writer->live++;
}

/* Nothing but the sequence count orders the note before the label. */
static int label(struct writer *writer, uint64_t lane, const struct gm_range_info *info)
{
    uint64_t user = user_with_note(writer, info->user);
    writer->labels++;
    return gm_arena_update(writer->torture->arena, info->range, owner_of(user, lane), user);
}

static void change_lane(struct writer *writer, uint64_t lane, uint64_t choice)
{
    struct torture *torture = writer->torture;
    struct gm_range_info info;
    int result = gm_arena_get(torture->arena, torture->handle[lane], &info);
    if (result == 0 && choice % 4 == 0) {
        result = label(writer, lane, &info);
    } else if (result == 0 && choice % 4 == 2) {
        result = gm_arena_resize(torture->arena, info.range, info.first + length_of(info.user, choice >> 8 & 1) - 1);
        writer->resizes++;
    } else if (result == 0) {
        result = gm_arena_relocate(torture->arena, info.range, place_of(info.user, lane, choice >> 8 & 1));
        writer->moves++;
    }
    if (result != 0)
        error(torture, "a change was refused", lane, &info);
}

static void change_pillars(struct writer *writer, uint64_t choice)
{
    struct torture *torture = writer->torture;
    struct gm_range_info info = {0};
    if (gm_arena_relocate(torture->arena, torture->wanderer, WANDER(choice % 3)) != 0 ||
        gm_arena_relocate(torture->arena, torture->jumper, JUMP(choice / 3 % 2)) != 0)
        error(torture, "a move was refused", choice, &info);
    writer->moves += 2;
}

static void *write_body(void *argument)
{
    struct writer *writer = argument;
    struct torture *torture = writer->torture;
    while (!stopped(torture)) {
        uint64_t choice = gmt_rand(&writer->seed);
        uint64_t lane = choice % LANES;
        bool taken = torture->handle[lane] != 0;
        choice >>= 16;
        if (choice % 4096 == 0)
            writer->target = gmt_rand_below(&writer->seed, 8) % 2 != 0 ? 20 : gmt_rand_below(&writer->seed, LANES);
        if (choice % 8 == 0)
            change_pillars(writer, choice >> 16);
        else if (taken && (choice % 8 < 4 || writer->live < writer->target))
            change_lane(writer, lane, choice >> 16);
        else if (taken)
            give_lane(writer, lane);
        else if (writer->live < writer->target)
            take_lane(writer, lane);
        if ((choice >> 40) % 64 == 0)
            usleep(20); /* some peace, so that lookups get through, and some of them in the middle */
    }
    return NULL;
}

/* ---- the readers ---- */

static void judge_lane(struct torture *torture, uint64_t number, const struct gm_range_info *info)
{
    uint64_t lane = info->first / LANE;
    uint64_t length = info->last - info->first + 1;
    bool good = info->flags == 0 && info->owner == owner_of(info->user, lane) && info->range != 0 &&
                (info->first == place_of(info->user, lane, 0) || info->first == place_of(info->user, lane, 1)) &&
                (length == length_of(info->user, 0) || length == length_of(info->user, 1));
    if (!good)
        error(torture, "a range that never was", number, info);
    else if ((uint32_t)info->user != 0 && torture->notes[(uint32_t)info->user] != gmt_mix(info->user))
        error(torture, "what was written before the take is not there", number, info);
}

/* False: changes came between too often. */
static bool judge(struct reader *reader, int result, uint64_t number, const struct gm_range_info *info)
{
    reader->again += result == -EAGAIN;
    reader->none += result == -ENOENT;
    reader->stale += result == -ESTALE;
    if (result == 0 && info->first < BASE)
        judge_lane(reader->torture, number, info);
    if (result != 0 && result != -EAGAIN && result != -ENOENT && result != -ESTALE)
        error(reader->torture, "an unknown error", number, info);
    reader->found += result == 0;
    return result != -EAGAIN;
}

static void look_at_lane(struct reader *reader, uint64_t choice)
{
    const struct gm_arena *arena = reader->torture->arena;
    uint64_t number = choice % BASE;
    struct gm_range_info info = {0}, same = {0};
    int result = gm_arena_find(arena, number, &info);
    if (judge(reader, result, number, &info) && result == 0) {
        if (number < info.first || number > info.last)
            error(reader->torture, "found where it is not", number, &info);
        if (judge(reader, gm_arena_get(arena, info.range, &same), number, &same) && same.range != 0 &&
            (same.range != info.range || (same.user ^ info.user) >> 32 != 0)) /* it may have another note */
            error(reader->torture, "a handle is another range", number, &same);
    }
    result = gm_arena_next(arena, number, &info);
    if (judge(reader, result, number, &info) && (result != 0 || info.last < number))
        error(reader->torture, "next went backwards, or missed the pillars", number, &info);
}

static void look_at_movers(struct reader *reader)
{
    struct torture *torture = reader->torture;
    struct gm_range_info info = {0};
    int result = gm_arena_find(torture->arena, MIDDLE, &info);
    bool good = result == 0 && info.range == torture->wanderer && info.last - info.first == WANDER_LENGTH - 1 &&
                (info.first == WANDER(0) || info.first == WANDER(1) || info.first == WANDER(2));
    if (judge(reader, result, MIDDLE, &info) && !good)
        error(torture, "what moves over itself was neither here nor there", MIDDLE, &info);
    result = gm_arena_get(torture->arena, torture->jumper, &info);
    good = result == 0 && (info.first == JUMP(0) || info.first == JUMP(1)) && info.last == info.first;
    if (judge(reader, result, JUMP(0), &info) && !good)
        error(torture, "what jumps was in the air", JUMP(0), &info);
    result = gm_arena_next(torture->arena, JUMP(0), &info); /* it, or the pillar behind */
    good = result == 0 && (info.first == JUMP(0) || info.first == PILLAR(2));
    if (judge(reader, result, JUMP(0), &info) && !good)
        error(torture, "a pillar was missed", JUMP(0), &info);
}

/* All in order: what does not change is seen once. */
static void look_at_all(struct reader *reader)
{
    struct torture *torture = reader->torture;
    struct gm_range_info info = {0};
    unsigned pillars = 0;
    for (uint64_t number = 0; number <= PILLAR(PILLARS - 1); number = info.last + 1) {
        int result = gm_arena_next(torture->arena, number, &info);
        if (!judge(reader, result, number, &info))
            return;
        if (result != 0 || info.last < number) {
            error(torture, "a walk went astray", number, &info);
            return;
        }
        pillars += info.first >= BASE && info.first % LANE == 0;
    }
    if (pillars != PILLARS)
        error(torture, "a walk saw another number of pillars", pillars, &info);
    reader->sweeps++;
}

static void *read_body(void *argument)
{
    struct reader *reader = argument;
    while (!stopped(reader->torture)) {
        uint64_t choice = gmt_rand(&reader->seed);
        if (choice % 64 == 0)
            look_at_all(reader);
        else if (choice % 4 == 0)
            look_at_movers(reader);
        else
            look_at_lane(reader, choice >> 8);
    }
    return NULL;
}

/* ---- all together ---- */

static int build(struct torture *torture)
{
    const struct gm_arena_config config = {.last = UINT64_MAX, .numa_node = -1};
    int result = gm_arena_create(&config, &torture->arena);
    for (uint64_t i = 0; i < PILLARS && result == 0; i++)
        result = gm_arena_reserve(torture->arena, PILLAR(i), PILLAR(i) + 9, 0, i, NULL);
    if (result == 0)
        result = gm_arena_reserve(torture->arena, WANDER(0), WANDER(0) + WANDER_LENGTH - 1, 0, 0, &torture->wanderer);
    if (result == 0)
        result = gm_arena_reserve(torture->arena, JUMP(0), JUMP(0), 0, 0, &torture->jumper);
    torture->notes = calloc(NOTES, sizeof(*torture->notes));
    return torture->notes == NULL ? -ENOMEM : result;
}

static void run(struct torture *torture, unsigned seconds, struct writer *writer, struct reader *readers)
{
    pthread_t threads[READERS + 1];
    int result = pthread_create(&threads[READERS], NULL, write_body, writer);
    for (unsigned i = 0; i < READERS && result == 0; i++)
        result = pthread_create(&threads[i], NULL, read_body, &readers[i]);
    if (result != 0) {
        fprintf(stderr, "arena_torture: no thread: %d\n", result);
        exit(1);
    }
    for (unsigned i = 0; i < seconds * 10 && __atomic_load_n(&torture->errors, __ATOMIC_RELAXED) == 0; i++)
        usleep(100000);
    __atomic_store_n(&torture->stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i <= READERS; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    static struct torture torture;
    const unsigned seconds = (unsigned)torture_seconds(DEFAULT_SECONDS);
    struct reader readers[READERS] = {{.torture = &torture}, {.torture = &torture}};
    struct writer writer = {.torture = &torture, .target = 20};
    torture.seed = setting(argc, argv, 1, NULL, 1);
    if (seconds == 0 || build(&torture) != 0) {
        fprintf(stderr, "arena_torture: cannot start\n");
        return 1;
    }
    writer.seed = torture.seed;
    for (unsigned i = 0; i < READERS; i++)
        readers[i].seed = torture.seed ^ (1000 + i);
    run(&torture, seconds, &writer, readers);
    bool idle = writer.takes == 0 || writer.gives == 0 || writer.moves == 0 || writer.resizes == 0 ||
                writer.labels == 0;
    printf("seed %" PRIu64 ": %" PRIu64 " takes, %" PRIu64 " gives, %" PRIu64 " resizes, %" PRIu64
           " moves, %" PRIu64 " labels\n",
           torture.seed, writer.takes, writer.gives, writer.resizes, writer.moves,
           writer.labels);
    for (unsigned i = 0; i < READERS; i++) {
        struct reader *reader = &readers[i];
        printf("  %" PRIu64 " found, %" PRIu64 " not there, %" PRIu64 " stale, %" PRIu64 " walks, %" PRIu64
               " gave up\n",
               reader->found, reader->none, reader->stale, reader->sweeps, reader->again);
        idle = idle || reader->found == 0 || reader->none == 0 || reader->sweeps == 0;
    }
    if (idle)
        fprintf(stderr, "arena_torture: a thread did nothing\n");
    gm_arena_destroy(torture.arena);
    free(torture.notes);
    return torture.errors != 0 || idle ? 1 : 0;
}
