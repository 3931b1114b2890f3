/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A test that cannot run here says so and ends with 77, which the test runner counts as skipped: a silent
 * pass would hide that a kernel or a machine feature was never exercised.
 */
#ifndef GM_TESTS_LIB_SKIP_H
#define GM_TESTS_LIB_SKIP_H

#include <stdio.h>
#include <stdlib.h>

#define GMT_EXIT_SKIP 77

static inline _Noreturn void gmt_skip(const char *reason)
{
    printf("SKIPPED: %s\n", reason);
    fflush(stdout);
    exit(GMT_EXIT_SKIP);
}

#endif
