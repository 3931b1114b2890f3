/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * That whoever is compared for dirty tracking marks the pages that it is told, those and no others, and that a harvest
 * has all of them once. Floors too, as far as they mark. What is right is a byte for each page.
 */
#include "checks.h"

#include "../cases/dirty.h"

#include <stdlib.h>
#include <string.h>

#define PAGES 1000 /* neither whole words nor whole vectors */
#define SCAN_PAGES 5000 /* more than the widest step of a scan, and a rest */
#define MARKS 40
#define ROUNDS 50

struct truth {
    char dirty[PAGES];
    uint64_t count;
};

static void tell(struct truth *truth, uint64_t address, uint64_t len)
{
    for (uint64_t page = address / DIRTY_PAGE; page <= (address + len - 1) / DIRTY_PAGE; page++) {
        truth->count += truth->dirty[page] == 0;
        truth->dirty[page] = 1;
    }
}

static void compare(const struct bench_dirty_peer *peer, void *self, const struct truth *truth)
{
    for (uint64_t page = 0; page < PAGES; page++)
        CHECK(peer->test(self, page) == truth->dirty[page], "%s: page %llu", peer->name, (unsigned long long)page);
}

static void check_harvest(const struct bench_dirty_peer *peer, void *self, const struct truth *truth)
{
    static const struct truth nothing;
    uint64_t list[PAGES];
    void *harvest = peer->harvest(self);
    uint64_t count = peer->harvested(harvest, list, PAGES);

    CHECK(count == truth->count, "%s: %llu pages", peer->name, (unsigned long long)count);
    for (uint64_t i = 0; i < count && i < PAGES; i++)
        CHECK(truth->dirty[list[i]] && (i == 0 || list[i] > list[i - 1]), "%s: %llu", peer->name,
              (unsigned long long)list[i]);
    peer->drop(harvest);
    compare(peer, self, &nothing);
}

/* Marks of one length; then they are taken or, where there is no harvest, wiped out. */
static void check_round(const struct bench_dirty_peer *peer, void *self, uint64_t len, struct bench_rng *rng)
{
    static const struct truth nothing;
    struct truth truth = {.count = 0};
    uint64_t address[MARKS];

    for (size_t i = 0; i < MARKS; i++) {
        address[i] = bench_random_below(rng, PAGES * DIRTY_PAGE - len + 1) / 8 * 8;
        if (!peer->ranges)
            address[i] = address[i] / DIRTY_PAGE * DIRTY_PAGE;
        if (peer->tracks)
            tell(&truth, address[i], len);
    }
    peer->mark(self, address, MARKS, len);
    compare(peer, self, &truth);
    if (peer->harvest != NULL)
        check_harvest(peer, self, &truth);
    peer->mark(self, address, MARKS, len);
    peer->clear(self);
    compare(peer, self, &nothing);
}

static void check_marks(const struct bench_dirty_peer *peer)
{
    struct bench_rng rng = {CHECK_SEED};
    void *self = peer->build(PAGES);

    CHECK(self != NULL, "%s", peer->name);
    for (int i = 0; self != NULL && i < ROUNDS; i++) {
        check_round(peer, self, 8, &rng);
        if (peer->ranges)
            check_round(peer, self, 1 + bench_random_below(&rng, 300 * DIRTY_PAGE), &rng);
    }
    if (self != NULL)
        peer->destroy(self);
}

/* Every page alone is found, and nothing where there is none. */
static void check_scan(void)
{
    struct dirty_bits *bits = dirty_floor_words.build(SCAN_PAGES);

    CHECK(bits != NULL && !dirty_scan(bits), "clean");
    for (uint64_t page = 0; bits != NULL && page < SCAN_PAGES; page++) {
        uint64_t address = page * DIRTY_PAGE;
        dirty_floor_words.clear(bits);
        dirty_floor_or.mark(bits, &address, 1, 8);
        CHECK(dirty_scan(bits), "page %llu", (unsigned long long)page);
    }
    if (bits != NULL)
        dirty_floor_words.destroy(bits);
}

void bench_check_dirty_peers(void)
{
    check_scan();
    check_marks(&dirty_floor_nothing);
    check_marks(&dirty_floor_or);
    check_marks(&dirty_floor_words);
    check_marks(dirty_ours());
    check_marks(dirty_ours_off());
    for (const struct bench_dirty_peer *peer = bench_dirty_peers(); peer->name != NULL; peer++)
        check_marks(peer);
}
