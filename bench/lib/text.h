/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Text files that people or programs wrote for us, read as hostile: the parsers above this see one line at a time,
 * bounded in length and made of printable ASCII, so that they may quote it in a message to a terminal. They work on
 * a buffer; who has a file loads it first.
 */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_FILE_MAX ((size_t)256 << 20) /* [bytes] a layout or a trace is shorter */
#define BENCH_LINE_MAX 1000                /* [bytes] of a line, without its newline */
#define BENCH_ERROR_MAX 512                /* [bytes] that hold every message of the parsers */

struct bench_text {
    const char *path; /* for messages only */
    size_t line;      /* of the line in `text`, from 1 */
    const char *at;
    size_t left;
    char *error;
    size_t error_size;
    char text[BENCH_LINE_MAX + 1];
};

/*
 * A whole file; *data is for free(). A file that never ends (a device, a pipe) is refused like one that is too long.
 * Returns 0; -EFBIG, -ENOMEM, or what opening and reading said, with a message in error.
 */
int bench_text_load(const char *path, char **data, size_t *size, char *error, size_t error_size);

/* Begin at the first line; the buffer has to stay. */
void bench_text_open(struct bench_text *text, const char *path, const char *data, size_t size, char *error,
                     size_t error_size);

/* Returns 1 with the next line in text->text; 0 at the end; -EINVAL: no line of text, and error says which and why. */
int bench_text_next(struct bench_text *text);

/* Writes "path:line: what" to the error. Returns -EINVAL. */
__attribute__((format(printf, 2, 3))) int bench_text_bad(const struct bench_text *text, const char *format, ...);

/* The name of what a file describes: without its folder, and without the suffix if it has that. Cut if too long. */
void bench_text_name(const char *path, const char *suffix, char *out, size_t size);

#endif
