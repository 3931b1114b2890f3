/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The list of inputs of a session: layout files first, then the synthetic ones; and its traces. */
#ifndef BENCH_INPUTSET_H
#define BENCH_INPUTSET_H

#include <stddef.h>

struct bench_input;
struct bench_session;

/* 0, or the exit status after a message that names the file that cannot be used. */
int bench_inputs_open(struct bench_session *session);
void bench_inputs_close(struct bench_session *session);

/* The synthetic input with so many regions, added for this case where --regions left it out; NULL: no room for it. */
const struct bench_input *bench_input_even(struct bench_session *session, size_t regions);

/* A guest of ordinary size: the recorded one of 64 GiB, or whatever guest the user gave first. */
const struct bench_input *bench_input_guest(const struct bench_session *session);

/* The folder of the recorded layouts: the one asked for, the installed one, or that of the source tree. */
void bench_inputs_folder(const struct bench_session *session, char *out, size_t size);

#endif
