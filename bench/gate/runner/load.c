/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Plug-ins are loaded into a link-map namespace each: with one for both, the second would get the libraries of the
 * first, and both would share liburcu and its registration of threads.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner.h"

/* Present in a program that is linked with its cases. */
extern const struct gate_table gate_table __attribute__((weak));

/* A plug-in that calls another library than the one beside it would compare a revision with itself. */
static int calls_its_own(const void *library, const char *folder)
{
    char real[2][PATH_MAX];
    Dl_info info;
    if (dladdr(library, &info) == 0 || realpath(info.dli_fname, real[0]) == NULL || realpath(folder, real[1]) == NULL)
        return 0;
    *strrchr(real[0], '/') = 0;
    return strcmp(real[0], real[1]) == 0;
}

static int is_sound(const struct gate_table *table, const char *place)
{
    if (table->version != GATE_VERSION || table->size != sizeof(struct gate_case) || table->count == 0) {
        fprintf(stderr, "%s was compiled with another gate.h, or has no cases\n", place);
        return 0;
    }
    for (size_t i = 0; i < table->count; i++) {
        if (table->cases[i].name == NULL || table->cases[i].family == NULL || table->cases[i].run == NULL) {
            fprintf(stderr, "%s: case %zu lacks a name, a family or its function\n", place, i);
            return 0;
        }
        if (table->cases[i].floor != NULL && table->cases[i].beside != NULL) {
            fprintf(stderr, "%s: case %s has a floor, which is timed on one thread, and a second one\n", place,
                    table->cases[i].name);
            return 0;
        }
    }
    return 1;
}

int side_load(struct side *side, const char *place)
{
    char plugin[PATH_MAX];
    struct stat status;
    if (strcmp(place, "-") == 0) {
        side->table = &gate_table;
        if (side->table == NULL)
            fprintf(stderr, "no cases are linked into this program\n");
        return side->table != NULL && is_sound(side->table, place) ? 0 : GATE_CANNOT;
    }
    const int folder = stat(place, &status) == 0 && S_ISDIR(status.st_mode);
    snprintf(plugin, sizeof(plugin), "%s%s%s", strchr(place, '/') == NULL ? "./" : "", place,
             folder ? "/plugin.so" : "");
    void *handle = dlmopen(LM_ID_NEWLM, plugin, RTLD_NOW | RTLD_LOCAL);
    side->table = handle != NULL ? dlsym(handle, "gate_table") : NULL;
    if (side->table == NULL) {
        fprintf(stderr, "%s: %s\n", plugin, handle == NULL ? dlerror() : "exports no gate_table");
        return GATE_CANNOT;
    }
    if (!is_sound(side->table, plugin))
        return GATE_CANNOT;
    if (side->table->library != NULL && !(folder && calls_its_own(side->table->library, place))) {
        fprintf(stderr, "%s does not call the library beside it\n", plugin);
        return GATE_CANNOT;
    }
    return 0;
}
