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
    bench_case_batch,
    bench_case_linear,
#endif
    bench_case_pin,
    bench_case_one_by_one,
#ifndef BENCH_TWIN
    bench_case_readers_and_writer,
#endif
    bench_case_edit,
#ifndef BENCH_TWIN
    bench_case_edit_more,
    bench_case_transaction,
    bench_case_grace,
    bench_case_metadata,
#endif
    NULL,
};
