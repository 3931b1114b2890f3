/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Failures that name the errno value or the line of a dump which differs, instead of two hexadecimal numbers.
 */
#include "lib/cm.h"

static const char *result_name(int result)
{
    return result == 0 ? "0" : result < 0 ? strerror(-result) : "a positive number";
}

void gmt_assert_result(int got, int want, const char *call, const char *file, int line)
{
    if (got == want)
        return;
    print_error("%s\n  returned %d (%s)", call, got, result_name(got));
    print_error(", expected %d (%s)\n", want, result_name(want));
    _fail(file, line);
}

void gmt_assert_same_text(const char *got, const char *want, const char *file, int line)
{
    if (got == NULL || want == NULL) {
        print_error("no text to compare\n");
        _fail(file, line);
    }
    size_t start = 0;
    for (size_t i = 0; got[i] == want[i]; i++) {
        if (got[i] == '\0')
            return;
        if (got[i] == '\n')
            start = i + 1;
    }
    print_error("first difference\n  got      %.*s\n", (int)strcspn(got + start, "\n"), got + start);
    print_error("  expected %.*s\n", (int)strcspn(want + start, "\n"), want + start);
    _fail(file, line);
}
