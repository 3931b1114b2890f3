/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* strtoull takes signs, blanks, octal and a part of the text, and tells of overflow by errno: digits are read here. */
#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static int digit(char c, unsigned base)
{
    static const char all[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(all, tolower((unsigned char)c)) : NULL;

    return at != NULL && at - all < (int)base ? (int)(at - all) : -1;
}

/* As many digits as there are; *end is behind them. */
static int digits(const char *text, unsigned base, uint64_t *out, const char **end)
{
    uint64_t value = 0;
    int result = 0;

    for (*end = text; digit(**end, base) >= 0; (*end)++) {
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit(**end, base), &value))
            result = -ERANGE;
    }
    *out = value;
    return *end == text ? -EINVAL : result;
}

int bench_number(const char *text, uint64_t *out)
{
    int hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *end;
    uint64_t value;
    int result = digits(text + (hexadecimal ? 2 : 0), hexadecimal ? 16 : 10, &value, &end);

    if (*end != '\0')
        return -EINVAL;
    if (result == 0)
        *out = value;
    return result;
}

int bench_number_scaled(const char *text, uint64_t *out)
{
    static const char letters[] = "kmgt";
    const char *end, *letter;
    uint64_t value;
    int result = digits(text, 10, &value, &end);

    if (result == -EINVAL || *end == '\0' || end[1] != '\0')
        return bench_number(text, out);
    letter = strchr(letters, tolower((unsigned char)*end));
    if (letter == NULL)
        return -EINVAL;
    if (result == 0 && __builtin_mul_overflow(value, UINT64_C(1) << (10 * (letter - letters + 1)), &value))
        result = -ERANGE;
    if (result == 0)
        *out = value;
    return result;
}
