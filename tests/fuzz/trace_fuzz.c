/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Traces: whatever is read keeps the rules of chains and fits into a layout made around it, or there is a message. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "../../bench/lib/internal.h"
#include "../../bench/lib/text.h"
#include "../../bench/lib/trace.h"

static int has(const struct bench_access *access, int flag)
{
    return (access->flags & flag) != 0;
}

static void check_access(const struct bench_access *access)
{
    FUZZ_REQUIRE(access->len > 0 && access->gpa <= BENCH_GPA_LAST && access->len - 1 <= BENCH_GPA_LAST - access->gpa);
    if (has(access, BENCH_ACCESS_INDIRECT)) {
        FUZZ_REQUIRE(access->flags == BENCH_ACCESS_INDIRECT);
        FUZZ_REQUIRE(access->len % BENCH_TRACE_DESCRIPTOR == 0);
    }
}

/* Neighbours, from the second one's point of view, written as the rules are told and not as the reader has them. */
static void check_pair(const struct bench_access *before, const struct bench_access *access)
{
    int inside = has(before, BENCH_ACCESS_INDIRECT) ||
                 (has(before, BENCH_ACCESS_INNER) && has(before, BENCH_ACCESS_NEXT));

    FUZZ_REQUIRE(has(access, BENCH_ACCESS_INNER) == inside);
    FUZZ_REQUIRE(before->line < access->line);
    if (inside || has(before, BENCH_ACCESS_NEXT))
        FUZZ_REQUIRE(access->queue == before->queue);
}

static void check_accesses(const struct bench_trace *trace)
{
    const struct bench_access none = {.line = 0}, *end = &trace->accesses[trace->count - 1];
    uint64_t bytes = 0;
    size_t ends = 0;

    for (size_t i = 0; i < trace->count; i++) {
        const struct bench_access *access = &trace->accesses[i];
        check_access(access);
        check_pair(i > 0 ? access - 1 : &none, access);
        bytes += access->len;
        ends += !has(access, BENCH_ACCESS_NEXT | BENCH_ACCESS_INDIRECT);
    }
    FUZZ_REQUIRE(!has(end, BENCH_ACCESS_NEXT | BENCH_ACCESS_INDIRECT));
    FUZZ_REQUIRE(bytes == trace->bytes && ends == trace->chains);
    FUZZ_REQUIRE(strlen(trace->layout) < sizeof(trace->layout) && strchr(trace->layout, '/') == NULL);
}

static void check_cover(const struct bench_trace *trace)
{
    struct bench_layout *layout = NULL;
    char error[BENCH_ERROR_MAX] = "";
    int result = bench_trace_cover("a.trace", trace, &layout, error, sizeof(error));

    if (result != 0) {
        FUZZ_REQUIRE(result == -EINVAL || result == -ENOMEM);
        fuzz_check_message(error);
        return;
    }
    FUZZ_REQUIRE(layout->count <= 64);
    FUZZ_REQUIRE(bench_trace_fits("a.trace", trace, layout, error, sizeof(error)) == 0);
    bench_layout_free(layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bench_trace *trace = NULL;
    char error[BENCH_ERROR_MAX] = "";
    int result = bench_trace_parse("a.trace", (const char *)data, size, &trace, error, sizeof(error));

    if (result != 0) {
        FUZZ_REQUIRE(trace == NULL && (result == -EINVAL || result == -ENOMEM));
        fuzz_check_message(error);
        return 0;
    }
    FUZZ_REQUIRE(trace->count > 0 && trace->count <= BENCH_TRACE_MAX);
    check_accesses(trace);
    check_cover(trace);
    bench_trace_free(trace);
    return 0;
}
