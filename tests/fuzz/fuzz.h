/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What every fuzzer of this folder has: its entry, and a way to say what has to hold. A fuzzer that looks for crashes
 * alone misses wrong answers, so each one states what is true of every result.
 */
#ifndef GM_FUZZ_H
#define GM_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer calls it for each input. Returns 0, always. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run and makes libFuzzer keep the input. */
#define FUZZ_REQUIRE(condition)                                                                                        \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

/* A message for people: there, one line, and nothing that a terminal would obey. */
static inline void fuzz_check_message(const char *message)
{
    FUZZ_REQUIRE(message[0] != '\0');
    for (const char *c = message; *c != '\0'; c++)
        FUZZ_REQUIRE((*c >= ' ' && *c < 0x7f) || *c == '\t');
}

#endif
