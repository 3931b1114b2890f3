/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The parts of the self-test of the inputs: each looks at one thing and reports what is not true, so that one
 * run shows all that is wrong.
 */
#ifndef BENCH_CHECKS_H
#define BENCH_CHECKS_H

#include "internal.h"

#define CHECK_SEED 20260101
#define CHECK_ANSWERS 3000 /* of each stream are compared one by one: linear scans of 32764 ranges are slow */

#define CHECK(condition, ...)                                                                                \
    ((condition) ? (void)0 : bench_check_failed(__FILE__, __LINE__, #condition, __VA_ARGS__))

/* Counts, and prints the first ones. */
__attribute__((format(printf, 4, 5))) void bench_check_failed(const char *file, int line,
                                                              const char *condition, const char *format,
                                                              ...);
unsigned bench_check_failures(void);

static inline uint64_t bench_range_hva(const struct bench_layout *layout, const struct bench_range *range)
{
    const struct bench_object *object = &layout->objects[range->object];

    return (uintptr_t)object->base + object->phase + range->offset;
}

#define CHECK_PATH 512
#define CHECK_LAYOUT_HEAD "# guestmem layout 1\n"

/* Write text to a temporary file and load it; the file's name is in path afterwards, the file is gone. */
int bench_check_load_text(const char *text, char path[CHECK_PATH], struct bench_layout **out, char *error,
                          size_t error_size);

void bench_check_reader(void);
void bench_check_options(void);
void bench_check_trace(void);
void bench_check_uniform(const struct bench_layout *layout, size_t regions);
void bench_check_mixed(const struct bench_layout *layout);
void bench_check_memory(struct bench_layout *layout);
void bench_check_streams(const struct bench_layout *layout);
void bench_check_floor_batch(void);
void bench_check_alloc(void);
void bench_check_alloc_loosely(void);
void bench_check_peers(const struct bench_layout *layout);
void bench_check_access_peers(struct bench_layout *layout); /* makes its memory accessible */
void bench_check_pin_peers(void);
void bench_check_dirty_peers(void);
void bench_check_answers(const struct bench_layout *layout); /* the calling thread is a registered reader */

#endif
