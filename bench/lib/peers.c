/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Finds the peers beside the program. What is missing is told with a reason and never fatal: the comparison with the
 * floor and with the re-implementations does not depend on them.
 */
#include "peers.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libbench_peers.so"
#ifndef BENCH_PEERS_INSTALLED
#define BENCH_PEERS_INSTALLED "../lib/guestmem/" /* from the folder of the program */
#endif
#define VERSION 3 /* of all tables, as in bench/peers/src/lib.rs */

static struct bench_peer all[BENCH_MAX_PEERS + 1];
static void *library; /* stays loaded until the program ends */
static int looked;
static char skipped[400];

/* One more reason, behind those that are there. */
__attribute__((format(printf, 1, 2))) static void skip(const char *format, ...)
{
    size_t used = strlen(skipped);
    va_list args;

    if (used > 0 && used + 2 < sizeof(skipped))
        used += (size_t)snprintf(skipped + used, sizeof(skipped) - used, "; ");
    va_start(args, format);
    vsnprintf(skipped + used, sizeof(skipped) - used, format, args);
    va_end(args);
}

/* In a folder that is told from that of the program. */
static int from_program(const char *folder, char *out, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", out, size - 1);
    char *name;

    if (length <= 0)
        return -ENOENT;
    out[length] = '\0';
    name = strrchr(out, '/') + 1;
    size -= (size_t)(name - out);
    return snprintf(name, size, "%s%s", folder, LIBRARY) < (int)size ? 0 : -ENAMETOOLONG;
}

/* Beside the program, where a build leaves it, or where it is installed. */
static int find(char *out, size_t size)
{
    if (from_program(BENCH_PEERS_INSTALLED, out, size) == 0 && access(out, F_OK) == 0)
        return 0;
    return from_program("", out, size) == 0 && access(out, F_OK) == 0 ? 0 : -ENOENT;
}

/* What the build wrote down when it had to go on without the library. */
static void why_missing(const char *path)
{
    char reason[4200];
    FILE *file;

    snprintf(reason, sizeof(reason), "%s.skipped", path);
    file = fopen(reason, "re");
    if (file != NULL && fgets(reason, sizeof(reason), file) != NULL)
        skip("%.*s", (int)strcspn(reason, "\n"), reason);
    else
        skip("no %s beside the program", LIBRARY);
    if (file != NULL)
        fclose(file);
}

static void open_library(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const unsigned *version = handle != NULL ? dlsym(handle, "BENCH_PEERS_VERSION") : NULL;

    if (handle == NULL)
        skip("%s", dlerror());
    else if (version == NULL || *version != VERSION)
        skip("%s is of another version", LIBRARY);
    else
        library = handle;
}

const void *bench_peers_symbol(const char *name)
{
    char path[4096] = "";

    if (!looked) {
        looked = 1;
        if (find(path, sizeof(path)) != 0)
            why_missing(path);
        else
            open_library(path);
    }
    return library != NULL ? dlsym(library, name) : NULL;
}

static void collect(void)
{
    const struct bench_peer *peer = bench_peers_symbol("BENCH_PEERS");
    size_t count = 0;

    for (; peer != NULL && peer->name != NULL && count < BENCH_MAX_PEERS; peer++)
        all[count++] = *peer;
#ifdef BENCH_DPDK
    if (count < BENCH_MAX_PEERS)
        all[count] = bench_dpdk_peer;
#else
    skip("dpdk: rte_vhost.h was not there when this program was built");
#endif
}

const struct bench_peer *bench_peers(void)
{
    static int collected;

    if (!collected)
        collect();
    collected = 1;
    return all;
}

const struct bench_peer *bench_region_peers(void)
{
    static const struct bench_peer none[] = {{.name = NULL}};
    const struct bench_peer *peers = bench_peers_symbol("BENCH_PEERS_REGION");

    return peers != NULL ? peers : none;
}

const struct bench_pin_peer *bench_pin_peers(void)
{
    static const struct bench_pin_peer none[] = {{.name = NULL}};
    const struct bench_pin_peer *peers = bench_peers_symbol("BENCH_PEERS_PIN");

    return peers != NULL ? peers : none;
}

const struct bench_dirty_peer *bench_dirty_peers(void)
{
    static const struct bench_dirty_peer none[] = {{.name = NULL}};
    const struct bench_dirty_peer *peers = bench_peers_symbol("BENCH_PEERS_DIRTY");

    return peers != NULL ? peers : none;
}

const struct bench_access_peer *bench_access_peers(void)
{
    static const struct bench_access_peer none[] = {{.name = NULL}};
    const struct bench_access_peer *peers = bench_peers_symbol("BENCH_PEERS_ACCESS");

    return peers != NULL ? peers : none;
}

const struct bench_vq_peer *bench_vq_peers(void)
{
    static const struct bench_vq_peer none[] = {{.name = NULL}};
    const struct bench_vq_peer *peers = bench_peers_symbol("BENCH_PEERS_QUEUE");

    return peers != NULL ? peers : none;
}

const struct bench_access_peer *bench_access_peers_tracked(void)
{
    static const struct bench_access_peer none[] = {{.name = NULL}};
    const struct bench_access_peer *peers = bench_peers_symbol("BENCH_PEERS_ACCESS_TRACKED");

    return peers != NULL ? peers : none;
}

const struct bench_shape_peer *bench_shape_peer(const char *shape, unsigned version)
{
    const struct bench_shape_peer *const *peers = bench_peers_symbol("BENCH_PEERS_SHAPES");

    for (size_t i = 0; peers != NULL && i < BENCH_SHAPES; i++)
        if (strcmp(peers[version][i].shape, shape) == 0)
            return &peers[version][i];
    return NULL;
}

void bench_peers_refused(const struct bench_peer *peer, const struct bench_layout *layout)
{
    static int told;

    if (!told)
        skip("%s does not take %s", peer->name, layout->name);
    told = 1;
}

const char *bench_peers_skipped(void)
{
    (void)bench_peers();
    return skipped[0] != '\0' ? skipped : NULL;
}
