/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Checks what the benchmarks are fed with: that streams have the shape they promise, that layouts are what
 * their names say, and that everybody who is compared (competitors, the library) gives the oracle's answer
 * for every address, also where the answer is no. A wrong translator can be as fast as it likes.
 *
 * Argument: the folder of the layout files; without one, BENCH_LAYOUT_DIR of the build. Exit status 0 or 1.
 */
#include "checks.h"
#include "peers.h"

#include <guestmem/view.h>

#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifndef BENCH_LAYOUT_DIR
#define BENCH_LAYOUT_DIR "layouts"
#endif

#define SHOWN_FAILURES 50

static unsigned failures;

void bench_check_failed(const char *file, int line, const char *condition, const char *format, ...)
{
    char where[300] = "";
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(where, sizeof(where), format, arguments);
    va_end(arguments);
    if (failures++ < SHOWN_FAILURES)
        fprintf(stderr, "%s:%d: not true: %s (%s)\n", file, line, condition, where);
}

unsigned bench_check_failures(void)
{
    return failures;
}

/* Everything that holds for any layout; takes the layout. */
static void check_layout(struct bench_layout *layout)
{
    printf("%s: %zu ranges, %zu of RAM, %.3f GiB\n", layout->name, layout->count, layout->ram_count,
           (double)layout->ram_bytes / (1 << 30));
    bench_check_streams(layout);
    bench_check_answers(layout);
    bench_check_peers(layout);
    bench_check_access_peers(layout);
    bench_check_memory(layout);
    bench_layout_free(layout);
}

static void check_file(const char *path)
{
    struct bench_layout *layout;
    char error[256] = "";
    int result = bench_layout_load(path, &layout, error, sizeof(error));

    CHECK(result == 0, "%s", error);
    if (result == 0)
        check_layout(layout);
}

static void check_folder(const char *folder)
{
    char pattern[4096];
    glob_t found = {0};

    snprintf(pattern, sizeof(pattern), "%s/*.layout", folder);
    CHECK(glob(pattern, 0, NULL, &found) == 0, "no files like %s", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_file(found.gl_pathv[i]);
    globfree(&found);
}

/*
 * What no recorded map has all at once: ranges that begin and end inside pages, several of them in one page,
 * one shorter than an access, neighbours that are contiguous in the host, an object that has to be shifted to
 * be congruent and is seen twice, and a device at the very end.
 */
static void check_ragged(void)
{
    static const char text[] = CHECK_LAYOUT_HEAD "0x123 0x9ff ram low 0x10 low\n"
                                                 "0xa00 0xfff ram low 0x8ed low-goes-on\n"
                                                 "0x1000 0x17ff rom low 0xeed low-goes-on\n"
                                                 "0x1800 0x1803 ram tiny 0x0 tiny\n"
                                                 "0x1804 0x1ffe ram other 0x4 other\n"
                                                 "0x1fff 0x3000 device - 0x0 device\n"
                                                 "0x3001 0x3fff ram low 0x2eee low-again\n"
                                                 "0x4000 0x47ff ram low 0xeed low-once-more\n"
                                                 "0x200000 0x5fffff ram big 0x0 big\n"
                                                 "0x600000 0x6007ff ram big 0x400000 big-goes-on\n"
                                                 "0x600808 0x600bff ram next 0x8 next\n"
                                                 "0x600c00 0x6017ff ram last 0x0 last\n"
                                                 "0xffffffffff000 0xfffffffffffff device - 0x0 end\n";
    struct bench_layout *layout;
    char path[CHECK_PATH], error[256] = "";
    int result = bench_check_load_text(text, path, &layout, error, sizeof(error));

    CHECK(result == 0, "%s", error);
    if (result != 0)
        return;
    CHECK(layout->count == 13 && layout->ram_count == 8 && layout->object_count == 6, "%zu ranges, %zu, %zu",
          layout->count, layout->ram_count, layout->object_count);
    check_layout(layout);
}

static void check_synthetic(void)
{
    static const size_t regions[] = {1, 8, 16, 64, 512, 4096, 32764};
    struct bench_layout *layout;

    for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        int result = bench_layout_uniform(regions[i], 0, CHECK_SEED, &layout);
        CHECK(result == 0, "%zu regions: %d", regions[i], result);
        if (result != 0)
            continue;
        bench_check_uniform(layout, regions[i]);
        check_layout(layout);
    }
    int result = bench_layout_mixed(CHECK_SEED, &layout);
    CHECK(result == 0, "mixed: %d", result);
    if (result == 0) {
        bench_check_mixed(layout);
        check_layout(layout);
    }
    CHECK(bench_layout_uniform(0, 0, CHECK_SEED, &layout) != 0, "no regions");
    CHECK(bench_layout_uniform(1000, 1 << 20, CHECK_SEED, &layout) != 0, "regions of a kilobyte");
}

int main(int argc, char **argv)
{
    if (gm_reader_register() != 0) {
        fprintf(stderr, "cannot register as a reader\n");
        return 1;
    }
    bench_check_reader();
    bench_check_options();
    bench_check_trace();
    bench_check_floor_batch();
    bench_check_alloc();
    bench_check_pin_peers();
    bench_check_dirty_peers();
    check_folder(argc > 1 ? argv[1] : BENCH_LAYOUT_DIR);
    check_ragged();
    check_synthetic();
    CHECK(gm_reader_unregister() == 0, "a pin is left");
    if (bench_peers_skipped() != NULL)
        printf("peers: skipped (%s)\n", bench_peers_skipped());
    printf("%u failures\n", bench_check_failures());
    return bench_check_failures() == 0 ? 0 : 1;
}
