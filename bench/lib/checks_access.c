/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * That peers which read and write guest memory reach the bytes that the oracle says, and none where it says no. What
 * is written is read back by the oracle's addresses, and what is read was put there by them.
 */
#include "checks.h"
#include "touched.h"

#include <stdlib.h>

static void check_read(const struct bench_access_peer *peer, void *self, const struct bench_touched *touched,
                       const char *name)
{
    const struct bench_addresses *guest = &touched->guest;

    bench_touched_fill(touched);
    CHECK(peer->run_read(self, guest->gpa, BENCH_CHUNK) == guest->sums[0], "%s %s", peer->name, name);
}

static void check_write(const struct bench_access_peer *peer, void *self, const struct bench_touched *touched,
                        const char *name)
{
    const struct bench_addresses *guest = &touched->guest;

    bench_touched_fill(touched);
    CHECK(!bench_touched_is_written(touched), "%s", name);
    CHECK(peer->run_write(self, guest->gpa, guest->count) == guest->count, "%s %s", peer->name, name);
    CHECK(bench_touched_is_written(touched), "%s %s", peer->name, name);
}

/* Addresses in no RAM, gathered in front; how many. */
static size_t holes(const struct bench_layout *layout, uint64_t *gpa, size_t count)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        if (bench_oracle(layout, gpa[i], 1) == 0)
            gpa[found++] = gpa[i];
    return found;
}

static void check_holes(const struct bench_access_peer *peer, void *self, const struct bench_layout *layout)
{
    uint64_t *gpa = bench_stream_edges(layout, CHECK_ANSWERS, 8, CHECK_SEED);
    size_t count = gpa != NULL ? holes(layout, gpa, CHECK_ANSWERS) : 0;

    CHECK(count > 0, "%s", layout->name);
    if (count > 0 && peer->run_read != NULL)
        CHECK(peer->run_read(self, gpa, count) == 0, "%s %s", peer->name, layout->name);
    if (count > 0 && peer->run_write != NULL)
        CHECK(peer->run_write(self, gpa, count) == 0, "%s %s", peer->name, layout->name);
    free(gpa);
}

static void check_touched(const struct bench_layout *layout, const struct bench_touched *touched)
{
    for (const struct bench_access_peer *peer = bench_access_peers(); peer->name != NULL; peer++) {
        void *self = peer->build(layout->ram, layout->ram_count);
        if (self == NULL)
            continue; /* as in bench_check_peers, which says so */
        if (peer->run_read != NULL)
            check_read(peer, self, touched, layout->name);
        if (peer->run_write != NULL)
            check_write(peer, self, touched, layout->name);
        check_holes(peer, self, layout);
        peer->destroy(self);
    }
}

void bench_check_access_peers(struct bench_layout *layout)
{
    struct bench_touched touched = {.base = NULL};
    int result = bench_touched_build(layout, BENCH_UNIFORM, BENCH_CHUNK, CHECK_SEED, &touched);

    CHECK(result == 0, "%s: %d", layout->name, result);
    if (result == 0)
        check_touched(layout, &touched);
    bench_touched_free(&touched);
}
