/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * cmocka with the headers that it needs first, and an assertion that shows results as what they are: errno
 * values.
 */
#ifndef GM_TESTS_LIB_CM_H
#define GM_TESTS_LIB_CM_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Fail the test unless the call returns exactly that. */
#define assert_result(call, want) gmt_assert_result((call), (want), #call, __FILE__, __LINE__)

void gmt_assert_result(int got, int want, const char *call, const char *file, int line);

/* Fail the test unless both texts are equal; prints the first line that is not. Frees neither. */
#define assert_same_text(got, want) gmt_assert_same_text((got), (want), __FILE__, __LINE__)

void gmt_assert_same_text(const char *got, const char *want, const char *file, int line);

#endif
