/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* For tests that are told where to begin and how long to go on: numbers from the command line or the environment. */
#ifndef GM_TESTS_LIB_SETTING_H
#define GM_TESTS_LIB_SETTING_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Whoever mistypes a seed wants to be told, and not to watch another run than the one that failed. */
static inline uint64_t number_of(const char *text, const char *name)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0') {
        fprintf(stderr, "%s is not a number: %s\n", name, text);
        exit(2);
    }
    return value;
}

/* The argument with this index, else the environment's variable (NULL: none), else what is said otherwise. */
static inline uint64_t setting(int argc, char **argv, int index, const char *variable, uint64_t otherwise)
{
    if (index < argc)
        return number_of(argv[index], "an argument");
    const char *text = variable != NULL ? getenv(variable) : NULL;
    return text != NULL ? number_of(text, variable) : otherwise;
}

/* So much of a default count as GM_TEST_SCALE says, which is per cent. */
static inline uint64_t scaled(uint64_t count, uint64_t otherwise)
{
    return count * setting(0, NULL, 0, "GM_TEST_SCALE", otherwise) / 100;
}

/* For tortures: how long [s]. */
static inline uint64_t torture_seconds(uint64_t otherwise)
{
    return setting(0, NULL, 0, "GM_TORTURE_SECONDS", otherwise);
}

#endif
