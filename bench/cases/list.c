/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The cases, in the order of the report. An explicit table and no constructors, so that the order is the same
 * in every build. The program that is linked against the shared library has only those whose cost differs
 * there.
 */
#include "cases.h"

const char *const bench_links[] = {
#ifndef BENCH_TWIN
    "static",
#endif
    "shared",
    NULL,
};

bench_case *const bench_cases[] = {
#ifndef BENCH_TWIN
    bench_case_translate_call,
    bench_case_translate_inline,
    bench_case_translate_dependent,
    bench_case_translate_hot,
    bench_case_region_of,
    bench_case_batch,
    bench_case_linear,
#endif
    bench_case_pin,
    bench_case_one_by_one,
#ifndef BENCH_TWIN
    bench_case_readers_and_writer,
    bench_case_readers_writers,
    bench_case_commit_rate,
    bench_case_threads,
    bench_case_pages,
    bench_case_trace,
    bench_case_virtqueue,
#endif
    bench_case_edit,
#ifndef BENCH_TWIN
    bench_case_edit_more,
    bench_case_transaction,
    bench_case_grace,
    bench_case_metadata,
    bench_case_alloc_ranges,
    bench_case_alloc_counted,
    bench_case_alloc_release,
    bench_case_alloc_threads,
    bench_case_alloc_restore,
    bench_case_alloc_ids,
    bench_case_dirty_mark,
    bench_case_dirty_harvest,
    bench_case_dirty_merge,
    bench_case_access,
    bench_case_access_atomic,
    bench_case_access_copy,
    bench_case_access_shapes,
#endif
    NULL,
};
