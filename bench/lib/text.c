/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Lines of a buffer, and files into buffers. Nothing here knows what the lines mean. */
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define FIRST_ROOM ((size_t)1 << 16)
#define PATH_SHOWN 200 /* of a longer path the end, which tells files apart */

static const char *shown(const char *path)
{
    size_t length = strlen(path);

    return length > PATH_SHOWN ? path + length - PATH_SHOWN : path;
}

static int read_all(FILE *file, char **data, size_t *size)
{
    size_t room = FIRST_ROOM;
    char *grown;

    for (;;) {
        grown = realloc(*data, room);
        if (grown == NULL)
            return -ENOMEM;
        *data = grown;
        *size += fread(*data + *size, 1, room - *size, file);
        if (ferror(file) != 0)
            return errno != 0 ? -errno : -EIO;
        if (*size < room)
            return 0;
        if (room >= BENCH_FILE_MAX)
            return -EFBIG;
        room *= 2;
    }
}

int bench_text_load(const char *path, char **data, size_t *size, char *error, size_t error_size)
{
    FILE *file = fopen(path, "re");
    int result = file == NULL ? -errno : 0;

    *data = NULL;
    *size = 0;
    if (file != NULL) {
        result = read_all(file, data, size);
        fclose(file);
    }
    if (result == 0)
        return 0;
    free(*data);
    *data = NULL;
    if (result == -EFBIG)
        return bench_fail(error, error_size, result, "%s: not shorter than %zu MiB", shown(path), BENCH_FILE_MAX >> 20);
    return bench_fail(error, error_size, result, "%s: %s", shown(path), strerror(-result));
}

void bench_text_open(struct bench_text *text, const char *path, const char *data, size_t size, char *error,
                     size_t error_size)
{
    text->path = path;
    text->line = 0;
    text->at = data;
    text->left = size;
    text->error = error;
    text->error_size = error_size;
    text->text[0] = '\0';
}

int bench_text_bad(const struct bench_text *text, const char *format, ...)
{
    char what[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    return bench_fail(text->error, text->error_size, -EINVAL, "%s:%zu: %s", shown(text->path), text->line, what);
}

/* What else would be shown to a terminal, or end a string before its time. */
static int check_bytes(const struct bench_text *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text->at[i];
        if (byte == '\r' && i + 1 == length)
            return bench_text_bad(text, "ends in CR LF, as on Windows; expected LF alone");
        if ((byte < 0x20 && byte != '\t') || byte >= 0x7f)
            return bench_text_bad(text, "byte 0x%02x in column %zu is not ASCII text", byte, i + 1);
    }
    return 0;
}

int bench_text_next(struct bench_text *text)
{
    const char *end;
    size_t length;

    if (text->left == 0)
        return 0;
    text->line++;
    end = memchr(text->at, '\n', text->left);
    length = end != NULL ? (size_t)(end - text->at) : text->left;
    if (length > BENCH_LINE_MAX)
        return bench_text_bad(text, "longer than %d bytes", BENCH_LINE_MAX);
    if (check_bytes(text, length) != 0)
        return -EINVAL;
    if (end == NULL)
        return bench_text_bad(text, "no newline at the end: the file was cut off or is not text");
    memcpy(text->text, text->at, length);
    text->text[length] = '\0';
    text->at += length + 1;
    text->left -= length + 1;
    return 1;
}

void bench_text_name(const char *path, const char *suffix, char *out, size_t size)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    size_t length = strlen(name), cut = strlen(suffix);

    if (length > cut && strcmp(name + length - cut, suffix) == 0)
        length -= cut;
    snprintf(out, size, "%.*s", (int)(length < size ? length : size), name);
}
