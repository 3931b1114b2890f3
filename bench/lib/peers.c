/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Finds the peers beside the program. What is missing is told with a reason and never fatal: the comparison with the
 * floor and with the re-implementations does not depend on them.
 */
#include "peers.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libbench_peers.so"
#define VERSION 1 /* of the table, as in bench/peers/src/lib.rs */

static const struct bench_peer none[] = {{.name = NULL}};
static const struct bench_peer *loaded;
static char skipped[256];

static int beside_program(char *out, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", out, size - 1);
    char *name;

    if (length <= 0)
        return -ENOENT;
    out[length] = '\0';
    name = strrchr(out, '/') + 1;
    size -= (size_t)(name - out);
    return snprintf(name, size, "%s", LIBRARY) < (int)size ? 0 : -ENAMETOOLONG;
}

/* What the build wrote down when it had to go on without the library. */
static void why_missing(const char *path)
{
    char reason[4200];
    FILE *file;

    snprintf(skipped, sizeof(skipped), "no %s beside the program", LIBRARY);
    snprintf(reason, sizeof(reason), "%s.skipped", path);
    file = fopen(reason, "re");
    if (file == NULL)
        return;
    if (fgets(reason, sizeof(reason), file) != NULL)
        snprintf(skipped, sizeof(skipped), "%.*s", (int)strcspn(reason, "\n"), reason);
    fclose(file);
}

static const struct bench_peer *table(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const unsigned *version = library != NULL ? dlsym(library, "BENCH_PEERS_VERSION") : NULL;
    const void *peers = library != NULL ? dlsym(library, "BENCH_PEERS") : NULL;

    if (library == NULL)
        snprintf(skipped, sizeof(skipped), "%s", dlerror());
    else if (version == NULL || peers == NULL || *version != VERSION)
        snprintf(skipped, sizeof(skipped), "%s is of another version", LIBRARY);
    else
        return peers; /* stays loaded until the program ends */
    return none;
}

const struct bench_peer *bench_peers(void)
{
    char path[4096] = "";

    if (loaded != NULL)
        return loaded;
    loaded = none;
    if (beside_program(path, sizeof(path)) != 0 || access(path, F_OK) != 0)
        why_missing(path);
    else
        loaded = table(path);
    return loaded;
}

void bench_peers_refused(const struct bench_peer *peer, const struct bench_layout *layout)
{
    if (skipped[0] == '\0')
        snprintf(skipped, sizeof(skipped), "%s does not take %s", peer->name, layout->name);
}

const char *bench_peers_skipped(void)
{
    (void)bench_peers();
    return skipped[0] != '\0' ? skipped : NULL;
}
