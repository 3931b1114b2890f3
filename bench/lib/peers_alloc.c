/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The allocators among the peers. They have tables of their own in the library of peers, with a version of their own;
 * why they are missing is what bench_peers_skipped() says.
 */
#include "arena.h"
#include "peers.h"

#define VERSION 1 /* of both tables, as in bench/peers/src/alloc.rs */

static const void *table(const char *name)
{
    const unsigned *version = bench_peers_symbol("BENCH_ALLOC_VERSION");

    return version != NULL && *version == VERSION ? bench_peers_symbol(name) : NULL;
}

const struct bench_arena *bench_arena_peers(void)
{
    static const struct bench_arena none = {.name = NULL};
    const struct bench_arena *found = table("BENCH_ALLOC_PEERS");

    return found != NULL ? found : &none;
}

const struct bench_ids *bench_ids_peers(void)
{
    static const struct bench_ids none = {.name = NULL};
    const struct bench_ids *found = table("BENCH_ID_PEERS");

    return found != NULL ? found : &none;
}
