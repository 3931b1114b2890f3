/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Random calls on backings of every kind of small pages beside one byte for each page: writes, discards, prefaults and
 * resizes with good and bad arguments, and, for files, what the file holds and what others write to it.
 *
 *   usage: backing_ops [seed [runs]]
 *   GM_TEST_SEED, GM_TEST_SCALE   the same; percent of the runs
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestmem/guestmem.h>

#include "lib/rand.h"
#include "lib/setting.h"

#define DEFAULT_SEED 6
#define RUNS 1500
#define CALLS 60
#define MOST 24      /* pages that a backing may grow to */
#define FILE_MOST 28 /* pages of the file */
#define PAGE GM_PAGE_SIZE

struct run {
    uint64_t random;
    struct gm_backing *backing, *file;
    volatile unsigned char *memory, *view; /* of the backing, of the whole file */
    enum gm_backing_kind kind;
    bool private;
    uint64_t pages, most, offset;          /* in pages */
    unsigned char own[MOST];               /* what a page holds that is not the file's */
    bool is_own[MOST];
    unsigned char in_file[FILE_MOST];
    const char *wrong;
    uint64_t done, refused;
};

static uint64_t below(struct run *run, uint64_t bound)
{
    return gmt_rand_below(&run->random, bound);
}

static void check(struct run *run, bool right, const char *what)
{
    if (!right && run->wrong == NULL)
        run->wrong = what;
}

/* Where the model keeps a page. */
static unsigned char *cell(struct run *run, uint64_t page)
{
    bool is_file = run->file != NULL && !(run->private && run->is_own[page]);
    return is_file ? &run->in_file[run->offset + page] : &run->own[page];
}

static void begin_private(struct run *run, uint64_t page)
{
    if (run->private && !run->is_own[page]) {
        run->own[page] = run->in_file[run->offset + page];
        run->is_own[page] = true;
    }
}

static void compare(struct run *run)
{
    for (uint64_t i = 0; i < run->pages; i++) {
        unsigned char want = *cell(run, i);
        check(run, run->memory[i * PAGE] == want && run->memory[(i + 1) * PAGE - 1] == want, "content of the memory");
    }
    for (uint64_t i = 0; run->file != NULL && i < FILE_MOST; i++)
        check(run, run->view[i * PAGE + 5] == run->in_file[i], "content of the file");
    check(run, gm_backing_size(run->backing) == run->pages * PAGE, "size");
    check(run, gm_backing_address(run->backing) == (const void *)(uintptr_t)run->memory, "address");
}

static void do_write(struct run *run)
{
    uint64_t page = below(run, run->pages);
    unsigned char value = (unsigned char)below(run, 256);
    memset((void *)(uintptr_t)(run->memory + page * PAGE), value, PAGE);
    begin_private(run, page);
    *cell(run, page) = value;
}

static void do_write_file(struct run *run)
{
    uint64_t page = below(run, FILE_MOST);
    unsigned char value = (unsigned char)below(run, 256);
    if (run->file == NULL)
        return;
    memset((void *)(uintptr_t)(run->view + page * PAGE), value, PAGE);
    run->in_file[page] = value;
}

/* A range, mostly a good one, and what has to be said of it. */
static int draw_range(struct run *run, uint64_t *offset, uint64_t *size)
{
    *offset = below(run, run->pages) * PAGE;
    *size = (1 + below(run, run->pages - *offset / PAGE)) * PAGE;
    switch (below(run, 16)) {
    case 0:
        *offset += 1 + below(run, PAGE - 1);
        *size = PAGE;
        return *offset + *size > run->pages * PAGE ? -ERANGE : -EINVAL;
    case 1:
        *size = 0;
        return -EINVAL;
    case 2:
        *size += run->pages * PAGE;
        return -ERANGE;
    case 3:
        *offset = 0 - PAGE;
        *size = 2 * PAGE;
        return -EOVERFLOW;
    case 4:
        *size -= 1 + below(run, PAGE - 1);
        return -EINVAL;
    default:
        return 0;
    }
}

static void do_discard(struct run *run)
{
    uint64_t offset, size;
    int want = draw_range(run, &offset, &size);
    check(run, gm_backing_discard(run->backing, offset, size) == want, "result of discard");
    run->refused += want != 0;
    for (uint64_t i = offset / PAGE; want == 0 && i < (offset + size) / PAGE; i++) {
        begin_private(run, i);
        *cell(run, i) = 0;
    }
}

static void do_prefault(struct run *run)
{
    uint64_t offset, size, done = 0;
    const struct gm_prefault how = {.threads = 1 + (unsigned)below(run, 2)};
    int want = draw_range(run, &offset, &size);
    check(run, gm_backing_prefault(run->backing, offset, size, &how, &done) == want, "result of prefault");
    check(run, done == (want == 0 ? size : 0), "bytes of prefault");
    for (uint64_t i = offset / PAGE; want == 0 && i < (offset + size) / PAGE; i++)
        begin_private(run, i); /* a private page that is there for writing is a copy */
}

/* Pages that go are forgotten, and come back as what the kind begins with. */
static void forget(struct run *run, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        run->is_own[i] = false;
        run->own[i] = 0;
    }
}

static void do_resize(struct run *run)
{
    uint64_t pages = below(run, MOST + 3), slip = pages != 0 ? below(run, 3) * 1000 : 0;
    uint64_t size = pages * PAGE - slip;
    int want = 0;
    if (pages == 0)
        want = -EINVAL;
    else if (run->most == 0)
        want = -EOPNOTSUPP;
    else if (pages > run->most)
        want = -ERANGE;
    else if (pages > run->pages && run->file != NULL && (run->offset * PAGE + size) > FILE_MOST * PAGE)
        want = -ENXIO;
    check(run, gm_backing_resize(run->backing, size) == want, "result of resize");
    run->refused += want != 0;
    if (want != 0)
        return;
    if (pages < run->pages)
        forget(run, pages, run->pages);
    run->pages = pages;
}

static bool open_run(struct run *run)
{
    static const enum gm_backing_kind kinds[] = {GM_BACKING_KIND_ANONYMOUS, GM_BACKING_KIND_MEMFD,
                                                 GM_BACKING_KIND_FILE, GM_BACKING_KIND_FILE};
    uint64_t draw = below(run, 4);
    run->kind = kinds[draw];
    run->private = draw == 3;
    run->pages = 1 + below(run, MOST);
    run->most = below(run, 4) == 0 ? 0 : run->pages + below(run, MOST + 1 - run->pages);
    struct gm_backing_config config = {
        .kind = run->kind, .size = run->pages * PAGE - below(run, PAGE), .size_most = run->most * PAGE};
    config.flags = (unsigned)below(run, 2) * GM_BACKING_GUARD + (unsigned)below(run, 2) * GM_BACKING_NORESERVE +
                   (run->private ? GM_BACKING_PRIVATE : 0);
    if (run->kind == GM_BACKING_KIND_FILE) {
        if (gm_backing_memfd("file", FILE_MOST * PAGE, 0, &run->file) != 0)
            return false;
        run->offset = below(run, FILE_MOST - run->pages + 1);
        config.fd = gm_backing_fd(run->file);
        config.offset = run->offset * PAGE;
        run->view = gm_backing_address(run->file);
    }
    if (gm_backing_create(&config, &run->backing) != 0)
        return false;
    run->memory = gm_backing_address(run->backing);
    return true;
}

static void play(struct run *run)
{
    static void (*const calls[])(struct run *run) = {do_write,   do_write,    do_write_file, do_discard,
                                                     do_discard, do_prefault, do_resize};
    check(run, open_run(run), "creating");
    for (unsigned i = 0; i < CALLS && run->wrong == NULL; i++) {
        calls[below(run, sizeof(calls) / sizeof(calls[0]))](run);
        run->done++;
        if (run->wrong == NULL)
            compare(run);
    }
    gm_backing_put(run->backing);
    gm_backing_put(run->file);
}

int main(int argc, char **argv)
{
    uint64_t seed = setting(argc, argv, 1, "GM_TEST_SEED", DEFAULT_SEED);
    uint64_t runs = setting(argc, argv, 2, NULL, scaled(RUNS, 100));
    uint64_t done = 0, refused = 0;
    for (uint64_t i = 0; i < runs; i++) {
        struct run run = {.random = gmt_mix(seed ^ gmt_mix(i))};
        play(&run);
        if (run.wrong != NULL) {
            fprintf(stderr, "FAILED: %s: seed %" PRIu64 " run %" PRIu64 " call %" PRIu64 " kind %s%s\n", run.wrong,
                    seed, i, run.done, gm_backing_kind_name(run.kind), run.private ? ", private" : "");
            return 1;
        }
        done += run.done;
        refused += run.refused;
    }
    printf("seed %" PRIu64 ": %" PRIu64 " calls, %" PRIu64 " refused\n", seed, done, refused);
    return done != 0 && refused != 0 ? 0 : 1;
}
