/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The reader of traces against everything that can be wrong with a line, and what a good trace becomes. */
#include "checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "trace.h"

#define HEAD "# guestmem trace 1\n"

static const struct {
    const char *text;
    unsigned line;
    const char *message;
} refused[] = {
    {"", 1, "no accesses"},
    {"# guestmem layout 1\n", 1, "the first line is not '# guestmem trace 1'"},
    {"\n" HEAD, 1, "the first line is not"},
    {HEAD "\n# nothing\n", 4, "no accesses"},
    {HEAD "0x1000 4", 2, "no newline at the end"},
    {HEAD "0x1000 4\r\n", 2, "CR LF"},
    {HEAD "0x1000 \x1b[31m\n", 2, "byte 0x1b in column 8 is not ASCII text"},
    {HEAD "# gr\xc3\xbc\xc3\x9f""e\n", 2, "byte 0xc3 in column 5 is not ASCII text"},
    {HEAD "0x1000\n", 2, "length is '', expected a number"},
    {HEAD "0x1000 # 4\n", 2, "length is ''"},
    {HEAD "0xg 4\n", 2, "address is '0xg', expected a number such as 4096 or 0x1000"},
    {HEAD "4k 4\n", 2, "address is '4k'"},
    {HEAD "0x1000 -4\n", 2, "length is '-4'"},
    {HEAD "read 0x1000 4\n", 2, "'read', expected '<address> <length>"},
    {HEAD "0x1000 0\n", 2, "length is 0, expected at least 1"},
    {HEAD "0x1000 4294967296\n", 2, "length 4294967296 is above 4294967295"},
    {HEAD "0x10000000000000 1\n", 2, "address 0x10000000000000 is above 4503599627370495"},
    {HEAD "99999999999999999999 1\n", 2, "address 99999999999999999999 is above"},
    {HEAD "0xfffffffffffff 2\n", 2, "the last byte is past 2^52"},
    {HEAD "0x1000 4 x\n", 2, "'x' is none of r, w, next, indirect, inner"},
    {HEAD "0x1000 4 r w\n", 2, "r and w exclude each other"},
    {HEAD "0x1000 4 w w\n", 2, "'w' stands there twice"},
    {HEAD "0x1000 4 next\n", 2, "the file ends inside a chain: line 2"},
    {HEAD "0x1000 4 next\nqueue 1\n", 3, "a queue begins inside a chain: line 2"},
    {HEAD "0x1000 32 indirect\n0x2000 4\n", 3, "expected an entry ('inner') of the table of line 2"},
    {HEAD "0x1000 32 indirect\n", 2, "the file ends inside a chain: line 2"},
    {HEAD "0x1000 32 indirect next\n", 2, "indirect goes with neither"},
    {HEAD "0x1000 32 indirect w\n", 2, "indirect goes with neither"},
    {HEAD "0x1000 24 indirect\n", 2, "an indirect table of 24 bytes; expected a multiple of 16"},
    {HEAD "0x1000 4 inner\n", 2, "inner, but no 'indirect'"},
    {HEAD "0x1000 4 next\n0x2000 4 inner\n", 3, "inner, but no 'indirect'"},
    {HEAD "0x1000 16 indirect\n0x2000 4 inner next\n0x3000 4 inner\n", 4, "more entries than the indirect table has"},
    {HEAD "0x1000 32 indirect\n0x2000 16 inner indirect\n", 3, "indirect goes with neither"},
    {HEAD "queue 65536\n", 2, "queue 65536 is above 65535"},
    {HEAD "queue\n", 2, "queue is ''"},
    {HEAD "queue 1 2\n", 2, "nothing behind it"},
    {HEAD "layout\n", 2, "expected 'layout NAME', one word"},
    {HEAD "layout a b\n", 2, "expected 'layout NAME', one word"},
    {HEAD "layout ../a\n", 2, "'../a' is no name of a layout"},
    {HEAD "layout a/b\n", 2, "'a/b' is no name of a layout"},
    {HEAD "layout a\nlayout b\n", 3, "'layout' stands once"},
    {HEAD "0x1000 4\nlayout a\n", 3, "before the first access"},
};

static int parse(const char *text, size_t size, struct bench_trace **out, char *error, size_t error_size)
{
    return bench_trace_parse("folder/some.trace", text, size, out, error, error_size);
}

static void check_refused(void)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char error[BENCH_ERROR_MAX] = "", place[40];
        struct bench_trace *trace = NULL;
        int result = parse(refused[i].text, strlen(refused[i].text), &trace, error, sizeof(error));
        snprintf(place, sizeof(place), "folder/some.trace:%u: ", refused[i].line);
        CHECK(result == -EINVAL && trace == NULL, "%s: %d", refused[i].message, result);
        CHECK(strncmp(error, place, strlen(place)) == 0, "%s: '%s'", refused[i].message, error);
        CHECK(strstr(error, refused[i].message) != NULL, "%s: '%s'", refused[i].message, error);
    }
}

/* One line more, one byte more, one descriptor more than there may be; and a NUL. */
static void check_sizes(void)
{
    static const char unit[] = "0 1 next\n";
    size_t room = sizeof(HEAD) + (size_t)(BENCH_TRACE_MAX + 1) * 4 + BENCH_LINE_MAX;
    char *text = malloc(room), error[BENCH_ERROR_MAX] = "";
    struct bench_trace *trace = NULL;
    size_t used = sizeof(HEAD) - 1;

    if (text == NULL)
        abort();
    memcpy(text, HEAD, used);
    CHECK(parse(HEAD "0 1\0\n", sizeof(HEAD) + 4, &trace, error, sizeof(error)) == -EINVAL, "NUL");
    CHECK(strstr(error, ":2: byte 0x00 in column 4") != NULL, "%s", error);
    memset(text + used, '#', BENCH_LINE_MAX + 1);
    text[used + BENCH_LINE_MAX + 1] = '\n';
    CHECK(parse(text, used + BENCH_LINE_MAX + 2, &trace, error, sizeof(error)) == -EINVAL, "long line");
    CHECK(strstr(error, ":2: longer than 1000 bytes") != NULL, "%s", error);
    for (size_t i = 0; i <= BENCH_TRACE_CHAIN_MAX; i++, used += sizeof(unit) - 1)
        memcpy(text + used, unit, sizeof(unit) - 1);
    CHECK(parse(text, used, &trace, error, sizeof(error)) == -EINVAL, "long chain");
    CHECK(strstr(error, ":32770: a chain of more than 32768 descriptors") != NULL, "%s", error);
    used = sizeof(HEAD) - 1;
    for (size_t i = 0; i < BENCH_TRACE_MAX; i++, used += 4)
        memcpy(text + used, "0 1\n", 4);
    CHECK(parse(text, used, &trace, error, sizeof(error)) == 0 && trace->count == BENCH_TRACE_MAX, "%s", error);
    bench_trace_free(trace);
    memcpy(text + used, "0 1\n", 4);
    CHECK(parse(text, used + 4, &trace, error, sizeof(error)) == -EINVAL, "long trace");
    CHECK(strstr(error, ":4194306: more than 4194304 accesses") != NULL, "%s", error);
    free(text);
}

static void check_cover(const struct bench_trace *trace)
{
    struct bench_layout *layout;
    char error[BENCH_ERROR_MAX] = "";
    int result = bench_trace_cover("t", trace, &layout, error, sizeof(error));

    CHECK(result == 0, "%s", error);
    if (result != 0)
        return;
    CHECK(layout->ram_count == 2 && layout->ram[0].gpa == 0x1000 && layout->ram[0].size == 0x100000, "%zu entries",
          layout->ram_count);
    CHECK(bench_trace_fits("t", trace, layout, error, sizeof(error)) == 0, "%s", error);
    layout->ram[1].size -= 0x1000; /* 4 GiB + 0x1000 is not there any more */
    CHECK(bench_trace_fits("t", trace, layout, error, sizeof(error)) == -EINVAL, "a hole");
    CHECK(strcmp(error, "t:7: 0x100000ff8 and 32 bytes are not all RAM of layout 'some'") == 0, "%s", error);
    bench_layout_free(layout);
}

/* Two pieces of RAM that are neighbours for the guest alone: the host addresses of both count. */
static void check_oracle(void)
{
    static const char text[] = CHECK_LAYOUT_HEAD "0x0 0xfff ram a 0x0 a\n0x1000 0x1fff ram b 0x0 b\n";
    struct bench_access access = {.gpa = 0xff0, .len = 32};
    struct bench_layout *layout;
    char error[BENCH_ERROR_MAX] = "";
    int result = bench_layout_parse("x.layout", text, sizeof(text) - 1, &layout, error, sizeof(error));

    CHECK(result == 0, "%s", error);
    if (result != 0)
        return;
    CHECK(bench_trace_oracle(layout, &access) == layout->ram[0].hva + 0xff0 + layout->ram[1].hva, "two pieces");
    access.gpa = 0x1fff;
    CHECK(bench_trace_oracle(layout, &access) == 0, "into nothing");
    bench_layout_free(layout);
}

static void check_far_apart(void)
{
    char text[64 * 40] = HEAD, error[BENCH_ERROR_MAX] = "";
    struct bench_layout *layout;
    struct bench_trace *trace = NULL;
    size_t used = sizeof(HEAD) - 1;

    for (unsigned i = 0; i < 80; i++) /* too many to have a region each, and too far apart to share */
        used += (size_t)snprintf(text + used, sizeof(text) - used, "0x%x000000000000 1\n", i % 16);
    for (unsigned i = 0; i < 80 && used < sizeof(text) - 40; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "0x%x00000000000 1\n", i);
    CHECK(parse(text, used, &trace, error, sizeof(error)) == 0, "%s", error);
    if (trace == NULL)
        return;
    CHECK(bench_trace_cover("t", trace, &layout, error, sizeof(error)) == -EINVAL, "reserved all that");
    CHECK(strstr(error, "give one with --layout") != NULL, "%s", error);
    bench_trace_free(trace);
}

void bench_check_trace(void)
{
    static const char text[] = HEAD "layout some\nqueue 3\n0x1000 0x10 w # a comment\n\t8192  4096 r next\n"
                                    "4096 32 indirect\n0x100000ff8 32 inner\n0x100000 1\n";
    struct bench_trace *trace = NULL;
    char error[BENCH_ERROR_MAX] = "";

    check_refused();
    check_sizes();
    check_oracle();
    check_far_apart();
    CHECK(parse(text, sizeof(text) - 1, &trace, error, sizeof(error)) == 0, "%s", error);
    if (trace == NULL)
        return;
    const struct bench_access *access = trace->accesses;
    CHECK(strcmp(trace->name, "some") == 0 && strcmp(trace->layout, "some") == 0, "%s", trace->name);
    CHECK(trace->count == 5 && trace->chains == 3 && trace->bytes == 16 + 4096 + 32 + 32 + 1, "%zu", trace->count);
    CHECK(access[0].gpa == 4096 && access[0].len == 16 && access[0].flags == BENCH_ACCESS_WRITE &&
              access[0].queue == 3 && access[0].line == 4, "first");
    CHECK(access[1].flags == BENCH_ACCESS_NEXT && access[2].flags == BENCH_ACCESS_INDIRECT &&
              access[3].flags == BENCH_ACCESS_INNER, "flags");
    check_cover(trace);
    bench_trace_free(trace);
}
