/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * That the peers, where they are there, are given the layout that everybody is given: each answer is the oracle's,
 * also where it is no. They look at the first byte of an access alone, so the oracle is asked about one byte.
 */
#include "checks.h"
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t *stream_of(const struct bench_layout *layout, unsigned kind)
{
    if (kind == BENCH_STREAM_KINDS)
        return bench_stream_edges(layout, CHECK_ANSWERS, BENCH_ACCESS_LEN, CHECK_SEED);
    return bench_stream(layout, (enum bench_stream_kind)kind, CHECK_ANSWERS, 8, BENCH_ACCESS_LEN, CHECK_SEED);
}

static void check_peer(const struct bench_peer *peer, const struct bench_layout *layout, void *self,
                       const uint64_t *gpa)
{
    uint64_t sum = bench_oracle_sum(layout, gpa, CHECK_ANSWERS, 1);

    for (size_t i = 0; i < CHECK_ANSWERS; i++)
        CHECK(peer->translate(self, gpa[i]) == bench_oracle(layout, gpa[i], 1), "%s %s 0x%llx", peer->name,
              layout->name, (unsigned long long)gpa[i]);
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

void bench_check_peers(const struct bench_layout *layout)
{
    for (const struct bench_peer *peer = bench_peers(); peer->name != NULL; peer++) {
        void *self = peer->build(layout->ram, layout->ram_count);
        if (self == NULL) {
            CHECK(refusal_is_right(layout), "%s does not take %s", peer->name, layout->name);
            printf("%s: skipped for %s, whose memory is not page aligned\n", layout->name, peer->name);
            continue;
        }
        for (unsigned kind = 0; kind <= BENCH_STREAM_KINDS; kind++) {
            uint64_t *gpa = stream_of(layout, kind);
            CHECK(gpa != NULL, "%s: no stream %u", layout->name, kind);
            if (gpa != NULL)
                check_peer(peer, layout, self, gpa);
            free(gpa);
        }
        peer->destroy(self);
    }
}
