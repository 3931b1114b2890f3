/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Options: each mistake with the words that it is told in, numbers as they may be written, and guesses. */
#include "checks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "options.h"
#include "usage.h"

#define CPUS 2
#define WORDS 40
#define HELP_COLUMNS 100

/* The words of a line as arguments. Static: options point into it. */
static int parse(const char *line, struct bench_options *options, char *error, size_t error_size)
{
    static char text[1024];
    char *argv[WORDS + 2] = {(char[]){"guestmem-bench"}};
    int argc = 1;

    CHECK(strlen(line) < sizeof(text), "%s", line);
    strncpy(text, line, sizeof(text) - 1);
    for (char *rest = text, *word; (word = strsep(&rest, " ")) != NULL && argc <= WORDS;)
        argv[argc++] = word;
    if (line[0] == '\0')
        argc = 1;
    argv[argc] = NULL;
    return bench_options_parse(options, argc, argv, CPUS, error, error_size);
}

static const struct {
    const char *line, *message;
} refused[] = {
    {"--quck", "unknown option '--quck'; is --quick meant?"},
    {"--regoins=4", "unknown option '--regoins=4'; is --regions meant?"},
    {"--something-else", "unknown option '--something-else' (see --help)"},
    {"-q", "unknown option '-q' (see --help)"},
    {"-quick", "unknown option '-quick'; is --quick meant?"},
    {"-quick --list", "unknown option '-quick'; is --quick meant?"},
    {"--list --quck --full", "unknown option '--quck'; is --quick meant?"},
    {"--quick=3", "--quick takes no value: '--quick=3'"},
    {"--layout", "a value is missing after --layout"},
    {"--layout --quick", "a value is missing after --layout; '--quick' is an option"},
    {"--layout=", "--layout: its value is empty"},
    {"--filter ", "--filter: its value is empty"},
    {"some.layout", "unexpected argument 'some.layout'"},
    {"--quick some.layout", "unexpected argument 'some.layout'"},
    {"--addresses 1000", "--addresses takes a power of two from 131072 to 67108864, not '1000'"},
    {"--addresses 64k", "not '64k'"},
    {"--addresses 128M", "not '128M'"},
    {"--addresses 3M", "a power of two"},
    {"--addresses -131072", "not '-131072'"},
    {"--seed x", "--seed takes a number from 0 to 18446744073709551615, not 'x'"},
    {"--seed 18446744073709551616", "not '18446744073709551616'"},
    {"--seed 16777216T", "not '16777216T'"},
    {"--seed +1", "not '+1'"},
    {"--seed 0x", "not '0x'"},
    {"--seed 1kk", "not '1kk'"},
    {"--seed 0x10k", "not '0x10k'"},
    {"--regions 0", "--regions takes numbers, each from 1 to 65536, not '0'"},
    {"--regions 64k,65537", "not '65537'"},
    {"--regions 1,", "not ''"},
    {"--regions ,1", "not ''"},
    {"--regions 8,16,8", "--regions has '8' twice"},
    {"--regions 1k,1024", "--regions has '1024' twice"},
    {"--regions 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "--regions takes at most 16 entries"},
    {"--regions 11111111111111111111111111111111111111111111111111111111111111111111", "too long"},
    {"--threads 3", "--threads 3: this process has 2 CPUs; --force"},
    {"--threads 1,65 --force", "from 1 to 64, not '65'"},
    {"--threads 0", "from 1 to 64, not '0'"},
    {"--readers 2", "--readers 2 and --writers 1: this process has 2 CPUs; --force"},
    {"--writers 9 --readers 1", "--readers 1 and --writers 9"},
    {"--readers 0", "--readers takes a number from 1 to 64, not '0'"},
    {"--writers many", "not 'many'"},
    {"--pages 4M", "--pages takes some of 4k, thp, 2m, 1g, not '4M'"},
    {"--pages 4k,4k", "--pages has '4k' twice"},
    {"--trace a --layout b --layout c", "--trace with 2 times --layout"},
};

static void check_refused(void)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char error[512] = "";
        struct bench_options options;
        int result = parse(refused[i].line, &options, error, sizeof(error));
        CHECK(result == -EINVAL, "%s: %d", refused[i].line, result);
        CHECK(strstr(error, refused[i].message) != NULL, "%s: '%s'", refused[i].line, error);
        CHECK(strstr(error, "(see --help)") != NULL && strchr(error, '\n') == NULL, "'%s'", error);
    }
}

static void check_taken(void)
{
    struct bench_options options;
    char error[512] = "";

    CHECK(parse("", &options, error, sizeof(error)) == 0, "%s", error);
    CHECK(strcmp(options.effort, "default") == 0 && options.addresses == 262144 && options.seed == 1 &&
              options.regions.count == 0 && options.threads.count == 0 && options.readers == 0 && !options.list,
          "defaults");
    CHECK(options.pages.count == 2 && options.pages.value[1] == BENCH_PAGES_THP, "default pages");
    CHECK(parse("--quick --regions 1,2k,0x10 --threads 2,1 --layout a --layout=b --json - --addresses 128k --seed 3G",
                &options, error, sizeof(error)) == 0, "%s", error);
    CHECK(strcmp(options.effort, "quick") == 0 && options.regions.count == 3 && options.regions.value[1] == 2048 &&
              options.regions.value[2] == 16 && options.threads.value[0] == 2 && options.layout_count == 2 &&
              strcmp(options.layouts[1], "b") == 0 && strcmp(options.json, "-") == 0 && options.addresses == 131072 &&
              options.seed == UINT64_C(3) << 30,
          "values");
    CHECK(parse("--readers 1", &options, error, sizeof(error)) == 0 && options.writers == 1, "%s", error);
    CHECK(parse("--readers 5 --writers 2 --threads 64 --force", &options, error, sizeof(error)) == 0, "%s", error);
    CHECK(parse("--pages 1g,4k --regions 4 --regions 5", &options, error, sizeof(error)) == 0 &&
              options.pages.value[0] == BENCH_PAGES_1G && options.regions.count == 1 && options.regions.value[0] == 5,
          "the last list counts");
    CHECK(parse("--help --threads 64", &options, error, sizeof(error)) == 0 && options.help, "%s", error);
}

static void check_too_many_files(void)
{
    static char *argv[BENCH_MAX_TRACES + 3];
    struct bench_options options;
    char error[512] = "", word[] = "--trace=x";
    int argc = 0;

    argv[argc++] = word;
    while (argc < BENCH_MAX_TRACES + 1)
        argv[argc++] = word;
    CHECK(bench_options_parse(&options, argc, argv, CPUS, error, sizeof(error)) == 0, "%s", error);
    argv[argc++] = word;
    CHECK(bench_options_parse(&options, argc, argv, CPUS, error, sizeof(error)) == -EINVAL, "one more");
    CHECK(strstr(error, "--trace may be given 16 times, 'x' is one more") != NULL, "%s", error);
}

static void check_numbers(void)
{
    static const struct {
        const char *text;
        int plain, scaled;
        uint64_t value;
    } numbers[] = {
        {"0", 0, 0, 0},
        {"007", 0, 0, 7},
        {"0xfF", 0, 0, 255},
        {"18446744073709551615", 0, 0, UINT64_MAX},
        {"0xffffffffffffffff", 0, 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, -ERANGE, 0},
        {"0x10000000000000000", -ERANGE, -ERANGE, 0},
        {"4k", -EINVAL, 0, 4096},
        {"1T", -EINVAL, 0, UINT64_C(1) << 40},
        {"17179869183G", -EINVAL, 0, UINT64_C(17179869183) << 30},
        {"17179869184G", -EINVAL, -ERANGE, 0},
        {"", -EINVAL, -EINVAL, 0},
        {"k", -EINVAL, -EINVAL, 0},
        {"-1", -EINVAL, -EINVAL, 0},
        {" 1", -EINVAL, -EINVAL, 0},
        {"1 ", -EINVAL, -EINVAL, 0},
        {"1e3", -EINVAL, -EINVAL, 0},
        {"0x", -EINVAL, -EINVAL, 0},
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint64_t plain = 99, scaled = 99;
        CHECK(bench_number(numbers[i].text, &plain) == numbers[i].plain, "'%s'", numbers[i].text);
        CHECK(bench_number_scaled(numbers[i].text, &scaled) == numbers[i].scaled, "'%s'", numbers[i].text);
        CHECK(plain == (numbers[i].plain == 0 ? numbers[i].value : 99), "'%s': %" PRIu64, numbers[i].text, plain);
        CHECK(scaled == (numbers[i].scaled == 0 ? numbers[i].value : 99), "'%s': %" PRIu64, numbers[i].text, scaled);
    }
}

static void check_help(void)
{
    for (const char *at = bench_help; *at != '\0'; at += strcspn(at, "\n") + 1)
        CHECK(strcspn(at, "\n") <= HELP_COLUMNS, "%.110s", at);
    CHECK(strstr(bench_help, "examples:") != NULL, "no examples");
}

void bench_check_options(void)
{
    check_refused();
    check_taken();
    check_too_many_files();
    check_numbers();
    check_help();
}
