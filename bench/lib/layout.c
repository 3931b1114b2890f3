/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Reader of layout files. It is as strict as the script that writes them, because a map with a silent mistake
 * in it would be measured as if it were a machine; and it says file and line, because people will write such
 * files for their own machines by hand. It reads from memory, so that it can be fuzzed.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define MAGIC "# guestmem layout 1"
#define FIELDS 6
#define FIRST_CAPACITY 64

struct reader {
    struct bench_text text;
    struct bench_layout *layout;
    size_t capacity;
    char **object_names; /* one for each range; NULL for devices */
};

/*
 * Exactly what the writer prints: 0x and 1 to 16 lower-case digits. strtoull would also take signs and
 * spaces.
 */
static int parse_hex(struct reader *reader, const char *field, const char *text, uint64_t *out)
{
    size_t digits = strlen(text) >= 2 ? strlen(text) - 2 : 0;

    if (strncmp(text, "0x", 2) != 0 || digits == 0 || digits > 16 ||
        strspn(text + 2, "0123456789abcdef") != digits)
        return bench_text_bad(&reader->text, "%s is '%.40s', not 0x and 1 to 16 lower-case hexadecimal digits",
                              field, text);
    *out = strtoull(text + 2, NULL, 16);
    return 0;
}

static int parse_kind(struct reader *reader, const char *text, enum bench_kind *out)
{
    static const char *const words[] = {[BENCH_RAM] = "ram", [BENCH_ROM] = "rom", [BENCH_DEVICE] = "device"};

    for (unsigned kind = 0; kind < sizeof(words) / sizeof(words[0]); kind++) {
        if (strcmp(text, words[kind]) == 0) {
            *out = (enum bench_kind)kind;
            return 0;
        }
    }
    return bench_text_bad(&reader->text, "kind is '%.40s', not ram, rom or device", text);
}

static int split(struct reader *reader, char *text, char *field[FIELDS])
{
    size_t count = 0;

    for (char *next = text; next != NULL; count++) {
        char *space = strchr(next, ' ');
        if (space != NULL)
            *space++ = '\0';
        if (*next == '\0' || count == FIELDS)
            break;
        field[count] = next;
        next = space;
        if (next == NULL && count == FIELDS - 1)
            return 0;
    }
    return bench_text_bad(&reader->text,
                          "not '<first> <last> <ram|rom|device> <object> <offset> <name>', single spaces");
}

static int check_range(struct reader *reader, const struct bench_range *range, const char *object)
{
    const struct bench_layout *layout = reader->layout;
    const struct bench_range *before = layout->count > 0 ? &layout->ranges[layout->count - 1] : NULL;

#ifndef GM_FUZZ_CANARY /* the fuzzer has to find that this check is gone */
    if (range->first > range->last)
        return bench_text_bad(&reader->text, "first 0x%llx is above last 0x%llx",
                              (unsigned long long)range->first, (unsigned long long)range->last);
#endif
    if (range->last > BENCH_GPA_LAST)
        return bench_text_bad(&reader->text, "last 0x%llx is past 2^52", (unsigned long long)range->last);
    if (before != NULL && range->first < before->first)
        return bench_text_bad(&reader->text, "not sorted: first is below that of the range before ('%s')",
                              before->name);
    if (before != NULL && range->first <= before->last)
        return bench_text_bad(&reader->text, "overlaps the range before ('%s')", before->name);
    if ((range->kind == BENCH_DEVICE) != (strcmp(object, "-") == 0))
        return bench_text_bad(&reader->text, "device ranges have the object '-', and only they");
    if (range->kind == BENCH_DEVICE && range->offset != 0)
        return bench_text_bad(&reader->text, "device ranges have the offset 0x0");
    if (range->offset > BENCH_GPA_LAST)
        return bench_text_bad(&reader->text, "offset 0x%llx is past 2^52", (unsigned long long)range->offset);
    return 0;
}

static int grow(struct reader *reader)
{
    struct bench_layout *layout = reader->layout;
    size_t capacity = reader->capacity * 2;

    if (layout->count < reader->capacity)
        return 0;
    if (layout->count == BENCH_MAX_RANGES)
        return bench_text_bad(&reader->text, "more than %d ranges", BENCH_MAX_RANGES);
    struct bench_range *ranges = realloc(layout->ranges, capacity * sizeof(*ranges));
    if (ranges != NULL)
        layout->ranges = ranges;
    char **names = realloc(reader->object_names, capacity * sizeof(*names));
    if (names != NULL)
        reader->object_names = names;
    if (ranges == NULL || names == NULL)
        return -ENOMEM;
    reader->capacity = capacity;
    return 0;
}

static int parse_range(struct reader *reader, char *text)
{
    struct bench_layout *layout = reader->layout;
    struct bench_range range = {.object = BENCH_NO_OBJECT};
    char *field[FIELDS] = {NULL};
    char *object = NULL;
    int result = split(reader, text, field);

    if (result != 0)
        return result;
    result = parse_hex(reader, "first", field[0], &range.first);
    if (result == 0)
        result = parse_hex(reader, "last", field[1], &range.last);
    if (result == 0)
        result = parse_kind(reader, field[2], &range.kind);
    if (result == 0)
        result = parse_hex(reader, "offset", field[4], &range.offset);
    if (result == 0)
        result = check_range(reader, &range, field[3]);
    if (result == 0)
        result = grow(reader);
    if (result != 0)
        return result;
    if (range.kind != BENCH_DEVICE && (object = strdup(field[3])) == NULL)
        return -ENOMEM;
    snprintf(range.name, sizeof(range.name), "%s", field[5]);
    reader->object_names[layout->count] = object;
    layout->ranges[layout->count++] = range;
    return 0;
}

static int read_lines(struct reader *reader)
{
    struct bench_text *text = &reader->text;
    int result;

    while ((result = bench_text_next(text)) > 0) {
        if (text->line == 1 && strcmp(text->text, MAGIC) != 0)
            return bench_text_bad(text, "the first line is not '%s'", MAGIC);
        if (text->text[0] != '#' && (result = parse_range(reader, text->text)) != 0)
            return result;
    }
    if (result == 0 && reader->layout->count == 0) {
        text->line++;
        return bench_text_bad(text, "no ranges");
    }
    return result;
}

struct named {
    const char *name;
    size_t range;
};

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct named *)left)->name, ((const struct named *)right)->name);
}

/* Equal names are one object. Sorting finds them without a table of names. */
static int number_objects(struct reader *reader)
{
    struct bench_layout *layout = reader->layout;
    struct named *named = calloc(layout->count, sizeof(*named));
    size_t count = 0;

    if (named == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < layout->count; i++) {
        if (reader->object_names[i] != NULL)
            named[count++] = (struct named){reader->object_names[i], i};
    }
    qsort(named, count, sizeof(*named), by_name);
    layout->objects = calloc(count + 1, sizeof(*layout->objects));
    for (size_t i = 0; layout->objects != NULL && i < count; i++) {
        if (i == 0 || strcmp(named[i].name, named[i - 1].name) != 0) {
            struct bench_object *object = &layout->objects[layout->object_count++];
            snprintf(object->name, sizeof(object->name), "%s", named[i].name);
        }
        layout->ranges[named[i].range].object = (uint32_t)(layout->object_count - 1);
    }
    free(named);
    return layout->objects == NULL ? -ENOMEM : 0;
}

/* What holds for all ranges together, and the host addresses. */
static int finish(struct reader *reader)
{
    char fault[256] = "";
    int result = number_objects(reader);

    if (result != 0)
        return result;
    result = bench_layout_finish(reader->layout, reader->layout->count, fault, sizeof(fault));
    if (result == 0 && reader->layout->ram_count == 0)
        result = bench_fail(fault, sizeof(fault), -EINVAL, "no range is ram");
    return result == 0 ? 0
                       : bench_fail(reader->text.error, reader->text.error_size, result, "%s: %s",
                                    reader->text.path, fault);
}

int bench_layout_parse(const char *path, const char *data, size_t size, struct bench_layout **out, char *error,
                       size_t error_size)
{
    struct reader reader = {.capacity = FIRST_CAPACITY};
    int result = -ENOMEM;

    bench_text_open(&reader.text, path, data, size, error, error_size);
    bench_fail(error, error_size, 0, "%s: not enough memory", path);
    reader.object_names = malloc(reader.capacity * sizeof(*reader.object_names));
    reader.layout = bench_layout_new(reader.capacity, 0);
    if (reader.object_names != NULL && reader.layout != NULL)
        result = read_lines(&reader);
    if (result == 0)
        result = finish(&reader);
    for (size_t i = 0; reader.layout != NULL && reader.object_names != NULL && i < reader.layout->count; i++)
        free(reader.object_names[i]);
    free(reader.object_names);
    if (result != 0) {
        bench_layout_free(reader.layout);
        return result;
    }
    bench_fail(error, error_size, 0, "%s", "");
    bench_text_name(path, ".layout", reader.layout->name, sizeof(reader.layout->name));
    *out = reader.layout;
    return 0;
}

int bench_layout_load(const char *path, struct bench_layout **out, char *error, size_t error_size)
{
    char *data;
    size_t size;
    int result = bench_text_load(path, &data, &size, error, error_size);

    if (result == 0)
        result = bench_layout_parse(path, data, size, out, error, error_size);
    free(data);
    return result;
}
