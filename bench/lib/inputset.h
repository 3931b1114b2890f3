/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The list of inputs of a session: layout files first, then the synthetic ones. */
#ifndef BENCH_INPUTSET_H
#define BENCH_INPUTSET_H

#include <stddef.h>

struct bench_input;
struct bench_session;

/* 0, or the exit status after a message that names the file that cannot be used. */
int bench_inputs_open(struct bench_session *session);
void bench_inputs_close(struct bench_session *session);

/* The synthetic input with so many regions; NULL if there is none. */
const struct bench_input *bench_input_even(const struct bench_session *session, size_t regions);

#endif
