/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The command line of guestmem-bench. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES (1 << 18)
#define ADDRESSES_MIN (1 << 17) /* fewer, and branch predictors learn the sequence */
#define ADDRESSES_MAX (1 << 26)

static const char help[] =
    "usage: guestmem-bench [options]\n"
    "Measures translation, pins and commits of guestmem on real and made-up memory layouts, beside a floor "
    "and\n"
    "competitors in the same process, and prints one row for each target. The exit status is 0 whether or "
    "not\n"
    "targets are met; 2 for a mistake in the usage; 3 when a translation is wrong.\n"
    "\n"
    "  --quick              at most 40 seconds; the default takes up to 3 minutes\n"
    "  --full               a quarter of an hour, long repetitions: for numbers that are kept\n"
    "  --filter REGEX       only rows whose id/name matches (extended regular expression)\n"
    "  --list               print the names of the rows and measure nothing\n"
    "  --layout FILE        measure this layout instead of the real ones (may be given again)\n"
    "  --layout-dir DIR     take the real layouts from here\n"
    "  --json FILE          write the report as JSON; - for standard output, without the table\n"
    "  --raw FILE           write every repetition as google-benchmark JSON\n"
    "  --record DIR         write DIR/<machine>/<date>-<revision>/; refuses on a machine that is not quiet\n"
    "  --seed N             of addresses and made-up layouts\n"
    "  --addresses N        distinct addresses in a stream, a power of two from 131072 (262144)\n"
    "  --rows FILE          write rows as tab-separated text and no table\n"
    "  --help               this text\n"
    "\n"
    "examples:\n"
    "  guestmem-bench --quick\n"
    "  guestmem-bench --filter '^T1/.*/call/' --layout my-guest.layout\n"
    "  guestmem-bench --filter '^(T5|T6)' --json pins.json\n"
    "  guestmem-bench --full --record results\n";

enum {
    QUICK = 256,
    DEFAULT,
    FULL,
    FILTER,
    LIST,
    LAYOUT,
    LAYOUT_DIR,
    JSON,
    RAW,
    RECORD,
    SEED,
    COUNT,
    ROWS,
    HELP
};

static const struct option long_options[] = {
    {"quick", no_argument, NULL, QUICK},
    {"default", no_argument, NULL, DEFAULT},
    {"full", no_argument, NULL, FULL},
    {"filter", required_argument, NULL, FILTER},
    {"list", no_argument, NULL, LIST},
    {"layout", required_argument, NULL, LAYOUT},
    {"layout-dir", required_argument, NULL, LAYOUT_DIR},
    {"json", required_argument, NULL, JSON},
    {"raw", required_argument, NULL, RAW},
    {"record", required_argument, NULL, RECORD},
    {"seed", required_argument, NULL, SEED},
    {"addresses", required_argument, NULL, COUNT},
    {"rows", required_argument, NULL, ROWS},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "guestmem-bench: %s%s (see --help)\n", what, value);
    return BENCH_EXIT_USAGE;
}

static int number(const char *text, uint64_t *out)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return 0;
    *out = strtoull(text, &end, 0);
    return *end == '\0';
}

static int set_addresses(struct bench_options *options, const char *text)
{
    uint64_t count;

    if (!number(text, &count) || count < ADDRESSES_MIN || count > ADDRESSES_MAX || (count & (count - 1)) != 0)
        return usage("--addresses takes a power of two from 131072 to 67108864, not ", text);
    options->addresses = count;
    return -1;
}

static int add_layout(struct bench_options *options, const char *path)
{
    if (options->layout_count == BENCH_MAX_LAYOUTS)
        return usage("too many layouts: ", path);
    options->layouts[options->layout_count++] = path;
    return -1;
}

/* Options that only store their argument. */
static const char **target_of(struct bench_options *options, int option)
{
    switch (option) {
    case FILTER:
        return &options->filter;
    case LAYOUT_DIR:
        return &options->layout_dir;
    case JSON:
        return &options->json;
    case RAW:
        return &options->raw;
    case RECORD:
        return &options->record;
    case ROWS:
        return &options->rows;
    default:
        return NULL;
    }
}

static int take(struct bench_options *options, int option)
{
    const char **target = target_of(options, option);

    if (target != NULL)
        *target = optarg;
    else if (option == QUICK || option == DEFAULT || option == FULL)
        options->effort = option == QUICK ? "quick" : option == FULL ? "full" : "default";
    else if (option == LIST)
        options->list = 1;
    else if (option == LAYOUT)
        return add_layout(options, optarg);
    else if (option == COUNT)
        return set_addresses(options, optarg);
    else if (option == SEED && !number(optarg, &options->seed))
        return usage("--seed takes a number, not ", optarg);
    else if (option == HELP)
        return fputs(help, stdout) < 0;
    return option == '?' || option == ':' ? BENCH_EXIT_USAGE : -1;
}

int bench_options_parse(struct bench_options *options, int argc, char **argv)
{
    int option, status = -1;

    memset(options, 0, sizeof(*options));
    options->effort = "default";
    options->seed = 1;
    options->addresses = ADDRESSES;
    opterr = 0;
    while (status == -1 && (option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (option == '?')
            return usage("unknown option ", argv[optind - 1]);
        if (option == ':')
            return usage("a value is missing after ", argv[optind - 1]);
        status = take(options, option);
    }
    if (status == -1 && optind < argc)
        return usage("unexpected argument ", argv[optind]);
    return status;
}
