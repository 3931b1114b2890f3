/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#ifndef BENCH_ALLOC_IDS_H
#define BENCH_ALLOC_IDS_H

#include "../lib/arena.h"
#include "../lib/row.h"

#define BENCH_NO_ID UINT32_MAX
#define BENCH_NO_IDS "allocation of ids is not in this library yet"

/* For one thread, and for any number; neither knows which ids are free. */
extern const struct bench_ids bench_ids_floor_alone, bench_ids_floor_shared;

#endif
