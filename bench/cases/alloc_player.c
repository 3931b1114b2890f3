/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Replays a load, from where the repetition before has stopped. A load that leaves the arena as it was is begun again
 * at its end; for any other the arena is made anew, and that is not timed. Every stretch is checked: the addresses add
 * up to what the load says they do.
 */
#include "alloc.h"

#include <errno.h>
#include <stdlib.h>

#define PLAYED_BEFORE 32 /* units: who makes an index when an alignment first comes has made it */

static int is_floor(const struct bench_player *player)
{
    return player->arena->create == NULL;
}

static void *create(const struct bench_player *player)
{
    const struct bench_load *load = player->load;

    return is_floor(player) ? bench_floor_create(load) : player->arena->create(load->base, load->size);
}

/* As before the first unit. */
static int reset(struct bench_player *player)
{
    if (player->self != NULL)
        player->arena->destroy(player->self);
    player->cursor = 0;
    bench_load_slots(player->load, player->slots);
    player->self = create(player);
    if (player->self == NULL)
        return -ENOMEM;
    if (is_floor(player))
        return 0;
    int result = player->arena->place(player->self, player->load->placed, player->load->placed_count);
    if (result == 0 && player->arena == bench_arena_ours())
        bench_arena_ours_slots(player->self, player->slots);
    return result;
}

/* Before a repetition, so that few have to begin again in their midst. */
static int start(void *fixture)
{
    struct bench_player *player = fixture;

    return player->load->neutral || player->cursor <= player->load->units / 2 ? 0 : reset(player);
}

static int play(struct bench_player *player, size_t from, size_t count)
{
    const struct bench_load *load = player->load;
    struct bench_answer answer;

    player->arena->replay(player->self, load->requests, load->ops + from * load->per_unit, count * load->per_unit,
                          player->slots, &answer);
    return bench_load_right(load, from, count, &answer) ? 0 : -EILSEQ;
}

static void whole(struct bench_run *run)
{
    struct bench_player *player = run->fixture;
    size_t units = player->load->units;

    for (uint64_t left = run->iters; left > 0 && !run->wrong;) {
        size_t count = left < units - player->cursor ? (size_t)left : units - player->cursor;
        run->wrong |= play(player, player->cursor, count) != 0;
        player->cursor = (player->cursor + count) % units;
        left -= count;
        if (player->cursor == 0 && !player->load->neutral) {
            uint64_t begin = bench_now_ns();
            run->wrong |= reset(player) != 0;
            run->excluded_ns += bench_now_ns() - begin;
        }
    }
}

/* Pages one above the other up to this depth, as the load would have put them. */
static int fill_to(struct bench_player *player, size_t depth)
{
    int result = 0;

    for (; player->cursor < depth && result == 0; player->cursor++) {
        const struct bench_extent page = {player->load->answers[player->cursor], BENCH_PAGE};
        result = player->arena->place(player->self, &page, 1);
    }
    return result;
}

static void sampled(struct bench_run *run)
{
    struct bench_player *player = run->fixture;

    for (uint64_t left = run->iters; left > 0; left -= BENCH_DEPTHS * BENCH_AT_DEPTH) {
        uint64_t begin = bench_now_ns();
        run->wrong |= reset(player) != 0;
        for (size_t i = 0; i < BENCH_DEPTHS; i++) {
            run->wrong |= fill_to(player, player->load->n * (2 * i + 1) / (2 * BENCH_DEPTHS)) != 0;
            run->excluded_ns += bench_now_ns() - begin;
            run->wrong |= play(player, player->cursor, BENCH_AT_DEPTH) != 0;
            player->cursor += BENCH_AT_DEPTH;
            begin = bench_now_ns();
        }
        run->excluded_ns += bench_now_ns() - begin;
    }
}

int bench_player_suits(const struct bench_arena *arena, const struct bench_load *load)
{
    return bench_load_suits(load, arena) && load->n <= arena->live;
}

/* Filling is counted as a whole, since an allocation is the dearer the later it comes. */
static uint64_t granule_of(const struct bench_player *player)
{
    const struct bench_load *load = player->load;

    if (player->sampled)
        return BENCH_DEPTHS * BENCH_AT_DEPTH;
    if (load->kind == BENCH_LOAD_CLASSES)
        return load->request_count; /* some of them cost more than others */
    return load->kind == BENCH_LOAD_BUMP && load->units <= 65536 ? load->units : 1;
}

static int add(struct bench_players *players, struct bench_members *members, const char *name,
               const struct bench_arena *arena)
{
    const struct bench_load *load = players->load;
    struct bench_player *player = &players->list[players->count];
    struct bench_member *member;
    int result;

    if (players->count == BENCH_MAX_PLAYERS)
        return -ENOBUFS;
    players->count++;
    *player = (struct bench_player){.arena = arena, .load = load};
    player->sampled = load->kind == BENCH_LOAD_BUMP && load->n > arena->fill;
    player->slots = calloc(load->slots, sizeof(*player->slots));
    result = player->slots != NULL ? reset(player) : -ENOMEM;
    if (result == 0 && load->neutral && !is_floor(player))
        result = play(player, 0, load->request_count < PLAYED_BEFORE ? load->request_count : PLAYED_BEFORE);
    if (result != 0)
        return result;
    member = bench_member_add(members, name, player->sampled ? sampled : whole, player, granule_of(player));
    if (member == NULL)
        return -ENOBUFS;
    member->start = player->sampled ? NULL : start;
    member->peer = (int)arena->peer;
    return 0;
}

int bench_players_add(struct bench_players *players, struct bench_members *members)
{
    const struct bench_load *load = players->load;
    const struct bench_arena *ours = bench_arena_ours();
    int one_gap = load->kind == BENCH_LOAD_BUMP || load->kind == BENCH_LOAD_PACKED ||
                  load->kind == BENCH_LOAD_PACKED_HIGHEST;
    int result = add(players, members, BENCH_FLOOR, one_gap ? &bench_arena_floor_bump : &bench_arena_floor_search);

    if (ours != NULL && result == 0)
        result = add(players, members, BENCH_OURS, ours);
    for (const struct bench_arena *const *rival = bench_arena_rivals; *rival != NULL && result == 0; rival++)
        if (bench_player_suits(*rival, load))
            result = add(players, members, (*rival)->name, *rival);
    for (const struct bench_arena *peer = bench_arena_peers(); peer->name != NULL && result == 0; peer++)
        if (bench_player_suits(peer, load))
            result = add(players, members, peer->name, peer);
    return result;
}

void bench_players_free(struct bench_players *players)
{
    for (size_t i = 0; i < players->count; i++) {
        struct bench_player *player = &players->list[i];
        if (player->self != NULL)
            player->arena->destroy(player->self);
        free(player->slots);
    }
    bench_load_free(players->load);
    free(players);
}
