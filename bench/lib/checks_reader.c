/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The reader of layout files against everything that can be wrong with a line: each mistake is refused, at
 * its line, in words that name it.
 */
#include "checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define HEAD CHECK_LAYOUT_HEAD

int bench_check_load_text(const char *text, char path[CHECK_PATH], struct bench_layout **out, char *error,
                          size_t error_size)
{
    const char *folder = getenv("TMPDIR");

    snprintf(path, CHECK_PATH, "%s/inputs-XXXXXX", folder != NULL ? folder : P_tmpdir);
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (file == NULL)
        return -errno;
    int written = fputs(text, file);
    if (fclose(file) != 0 || written < 0)
        return -EIO;
    int result = bench_layout_load(path, out, error, error_size);
    unlink(path);
    return result;
}

static void check_refused(const char *text, unsigned line, const char *why)
{
    char path[CHECK_PATH], error[CHECK_PATH + 256] = "", place[CHECK_PATH + 16];
    struct bench_layout *layout = NULL;
    int result = bench_check_load_text(text, path, &layout, error, sizeof(error));

    /* what is wrong with the ranges together has no line */
    if (line > 0)
        snprintf(place, sizeof(place), "%s:%u: ", path, line);
    else
        snprintf(place, sizeof(place), "%s: ", path);
    CHECK(result == -EINVAL, "%s: %d '%s'", why, result, error);
    CHECK(strncmp(error, place, strlen(place)) == 0, "%s: '%s'", why, error);
    CHECK(strstr(error, why) != NULL, "%s: '%s'", why, error);
    bench_layout_free(layout);
}

static void check_too_many_ranges(void)
{
    size_t room = (size_t)(BENCH_MAX_RANGES + 2) * 64, used = sizeof(HEAD) - 1;
    char *text = malloc(room);

    if (text == NULL)
        abort();
    memcpy(text, HEAD, used);
    for (unsigned i = 0; i <= BENCH_MAX_RANGES; i++)
        used += (size_t)snprintf(text + used, room - used, "0x%x 0x%x device - 0x0 x\n", i, i);
    check_refused(text, BENCH_MAX_RANGES + 2, "more than 65536 ranges");
    free(text);
}

/* A line that nothing ends is refused at its limit, not at the end of memory. */
static void check_long_line(void)
{
    char text[sizeof(HEAD) + BENCH_LINE_MAX + 4] = HEAD;

    memset(text + sizeof(HEAD) - 1, 'x', BENCH_LINE_MAX + 1);
    text[sizeof(HEAD) + BENCH_LINE_MAX] = '\n';
    check_refused(text, 2, "longer than 1000 bytes");
}

void bench_check_reader(void)
{
    struct bench_layout *layout = NULL;
    char error[256] = "";

    check_refused("", 1, "no ranges");
    check_refused("# another format\n", 1, "first line");
    check_refused(HEAD "# only a comment\n", 3, "no ranges");
    check_refused(HEAD "0x0 0xfff ram a 0x0 a", 2, "newline");
    check_refused(HEAD "\n", 2, "not '<first>");
    check_refused(HEAD "0x0 0xfff ram a 0x0\n", 2, "not '<first>");
    check_refused(HEAD "0x0 0xfff ram a 0x0 a b\n", 2, "not '<first>");
    check_refused(HEAD "0x0  0xfff ram a 0x0 a\n", 2, "not '<first>");
    check_refused(HEAD "#\n0 0xfff ram a 0x0 a\n", 3, "first is '0'");
    check_refused(HEAD "0x0 0x ram a 0x0 a\n", 2, "last is '0x'");
    check_refused(HEAD "0x0 0xfff ram a 0x-1 a\n", 2, "offset is '0x-1'");
    check_refused(HEAD "0x0 0x10000000000000000 ram a 0x0 a\n", 2, "last is '0x1");
    check_refused(HEAD "0x0 0xfff mmio a 0x0 a\n", 2, "kind is 'mmio'");
    check_refused(HEAD "0x1000 0xfff ram a 0x0 a\n", 2, "first 0x1000 is above last 0xfff");
    check_refused(HEAD "0x1000 0x10000000000000 ram a 0x0 a\n", 2, "past 2^52");
    check_refused(HEAD "0x0 0xfff ram a 0x10000000000000 a\n", 2, "past 2^52");
    check_refused(HEAD "0x1000 0x1fff ram a 0x0 a\n0x0 0xfff ram a 0x1000 a\n", 3, "not sorted");
    check_refused(HEAD "0x0 0xfff ram a 0x0 a\n0xfff 0x1fff ram b 0xfff b\n", 3, "overlaps");
    check_refused(HEAD "0x0 0xfff ram - 0x0 a\n", 2, "object '-'");
    check_refused(HEAD "0x0 0xfff device a 0x0 a\n", 2, "object '-'");
    check_refused(HEAD "0x0 0xfff device - 0x1 a\n", 2, "offset 0x0");
    check_refused(HEAD "0x0 0xff ram a 0x0 a\n0x100 0x1ff ram a 0x200 odd\n", 0, "range 'odd' at 0x100");
    check_refused(HEAD "0x0 0xfffffffffffff ram a 0x0 a\n", 0, "2^46");
    check_refused(HEAD "0x0 0xfff device - 0x0 a\n", 0, "no range is ram");
    check_refused(HEAD "0x0 0xfff ram a 0x0 a\r\n", 2, "CR LF");
    check_refused(HEAD "0x0 0xfff ram a 0x0 \x1b[2J\n", 2, "byte 0x1b in column 21 is not ASCII text");
    check_refused(HEAD "0x0 0xfff ram a 0x0 a\n0x0 0xfff ram a 0x0 a\n", 3, "overlaps the range before ('a')");
    check_long_line();
    check_too_many_ranges();
    CHECK(bench_layout_load("/nonexistent", &layout, error, sizeof(error)) == -ENOENT, "%s", error);
    CHECK(bench_layout_load("/nonexistent", &layout, NULL, 0) == -ENOENT, "no room for an error");
}
