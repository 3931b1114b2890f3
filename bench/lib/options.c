/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The command line of guestmem-bench: getopt finds the options, a table says what each of them takes. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "number.h"
#include "usage.h"

#define ADDRESSES ((uint64_t)1 << 18)
#define ADDRESSES_MIN (1 << 17) /* fewer, and branch predictors learn the sequence */
#define ADDRESSES_MAX (1 << 26)

#ifdef GM_FUZZ_CANARY
#define LIST_FULL (BENCH_MAX_LIST + 1) /* the fuzzer has to find this */
#else
#define LIST_FULL BENCH_MAX_LIST
#endif

const char *const bench_pages_names[BENCH_PAGES_KINDS + 1] = {"4k", "thp", "2m", "1g", NULL};

/* What is written, and where: `offset` is that of a member of struct bench_options. */
enum takes { SWITCH, EFFORT, TEXT, FILES, NUMBER, POWER, LIST, PAGES };

struct rule {
    const char *name;
    enum takes takes;
    size_t offset, count_offset;
    uint64_t least, most;
};

#define AT(member) offsetof(struct bench_options, member)

/* FILES: at most `most` of them. */
static const struct rule rules[] = {
    {.name = "quick", .takes = EFFORT},
    {.name = "default", .takes = EFFORT},
    {.name = "full", .takes = EFFORT},
    {.name = "filter", .takes = TEXT, .offset = AT(filter)},
    {.name = "list", .takes = SWITCH, .offset = AT(list)},
    {"layout", FILES, AT(layouts), AT(layout_count), 0, BENCH_MAX_LAYOUTS},
    {.name = "layout-dir", .takes = TEXT, .offset = AT(layout_dir)},
    {"trace", FILES, AT(traces), AT(trace_count), 0, BENCH_MAX_TRACES},
    {"regions", LIST, AT(regions), 0, 1, BENCH_MAX_RANGES},
    {"pages", PAGES, AT(pages), 0, 0, 0},
    {"addresses", POWER, AT(addresses), 0, ADDRESSES_MIN, ADDRESSES_MAX},
    {"seed", NUMBER, AT(seed), 0, 0, UINT64_MAX},
    {"threads", LIST, AT(threads), 0, 1, BENCH_MAX_THREADS},
    {"readers", NUMBER, AT(readers), 0, 1, BENCH_MAX_THREADS},
    {"writers", NUMBER, AT(writers), 0, 1, BENCH_MAX_THREADS},
    {.name = "force", .takes = SWITCH, .offset = AT(force)},
    {.name = "no-counters", .takes = SWITCH, .offset = AT(no_counters)},
    {.name = "only-member", .takes = TEXT, .offset = AT(only_member)},
    {"seconds", NUMBER, AT(seconds), 0, 1, 3600},
    {.name = "json", .takes = TEXT, .offset = AT(json)},
    {.name = "raw", .takes = TEXT, .offset = AT(raw)},
    {.name = "rows", .takes = TEXT, .offset = AT(rows)},
    {.name = "record", .takes = TEXT, .offset = AT(record)},
    {.name = "help", .takes = SWITCH, .offset = AT(help)},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))
#define FIRST_OPTION 256 /* beyond the letters of short options, which there are none of */

struct reader {
    struct bench_options *options;
    char *error;
    size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int usage(const struct reader *reader, const char *format, ...)
{
    char what[400];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    return bench_fail(reader->error, reader->error_size, -EINVAL, "%s (see --help)", what);
}

static void *member_of(const struct reader *reader, size_t offset)
{
    return (char *)reader->options + offset;
}

static int take_number(const struct reader *reader, const struct rule *rule, const char *text, uint64_t *out)
{
    const char *kind = rule->takes == POWER ? "a power of two" : rule->takes == LIST ? "numbers, each" : "a number";
    uint64_t value;
    int result = bench_number_scaled(text, &value);

    if (result != 0 || value < rule->least || value > rule->most ||
        (rule->takes == POWER && (value & (value - 1)) != 0))
        return usage(reader, "--%s takes %s from %llu to %llu, not '%.60s'", rule->name, kind,
                     (unsigned long long)rule->least, (unsigned long long)rule->most, text);
    *out = value;
    return 0;
}

static int take_page(const struct reader *reader, const char *word, uint64_t *out)
{
    for (uint64_t i = 0; i < BENCH_PAGES_KINDS; i++) {
        if (strcmp(word, bench_pages_names[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return usage(reader, "--pages takes some of 4k, thp, 2m, 1g, not '%.60s'", word);
}

static int take_word(const struct reader *reader, const struct rule *rule, const char *word, struct bench_list *list)
{
    uint64_t value = 0;
    int result = rule->takes == PAGES ? take_page(reader, word, &value) : take_number(reader, rule, word, &value);

    if (result != 0)
        return result;
    for (size_t i = 0; i < list->count; i++)
        if (list->value[i] == value)
            return usage(reader, "--%s has '%.60s' twice", rule->name, word);
    if (list->count == LIST_FULL)
        return usage(reader, "--%s takes at most %d entries", rule->name, BENCH_MAX_LIST);
    list->value[list->count++] = value;
    return 0;
}

/* A list replaces the one of the same option before. */
static int take_list(const struct reader *reader, const struct rule *rule, const char *text)
{
    struct bench_list list = {.count = 0};
    int result = 0;

    while (result == 0) {
        size_t length = strcspn(text, ",");
        char word[64];
        if (length >= sizeof(word))
            return usage(reader, "--%s has an entry that is too long: '%.60s'", rule->name, text);
        memcpy(word, text, length);
        word[length] = '\0';
        result = take_word(reader, rule, word, &list);
        if (text[length] == '\0')
            break;
        text += length + 1;
    }
    if (result == 0)
        *(struct bench_list *)member_of(reader, rule->offset) = list;
    return result;
}

static int take_file(const struct reader *reader, const struct rule *rule, const char *text)
{
    const char **files = member_of(reader, rule->offset);
    size_t *count = member_of(reader, rule->count_offset);

    if (*count == rule->most)
        return usage(reader, "--%s may be given %llu times, '%.100s' is one more", rule->name,
                     (unsigned long long)rule->most, text);
    files[(*count)++] = text;
    return 0;
}

static int take(const struct reader *reader, const struct rule *rule, const char *text)
{
    if (text != NULL && text[0] == '\0')
        return usage(reader, "--%s: its value is empty", rule->name);
    switch (rule->takes) {
    case SWITCH:
        *(int *)member_of(reader, rule->offset) = 1;
        return 0;
    case EFFORT:
        reader->options->effort = rule->name;
        return 0;
    case TEXT:
        *(const char **)member_of(reader, rule->offset) = text;
        return 0;
    case FILES:
        return take_file(reader, rule, text);
    case LIST:
    case PAGES:
        return take_list(reader, rule, text);
    case NUMBER:
    case POWER:
    default:
        return take_number(reader, rule, text, member_of(reader, rule->offset));
    }
}

/* getopt leaves the word that it could not use before optind, or at it in the middle of a cluster of letters. */
static const char *offending(int argc, char **argv)
{
    const char *at = optind < argc ? argv[optind] : "";

    if (optopt > 0 && optopt < FIRST_OPTION && at[0] == '-' && at[1] == (char)optopt)
        return at;
    return argv[optind - 1];
}

static int unknown(const struct reader *reader, const char *word)
{
    const char *names[RULES + 1] = {NULL}, *nearest;
    char name[64];

    for (size_t i = 0; i < RULES; i++)
        names[i] = rules[i].name;
    snprintf(name, sizeof(name), "%s", word + strspn(word, "-"));
    if (name[strcspn(name, "=")] == '=') {
        name[strcspn(name, "=")] = '\0';
        for (size_t i = 0; i < RULES; i++)
            if (strcmp(name, rules[i].name) == 0)
                return usage(reader, "--%s takes no value: '%.60s'", name, word);
    }
    nearest = bench_nearest(name, names);
    if (nearest == NULL)
        return usage(reader, "unknown option '%.60s'", word);
    return usage(reader, "unknown option '%.60s'; is --%s meant?", word, nearest);
}

static int check_threads(const struct reader *reader, int cpus)
{
    const struct bench_options *options = reader->options;
    const struct bench_list *threads = &options->threads;
    uint64_t both = options->readers + options->writers;

    if (options->force)
        return 0;
    for (size_t i = 0; i < threads->count; i++)
        if (threads->value[i] > (uint64_t)cpus)
            return usage(reader, "--threads %llu: this process has %d CPUs; --force measures it all the same",
                         (unsigned long long)threads->value[i], cpus);
    if (both > (uint64_t)cpus)
        return usage(reader, "--readers %llu and --writers %llu: this process has %d CPUs; --force measures it all "
                     "the same", (unsigned long long)options->readers, (unsigned long long)options->writers, cpus);
    return 0;
}

static int check(const struct reader *reader, int cpus)
{
    struct bench_options *options = reader->options;

    if (options->readers != 0 || options->writers != 0) {
        options->readers += options->readers == 0;
        options->writers += options->writers == 0;
    }
    if (options->trace_count > 0 && options->layout_count > 1)
        return usage(reader, "--trace with %zu times --layout: give the one that the trace belongs to, or none",
                     options->layout_count);
    return check_threads(reader, cpus);
}

static int run(const struct reader *reader, int argc, char **argv)
{
    struct option long_options[RULES + 1];
    int option, result;

    memset(long_options, 0, sizeof(long_options));
    for (size_t i = 0; i < RULES; i++) {
        int value = rules[i].takes != SWITCH && rules[i].takes != EFFORT;
        long_options[i] = (struct option){rules[i].name, value ? required_argument : no_argument, NULL,
                                          FIRST_OPTION + (int)i};
    }
    opterr = 0;
    optind = 0; /* also forgets the scan before */
    while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (option == '?')
            return unknown(reader, offending(argc, argv));
        if (option == ':')
            return usage(reader, "a value is missing after %.60s", argv[optind - 1]);
        const struct rule *rule = &rules[option - FIRST_OPTION];
        if (optarg != NULL && optarg == argv[optind - 1] && strncmp(optarg, "--", 2) == 0)
            return usage(reader, "a value is missing after --%s; '%.60s' is an option", rule->name, optarg);
        result = take(reader, rule, optarg);
        if (result != 0)
            return result;
    }
    return optind < argc ? usage(reader, "unexpected argument '%.60s'", argv[optind]) : 0;
}

int bench_options_parse(struct bench_options *options, int argc, char **argv, int cpus, char *error,
                        size_t error_size)
{
    const struct reader reader = {options, error, error_size};
    int result;

    memset(options, 0, sizeof(*options));
    options->effort = "default";
    options->seed = 1;
    options->addresses = ADDRESSES;
    options->pages = (struct bench_list){{BENCH_PAGES_4K, BENCH_PAGES_THP}, 2};
    result = run(&reader, argc, argv);
    return result != 0 || options->help ? result : check(&reader, cpus);
}
