/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What every file of this folder includes, and the one function that each of them exports to list.c. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include <guestmem/guestmem.h>

#include "../lib/session.h"

/* The program exists twice: linked statically, and against the shared library; some costs differ. */
#ifdef BENCH_TWIN
#define BENCH_LINK "shared"
#else
#define BENCH_LINK "static"
#endif

/* The links whose rows this program has: its own, and those of its twin. Ends with NULL. */
extern const char *const bench_links[];

bench_case bench_case_translate_call;
bench_case bench_case_translate_hot;
bench_case bench_case_translate_inline;
bench_case bench_case_translate_dependent;
bench_case bench_case_batch;
bench_case bench_case_linear;
bench_case bench_case_pin;
bench_case bench_case_one_by_one;
bench_case bench_case_readers_and_writer;
bench_case bench_case_readers_writers;
bench_case bench_case_commit_rate;
bench_case bench_case_threads;
bench_case bench_case_pages;
bench_case bench_case_trace;
bench_case bench_case_virtqueue;
bench_case bench_case_edit;
bench_case bench_case_edit_more;
bench_case bench_case_transaction;
bench_case bench_case_grace;
bench_case bench_case_metadata;
bench_case bench_case_region_of;
bench_case bench_case_access;
bench_case bench_case_access_atomic;
bench_case bench_case_access_copy;
bench_case bench_case_access_shapes;
bench_case bench_case_dirty_mark;
bench_case bench_case_dirty_harvest;
bench_case bench_case_dirty_merge;
bench_case bench_case_alloc_ranges;
bench_case bench_case_alloc_counted;
bench_case bench_case_alloc_release;
bench_case bench_case_alloc_threads;
bench_case bench_case_alloc_restore;
bench_case bench_case_alloc_ids;

#endif
