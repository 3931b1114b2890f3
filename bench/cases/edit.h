/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the commit benchmarks share: a space of N regions whose memory is reserved and never mapped in, so
 * that no system call belongs to an edit, and, for some rows, a reader that reads all the while.
 */
#ifndef BENCH_EDIT_H
#define BENCH_EDIT_H

#include "cases.h"

#include "../lib/worker.h"

struct bench_edit {
    struct bench_layout *layout;
    struct bench_space space;
    uint32_t *order; /* regions in random order, EDIT_ORDER of them */
    size_t cursor;
    uint64_t *gpa; /* for the reader */
    size_t gpa_cursor;
    struct bench_worker reader;
};

#define EDIT_ORDER 4096
#define EDIT_READ 16384

/*
 * row->priv becomes the fixture, with row->param regions: 2 to 4 GiB each up to 1 TiB in all, so that edits
 * stay alike in size, or the whole TiB whatever their number when row->text is set. 0, or 1 with
 * row->skipped.
 */
int bench_edit_prepare(struct bench_row *row, const struct bench_session *session, struct bench_edit **out);
void bench_edit_release(struct bench_row *row);

/* Hooks of a member whose fixture is a struct bench_edit: the reader on the second CPU. */
int bench_edit_start_reader(void *fixture);
void bench_edit_stop_reader(void *fixture);

/* What gm_txn_add needs to put a range of the layout back. */
struct gm_region_desc bench_edit_desc(const struct bench_edit *edit, const struct bench_range *range);

/* One transaction that removes the region and one that puts it back. Returns 0 or -errno. */
int bench_edit_toggle(struct bench_edit *edit, unsigned flags);

#endif
