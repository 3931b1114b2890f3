/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * That the peers, where they are there, are given the layout that everybody is given: each answer is the oracle's,
 * also where it is no. Most look at the first byte of an access alone, so the oracle is asked about that.
 */
#include "checks.h"
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t *stream_of(const struct bench_layout *layout, unsigned kind)
{
    if (kind == BENCH_STREAM_KINDS)
        return bench_stream_edges(layout, CHECK_ANSWERS, BENCH_ACCESS_LEN, CHECK_SEED);
    return bench_stream(layout, (enum bench_stream_kind)kind, CHECK_ANSWERS, 8, BENCH_ACCESS_LEN, CHECK_SEED);
}

/* What a peer has to answer: a host address, or the region's place from 1 on. */
typedef uint64_t answer(const struct bench_layout *layout, uint64_t gpa, uint64_t len);

static uint64_t region_of(const struct bench_layout *layout, uint64_t gpa, uint64_t len)
{
    return (uint64_t)(bench_oracle_index(layout, gpa, len) + 1);
}

static void check_peer(const struct bench_peer *peer, const struct bench_layout *layout, void *self,
                       const uint64_t *gpa, answer *right)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < CHECK_ANSWERS; i++) {
        uint64_t wanted = right(layout, gpa[i], peer->len);
        sum += wanted;
        CHECK(peer->translate(self, gpa[i]) == wanted, "%s %s 0x%llx", peer->name, layout->name,
              (unsigned long long)gpa[i]);
    }
    if (peer->run_call != NULL)
        CHECK(peer->run_call(self, gpa, CHECK_ANSWERS) == sum, "%s %s call", peer->name, layout->name);
    if (peer->run_dependent != NULL)
        CHECK(peer->run_dependent(self, gpa, CHECK_ANSWERS) == sum, "%s %s dependent", peer->name, layout->name);
    if (peer->run_pinned != NULL)
        CHECK(peer->run_pinned(self, gpa, CHECK_ANSWERS) == sum, "%s %s pinned", peer->name, layout->name);
}

/* A peer may refuse a layout whose memory does not begin at pages, and no other. */
static int refusal_is_right(const struct bench_layout *layout)
{
    for (size_t i = 0; i < layout->ram_count; i++)
        if (layout->ram[i].hva % 4096 != 0)
            return 1;
    return 0;
}

static void check_all(const struct bench_peer *peers, const struct bench_layout *layout, answer *right)
{
    for (const struct bench_peer *peer = peers; peer->name != NULL; peer++) {
        void *self = layout->ram_count <= peer->most ? peer->build(layout->ram, layout->ram_count) : NULL;
        if (layout->ram_count > peer->most)
            continue;
        if (self == NULL) {
            CHECK(refusal_is_right(layout), "%s does not take %s", peer->name, layout->name);
            printf("%s: skipped for %s, whose memory is not page aligned\n", layout->name, peer->name);
            continue;
        }
        for (unsigned kind = 0; kind <= BENCH_STREAM_KINDS; kind++) {
            uint64_t *gpa = stream_of(layout, kind);
            CHECK(gpa != NULL, "%s: no stream %u", layout->name, kind);
            if (gpa != NULL)
                check_peer(peer, layout, self, gpa, right);
            free(gpa);
        }
        peer->destroy(self);
    }
}

/* A library that is there is the one that belongs to this program, with all its tables. */
static void check_library(void)
{
    const char *why = bench_peers_skipped();

    CHECK(why == NULL || strstr(why, "another version") == NULL, "%s", why);
    if (bench_peers_symbol("BENCH_PEERS_VERSION") == NULL)
        return;
    CHECK(bench_peers()->name != NULL && bench_region_peers()->name != NULL, "translation");
    CHECK(bench_pin_peers()->name != NULL && bench_dirty_peers()->name != NULL, "pins, dirty pages");
    CHECK(bench_access_peers()->name != NULL, "accesses");
}

void bench_check_peers(const struct bench_layout *layout)
{
    check_all(bench_peers(), layout, bench_oracle);
    check_all(bench_region_peers(), layout, region_of);
}

void bench_check_pin_peers(void)
{
    check_library();
    for (const struct bench_pin_peer *peer = bench_pin_peers(); peer->name != NULL; peer++) {
        void *one = peer->build(1), *other = peer->build(UINT64_C(2) << 40);
        CHECK(peer->run(one, 1000) == 1, "%s", peer->name);
        CHECK(peer->run(other, 1) == UINT64_C(2) << 40, "%s", peer->name);
        peer->destroy(one);
        peer->destroy(other);
    }
}
