/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The command line, one argument a line: all that it may set is in range, or there is a message. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "../../bench/lib/inputs.h"
#include "../../bench/lib/options.h"
#include "../../bench/lib/text.h"

#define WORDS 64
#define CPUS 4

static void check_list(const struct bench_list *list, uint64_t least, uint64_t most)
{
    FUZZ_REQUIRE(list->count <= BENCH_MAX_LIST);
    for (size_t i = 0; i < list->count; i++) {
        FUZZ_REQUIRE(list->value[i] >= least && list->value[i] <= most);
        for (size_t j = 0; j < i; j++)
            FUZZ_REQUIRE(list->value[i] != list->value[j]);
    }
}

/* Every file that is named is one of the words. */
static void check_files(const char *const *files, size_t count, size_t most)
{
    FUZZ_REQUIRE(count <= most);
    for (size_t i = 0; i < count; i++)
        FUZZ_REQUIRE(files[i] != NULL && files[i][0] != '\0');
}

static void check(const struct bench_options *options)
{
    FUZZ_REQUIRE(strcmp(options->effort, "quick") == 0 || strcmp(options->effort, "default") == 0 ||
                 strcmp(options->effort, "full") == 0);
    FUZZ_REQUIRE(options->addresses >= 1 << 17 && (options->addresses & (options->addresses - 1)) == 0);
    check_list(&options->regions, 1, BENCH_MAX_RANGES);
    check_list(&options->threads, 1, options->force ? BENCH_MAX_THREADS : CPUS);
    check_list(&options->pages, 0, BENCH_PAGES_KINDS - 1);
    check_files(options->layouts, options->layout_count, BENCH_MAX_LAYOUTS);
    check_files(options->traces, options->trace_count, BENCH_MAX_TRACES);
    FUZZ_REQUIRE((options->readers == 0) == (options->writers == 0));
    FUZZ_REQUIRE(options->force || options->readers + options->writers <= CPUS);
    FUZZ_REQUIRE(options->pages.count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *rest = text, program[] = "guestmem-bench", error[BENCH_ERROR_MAX] = "";
    char *argv[WORDS + 1] = {program};
    struct bench_options options;
    int argc = 1;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    while (argc < WORDS && rest != NULL && *rest != '\0')
        argv[argc++] = strsep(&rest, "\n");
    if (bench_options_parse(&options, argc, argv, CPUS, error, sizeof(error)) != 0)
        FUZZ_REQUIRE(error[0] != '\0');
    else if (!options.help)
        check(&options);
    free(text);
    return 0;
}
