/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What a finished session is turned into: a table for people, JSON for programs, a folder for the record. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "session.h"

/* The table, the summary and the environment on stdout. */
void bench_report_print(const struct bench_session *session);

/* The report as JSON, schema 1; path "-" is stdout. 0, or -errno and no message. */
int bench_report_json(const struct bench_session *session, const char *path);

/* The folder of this session's record: <root>/<machine>/<date>-<revision>. */
void bench_report_where(const struct bench_session *session, const char *root, char *where, size_t size);

/*
 * Makes that folder, with headline.json and env.txt. Nothing that is there is ever overwritten: -EEXIST.
 * 0 or -errno.
 */
int bench_report_record(const struct bench_session *session, const char *root);

#endif
