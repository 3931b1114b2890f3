/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Reader of traces. Chains are checked as a device would have to: what follows an access is decided by its flags, so
 * the reader remembers only the access before. It reads from memory, so that it can be fuzzed.
 */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "number.h"
#include "text.h"

#define MAGIC "# guestmem trace 1"
#define BLANKS " \t"
#define FIRST_CAPACITY ((size_t)1024)

struct reader {
    struct bench_text text;
    struct bench_trace *trace;
    size_t capacity;
    uint16_t queue;
    size_t chain;   /* accesses of the chain so far; 0: none is open */
    uint64_t table; /* entries of the indirect table that may still follow */
};

static const struct {
    const char *word;
    uint16_t flag;
} flag_words[] = {
    {"r", 0},
    {"w", BENCH_ACCESS_WRITE},
    {"next", BENCH_ACCESS_NEXT},
    {"indirect", BENCH_ACCESS_INDIRECT},
    {"inner", BENCH_ACCESS_INNER},
};
#define FLAG_WORDS (sizeof(flag_words) / sizeof(flag_words[0]))

static int parse_number(const struct reader *reader, const char *what, const char *text, uint64_t most, uint64_t *out)
{
    int result = text != NULL ? bench_number(text, out) : -EINVAL;

    if (result == -EINVAL)
        return bench_text_bad(&reader->text, "%s is '%.40s', expected a number such as 4096 or 0x1000", what,
                              text != NULL ? text : "");
    if (result != 0 || *out > most)
        return bench_text_bad(&reader->text, "%s %.40s is above %llu", what, text, (unsigned long long)most);
    return 0;
}

static int parse_flags(const struct reader *reader, char **rest, uint16_t *out)
{
    unsigned seen = 0;
    const char *word;

    while ((word = strtok_r(NULL, BLANKS, rest)) != NULL) {
        size_t i = 0;
        while (i < FLAG_WORDS && strcmp(word, flag_words[i].word) != 0)
            i++;
        if (i == FLAG_WORDS)
            return bench_text_bad(&reader->text, "'%.40s' is none of r, w, next, indirect, inner", word);
        if ((seen & 1U << i) != 0)
            return bench_text_bad(&reader->text, "'%s' stands there twice", word);
        seen |= 1U << i;
        *out |= flag_words[i].flag;
    }
    if ((seen & 3) == 3)
        return bench_text_bad(&reader->text, "r and w exclude each other");
    return 0;
}

static const struct bench_access *previous(const struct reader *reader)
{
    return &reader->trace->accesses[reader->trace->count - 1];
}

/* Does the access before say that an entry of its table comes next? */
static int wants_inner(const struct reader *reader)
{
    if (reader->chain == 0)
        return 0;
    return (previous(reader)->flags & (BENCH_ACCESS_INDIRECT | BENCH_ACCESS_INNER)) != 0;
}

static int check_table(const struct reader *reader, const struct bench_access *access)
{
    if ((access->flags & (BENCH_ACCESS_WRITE | BENCH_ACCESS_NEXT | BENCH_ACCESS_INNER)) != 0)
        return bench_text_bad(&reader->text, "indirect goes with neither w nor next nor inner");
    if (access->len % BENCH_TRACE_DESCRIPTOR != 0)
        return bench_text_bad(&reader->text, "an indirect table of %u bytes; expected a multiple of %d", access->len,
                              BENCH_TRACE_DESCRIPTOR);
    return 0;
}

static int check_chain(const struct reader *reader, const struct bench_access *access)
{
    int inner = (access->flags & BENCH_ACCESS_INNER) != 0;

    if (inner && !wants_inner(reader))
        return bench_text_bad(&reader->text, "inner, but no 'indirect' and no 'inner next' is in the line before");
    if (!inner && wants_inner(reader))
        return bench_text_bad(&reader->text, "expected an entry ('inner') of the table of line %u",
                              previous(reader)->line);
    if (inner && reader->table == 0)
        return bench_text_bad(&reader->text, "more entries than the indirect table has");
    if (reader->chain == BENCH_TRACE_CHAIN_MAX)
        return bench_text_bad(&reader->text, "a chain of more than %d descriptors", BENCH_TRACE_CHAIN_MAX);
    return (access->flags & BENCH_ACCESS_INDIRECT) != 0 ? check_table(reader, access) : 0;
}

static int append(struct reader *reader, const struct bench_access *access)
{
    struct bench_trace *trace = reader->trace;

    if (trace->count == BENCH_TRACE_MAX)
        return bench_text_bad(&reader->text, "more than %d accesses", BENCH_TRACE_MAX);
    if (trace->count == reader->capacity) {
        size_t capacity = reader->capacity != 0 ? reader->capacity * 2 : FIRST_CAPACITY;
        struct bench_access *accesses = realloc(trace->accesses, capacity * sizeof(*accesses));
        if (accesses == NULL)
            return bench_fail(reader->text.error, reader->text.error_size, -ENOMEM, "%s: not enough memory",
                              reader->text.path);
        trace->accesses = accesses;
        reader->capacity = capacity;
    }
    trace->accesses[trace->count++] = *access;
    trace->bytes += access->len;
    return 0;
}

/* An indirect table is the last of its direct descriptors, and its chain goes on inside. */
static void follow(struct reader *reader, const struct bench_access *access)
{
    if (reader->chain == 0)
        reader->trace->chains++;
    reader->chain = (access->flags & (BENCH_ACCESS_NEXT | BENCH_ACCESS_INDIRECT)) != 0 ? reader->chain + 1 : 0;
    if ((access->flags & BENCH_ACCESS_INDIRECT) != 0)
        reader->table = access->len / BENCH_TRACE_DESCRIPTOR;
    else if ((access->flags & BENCH_ACCESS_INNER) != 0)
        reader->table--;
}

static int parse_access(struct reader *reader, const char *address, char **rest)
{
    struct bench_access access = {.line = (uint32_t)reader->text.line, .queue = reader->queue};
    uint64_t len = 0;
    int result = parse_number(reader, "address", address, BENCH_GPA_LAST, &access.gpa);

    if (result == 0)
        result = parse_number(reader, "length", strtok_r(NULL, BLANKS, rest), UINT32_MAX, &len);
    if (result != 0)
        return result;
    if (len == 0)
        return bench_text_bad(&reader->text, "length is 0, expected at least 1");
#ifndef GM_FUZZ_CANARY /* the fuzzer has to find that this check is gone */
    if (len - 1 > BENCH_GPA_LAST - access.gpa)
        return bench_text_bad(&reader->text, "the last byte is past 2^52");
#endif
    access.len = (uint32_t)len;
    result = parse_flags(reader, rest, &access.flags);
    if (result == 0)
        result = check_chain(reader, &access);
    if (result == 0)
        result = append(reader, &access);
    if (result == 0)
        follow(reader, &access);
    return result;
}

static int parse_layout(const struct reader *reader, char **rest)
{
    const char *name = strtok_r(NULL, BLANKS, rest);
    struct bench_trace *trace = reader->trace;

    if (name == NULL || strtok_r(NULL, BLANKS, rest) != NULL)
        return bench_text_bad(&reader->text, "expected 'layout NAME', one word");
    if (trace->layout[0] != '\0' || trace->count > 0)
        return bench_text_bad(&reader->text, "'layout' stands once, before the first access");
    if (strlen(name) >= sizeof(trace->layout) || strchr(name, '/') != NULL || name[0] == '.')
        return bench_text_bad(&reader->text, "'%.40s' is no name of a layout: at most %zu characters, no folder", name,
                              sizeof(trace->layout) - 1);
    memcpy(trace->layout, name, strlen(name) + 1);
    return 0;
}

static int parse_queue(struct reader *reader, char **rest)
{
    uint64_t number = 0;
    int result = parse_number(reader, "queue", strtok_r(NULL, BLANKS, rest), UINT16_MAX, &number);

    if (result != 0)
        return result;
    if (strtok_r(NULL, BLANKS, rest) != NULL)
        return bench_text_bad(&reader->text, "expected 'queue NUMBER' and nothing behind it");
    if (reader->chain != 0)
        return bench_text_bad(&reader->text, "a queue begins inside a chain: line %u says that it goes on",
                              previous(reader)->line);
    reader->queue = (uint16_t)number;
    return 0;
}

static int parse_line(struct reader *reader)
{
    char *text = reader->text.text, *rest = NULL, *word;

    text[strcspn(text, "#")] = '\0';
    word = strtok_r(text, BLANKS, &rest);
    if (word == NULL)
        return 0;
    if (strcmp(word, "layout") == 0)
        return parse_layout(reader, &rest);
    if (strcmp(word, "queue") == 0)
        return parse_queue(reader, &rest);
    if (word[0] < '0' || word[0] > '9')
        return bench_text_bad(&reader->text,
                              "'%.40s', expected '<address> <length> [r|w] [next] [indirect] [inner]', "
                              "'queue N' or 'layout NAME'",
                              word);
    return parse_access(reader, word, &rest);
}

static int read_lines(struct reader *reader)
{
    struct bench_text *text = &reader->text;
    int result;

    while ((result = bench_text_next(text)) > 0) {
        if (text->line == 1 && strcmp(text->text, MAGIC) != 0)
            return bench_text_bad(text, "the first line is not '%s'", MAGIC);
        if ((result = parse_line(reader)) != 0)
            return result;
    }
    if (result != 0)
        return result;
    if (reader->chain != 0)
        return bench_text_bad(text, "the file ends inside a chain: line %u says that it goes on",
                              previous(reader)->line);
    text->line++;
    return reader->trace->count == 0 ? bench_text_bad(text, "no accesses") : 0;
}

void bench_trace_free(struct bench_trace *trace)
{
    if (trace == NULL)
        return;
    free(trace->accesses);
    free(trace);
}

int bench_trace_parse(const char *path, const char *data, size_t size, struct bench_trace **out, char *error,
                      size_t error_size)
{
    struct reader reader = {.trace = calloc(1, sizeof(*reader.trace))};
    int result;

    if (reader.trace == NULL)
        return bench_fail(error, error_size, -ENOMEM, "%s: not enough memory", path);
    bench_text_open(&reader.text, path, data, size, error, error_size);
    result = read_lines(&reader);
    if (result != 0) {
        bench_trace_free(reader.trace);
        return result;
    }
    bench_text_name(path, ".trace", reader.trace->name, sizeof(reader.trace->name));
    *out = reader.trace;
    return 0;
}

int bench_trace_load(const char *path, struct bench_trace **out, char *error, size_t error_size)
{
    char *data;
    size_t size;
    int result = bench_text_load(path, &data, &size, error, error_size);

    if (result == 0)
        result = bench_trace_parse(path, data, size, out, error, error_size);
    free(data);
    return result;
}
