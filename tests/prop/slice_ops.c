/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Random calls on slices and streams beside an oracle of bytes and of marked pages: parts of parts, copies, arrays,
 * atomics, and files at random offsets, in a guest of random pieces with holes and ROM. After each call all bytes of
 * the guest, all marks and all files are compared.
 *
 *   usage: slice_ops [seed [runs]]
 *   GM_TEST_SEED, GM_TEST_SCALE   the same; percent of the runs
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guestmem/guestmem.h"
#include "lib/rand.h"
#include "lib/setting.h"

#define DEFAULT_SEED 31
#define RUNS 1500
#define CALLS 120
#define PAGE GM_PAGE_SIZE
#define PAGES 24
#define SIZE (PAGES * PAGE)
#define FILE_SIZE 30000

static struct world {
    uint64_t random;
    struct gm_dirty *dirty;
    struct gm_backing *ram;
    struct gm_space *space;
    const struct gm_view *view;
    uint8_t *host;
    int fd;
    unsigned rights[PAGES]; /* of a guest page; 0: nothing there */
    unsigned place[PAGES];  /* its page of host memory */
    uint8_t bytes[SIZE];    /* what the guest should hold */
    bool marked[PAGES];
    uint8_t file[FILE_SIZE];
    uint64_t seed, run, calls, moved, refused;
} world;

static uint64_t below(uint64_t bound)
{
    return gmt_rand_below(&world.random, bound);
}

static _Noreturn void wrong(const char *what)
{
    fprintf(stderr, "FAILED: %s: seed %" PRIu64 " run %" PRIu64 " call %" PRIu64 "\n", what, world.seed, world.run,
            world.calls);
    exit(1);
}

static void require(bool good, const char *what)
{
    if (!good)
        wrong(what);
}

/* --- the world and its oracle ------------------------------------------------------------------------------ */

static void add_page(struct gm_txn *txn, uint64_t page)
{
    const struct gm_region_desc desc = {.gpa = page * PAGE,
                                        .size = PAGE,
                                        .kind = world.rights[page] == GM_RW ? GM_KIND_RAM : GM_KIND_ROM,
                                        .backing = world.ram,
                                        .offset = world.place[page] * PAGE};
    require(gm_txn_add(txn, &desc) == 0, "add");
}

/* Pages follow one another in host memory, or skip one, or leave a hole in the guest. */
static void open_world(void)
{
    const struct gm_dirty_config marks = {.size = SIZE, .numa_node = -1, .flags = GM_DIRTY_ON};
    struct gm_txn *txn = NULL;
    unsigned at = 0;
    require(gm_dirty_create(&marks, &world.dirty) == 0, "dirty");
    const struct gm_space_config config = {.numa_node = -1, .dirty = world.dirty};
    require(gm_space_create(&config, &world.space) == 0, "space");
    require(gm_backing_anonymous(2 * SIZE, 0, &world.ram) == 0, "backing");
    world.host = gm_backing_address(world.ram);
    require(gm_txn_begin(world.space, &txn) == 0, "begin");
    for (uint64_t page = 0; page < PAGES; page++) {
        uint64_t kind = below(12);
        at += below(3) == 0;
        world.rights[page] = kind == 0 ? 0 : kind == 1 ? GM_READ : GM_RW;
        world.place[page] = at++;
        if (world.rights[page] != 0)
            add_page(txn, page);
    }
    require(gm_txn_commit(txn, GM_COMMIT_WAIT) == 0, "commit");
    memset(world.bytes, 0, SIZE);
    memset(world.marked, 0, sizeof(world.marked));
    gmt_rand_fill(&world.random, world.file, FILE_SIZE);
    world.fd = memfd_create("slice_ops", 0);
    require(pwrite(world.fd, world.file, FILE_SIZE, 0) == FILE_SIZE, "file");
    world.view = gm_pin(world.space);
}

static void close_world(void)
{
    require(gm_unpin() == 0 && gm_space_destroy(world.space) == 0, "destroy");
    gm_backing_put(world.ram);
    gm_dirty_destroy(world.dirty);
    close(world.fd);
}

static void compare(void)
{
    static uint8_t file[FILE_SIZE];
    for (uint64_t page = 0; page < PAGES; page++) {
        const uint8_t *host = world.host + world.place[page] * PAGE;
        require(memcmp(host, world.bytes + page * PAGE, PAGE) == 0, "bytes of the guest");
        require(gm_dirty_is_marked(world.dirty, page * PAGE) == world.marked[page], "marks");
    }
    require(pread(world.fd, file, FILE_SIZE, 0) == FILE_SIZE && memcmp(file, world.file, FILE_SIZE) == 0, "file");
}

/* The oracle's write. */
static void put(uint64_t gpa, const uint8_t *from, uint64_t len)
{
    memcpy(world.bytes + gpa, from, len);
    for (uint64_t page = gpa / PAGE; len != 0 && page <= (gpa + len - 1) / PAGE; page++)
        world.marked[page] = true;
    world.moved += len;
}

/* How far the rights go from gpa on, and within max. */
static uint64_t reach(uint64_t gpa, uint64_t max, unsigned rights)
{
    uint64_t len = 0;
    while (len < max && gpa + len < SIZE && (rights & ~world.rights[(gpa + len) / PAGE]) == 0 &&
           world.rights[(gpa + len) / PAGE] != 0)
        len += PAGE - (gpa + len) % PAGE;
    return len < max ? len : max;
}

static bool is_contiguous(uint64_t gpa, uint64_t len)
{
    for (uint64_t page = gpa / PAGE; page < (gpa + len - 1) / PAGE; page++) {
        if (world.place[page + 1] != world.place[page] + 1)
            return false;
    }
    return true;
}

/* --- the calls --------------------------------------------------------------------------------------------- */

static uint8_t buffer[SIZE];

/* A slice somewhere, or a part of one; false where the map does not have it, which is checked too. */
static bool draw_slice(unsigned rights, struct gm_slice *out)
{
    uint64_t gpa = below(SIZE), len = 1 + below(below(4) == 0 ? SIZE - gpa : SIZE - gpa < 300 ? SIZE - gpa : 300);
    int result = gm_slice_init(world.view, gpa, len, rights, out);
    bool there = reach(gpa, len, rights) == len;
    require((result == 0) == (there && is_contiguous(gpa, len)), "whether there is a slice");
    require(there || result == -EFAULT || result == -EACCES, "why there is no slice");
    require(!there || result == 0 || result == -EXDEV, "why there is no slice in one piece");
    world.refused += result != 0;
    for (unsigned depth = (unsigned)below(3); result == 0 && depth != 0; depth--) {
        uint64_t from = below(out->iov.iov_len + 1), part = below(out->iov.iov_len - from + 1);
        gpa = out->gpa;
        require(gm_slice_sub(out, from, part, out) == 0 && out->gpa == gpa + from, "part");
    }
    return result == 0;
}

/* A range by offset, mostly inside; what is right of it is the oracle's to say. */
struct range {
    uint64_t offset, len;
    int want;
};

static struct range draw_range(const struct gm_slice *slice)
{
    struct range range = {.offset = below(slice->iov.iov_len + 2), .len = below(slice->iov.iov_len + 2)};
    if (below(3) != 0 && range.offset < slice->iov.iov_len)
        range.len = below(slice->iov.iov_len - range.offset + 1);
    if (below(40) == 0)
        range.offset = UINT64_MAX - below(4);
    bool wraps = range.len != 0 && range.offset > UINT64_MAX - range.len;
    bool inside = range.len <= slice->iov.iov_len && range.offset <= slice->iov.iov_len - range.len;
    range.want = wraps ? -EOVERFLOW : inside ? 0 : -ERANGE;
    return range;
}

static void write_range(void)
{
    struct gm_slice slice;
    if (!draw_slice(GM_RW, &slice))
        return;
    struct range range = draw_range(&slice);
    bool fills = below(3) == 0;
    if (range.want == 0)
        gmt_rand_fill(&world.random, buffer, range.len);
    if (fills && range.want == 0)
        memset(buffer, buffer[0], range.len);
    int result = fills ? gm_slice_fill(&slice, range.offset, buffer[0], range.len)
                       : gm_slice_write(&slice, range.offset, buffer, range.len);
    require(result == range.want, "result of a write");
    if (result == 0)
        put(slice.gpa + range.offset, buffer, range.len);
}

static void read_range(void)
{
    struct gm_slice slice;
    uint64_t done = 77;
    if (!draw_slice(GM_READ, &slice))
        return;
    struct range range = draw_range(&slice);
    require(gm_slice_read(&slice, range.offset, buffer, range.len) == range.want, "result of a read");
    require(range.want != 0 || memcmp(buffer, world.bytes + slice.gpa + range.offset, range.len) == 0, "bytes read");
    int result = gm_slice_read_some(&slice, range.offset, buffer, range.len, &done);
    bool begins = range.len == 0 || range.offset < slice.iov.iov_len;
    require(result == (begins ? 0 : -ERANGE), "result of reading some");
    uint64_t rest = begins && range.len != 0 ? slice.iov.iov_len - range.offset : 0;
    require(done == (range.len < rest ? range.len : rest), "how much is some");
    require(done == 0 || memcmp(buffer, world.bytes + slice.gpa + range.offset, done) == 0, "some bytes");
}

static void copy_slices(void)
{
    struct gm_slice to, from;
    uint64_t done = 77;
    if (!draw_slice(GM_RW, &to) || !draw_slice(GM_READ, &from))
        return;
    uint64_t len = to.iov.iov_len < from.iov.iov_len ? to.iov.iov_len : from.iov.iov_len;
    require(gm_slice_copy(&to, &from, &done) == 0 && done == len, "copy");
    memcpy(buffer, world.bytes + from.gpa, len);
    put(to.gpa, buffer, len);
}

static void copy_elements(void)
{
    struct gm_slice slice;
    struct gm_slice_array array;
    uint64_t done = 77;
    if (!draw_slice(GM_RW, &slice))
        return;
    uint64_t size = 1 + below(9), index = below(slice.iov.iov_len / size + 2), count = below(200);
    require(gm_slice_array_all(&slice, size, &array) == 0 && array.count == slice.iov.iov_len / size, "array");
    bool begins = count == 0 || index < array.count;
    uint64_t want = !begins || count == 0 ? 0 : count < array.count - index ? count : array.count - index;
    gmt_rand_fill(&world.random, buffer, want * size);
    require(gm_slice_array_copy_from(&array, index, buffer, count, &done) == (begins ? 0 : -ERANGE), "elements in");
    require(done == want, "how many elements");
    put(slice.gpa + index * size, buffer, want * size);
    memset(buffer, 0, want * size);
    require(gm_slice_array_copy_to(&array, index, buffer, count, &done) == (begins ? 0 : -ERANGE), "elements out");
    require(want == 0 || memcmp(buffer, world.bytes + slice.gpa + index * size, want * size) == 0, "elements");
}

static void add_atomically(void)
{
    struct gm_slice slice;
    uint32_t old = 77, expected, sum;
    if (!draw_slice(GM_RW, &slice))
        return;
    uint64_t offset = below(slice.iov.iov_len + 3);
    uint32_t operand = (uint32_t)gmt_rand(&world.random);
    int result = gm_slice_fetch_add_u32(&slice, offset, gm_order_make((int)below(7)), operand, &old);
    if (slice.iov.iov_len < 4 || offset > slice.iov.iov_len - 4) {
        require(result == -ERANGE, "bounds of an atomic operation");
    } else if ((slice.gpa + offset) % 4 != 0) {
        require(result == -EINVAL, "alignment of an atomic operation");
    } else {
        memcpy(&expected, world.bytes + slice.gpa + offset, 4);
        sum = expected + operand;
        require(result == 0 && old == expected, "atomic operation");
        put(slice.gpa + offset, (const uint8_t *)&sum, 4);
    }
}

/* From a file: at an offset, with one transfer or all, by guest address over pieces and holes. */
static void read_file(void)
{
    uint64_t gpa = below(SIZE), len = below(2) == 0 ? below(200) : below(SIZE), offset = below(FILE_SIZE + 50);
    uint64_t left = offset < FILE_SIZE ? FILE_SIZE - offset : 0, done = 77;
    bool all = below(2) == 0;
    uint64_t room = reach(gpa, len, GM_WRITE), moved = all && room != len ? 0 : room < left ? room : left;
    int result = all ? gm_guest_from_fd_all(world.view, gpa, len, world.fd, (int64_t)offset, &done)
                     : gm_guest_from_fd(world.view, gpa, len, world.fd, (int64_t)offset, &done);
    require(done == moved, "how much came from the file");
    bool refused = len != 0 && (all ? room != len : room == 0);
    int want = all && moved != len ? -ENODATA : 0;
    require(refused ? result == -EFAULT || result == -EACCES : result == want, "result of reading a file");
    world.refused += refused;
    put(gpa, world.file + (offset < FILE_SIZE ? offset : 0), moved);
}

/* Into the file, at most up to its end, so that it keeps its size. */
static void write_file(void)
{
    uint64_t gpa = below(SIZE), offset = below(FILE_SIZE), len = below(FILE_SIZE - offset + 1), done = 77;
    bool all = below(2) == 0;
    uint64_t room = reach(gpa, len, GM_READ), moved = all && room != len ? 0 : room;
    int result = all ? gm_guest_to_fd_all(world.view, gpa, len, world.fd, (int64_t)offset, &done)
                     : gm_guest_to_fd(world.view, gpa, len, world.fd, (int64_t)offset, &done);
    require(done == moved, "how much went into the file");
    bool refused = len != 0 && (all ? room != len : room == 0);
    require(result == (refused ? -EFAULT : 0), "result of writing a file");
    memcpy(world.file + offset, world.bytes + gpa, moved);
}

static void list_pieces(void)
{
    static struct gm_slice slices[PAGES + 1];
    uint64_t gpa = below(SIZE), len = 1 + below(SIZE);
    int count = gm_slice_list(world.view, gpa, len, GM_READ, slices, PAGES + 1);
    require((count > 0) == (reach(gpa, len, GM_READ) == len), "whether there is a list");
    for (int i = 0; i < count; i++) {
        require(slices[i].gpa == gpa && is_contiguous(gpa, slices[i].iov.iov_len), "a piece of the list");
        require(i == 0 || !is_contiguous(gpa - 1, 2), "a piece that should be part of the one before");
        gpa += slices[i].iov.iov_len;
        len -= slices[i].iov.iov_len;
    }
    require(count <= 0 || len == 0, "length of the list");
}

static void run(void)
{
    static void (*const calls[])(void) = {write_range,    read_range, copy_slices, copy_elements,
                                          add_atomically, read_file,  write_file,  list_pieces};
    open_world();
    for (unsigned i = 0; i < CALLS; i++) {
        world.calls++;
        calls[below(sizeof(calls) / sizeof(calls[0]))]();
        compare();
    }
    close_world();
}

int main(int argc, char **argv)
{
    uint64_t seed = setting(argc, argv, 1, "GM_TEST_SEED", DEFAULT_SEED);
    uint64_t runs = setting(argc, argv, 2, NULL, scaled(RUNS, 100));
    require(gm_reader_register() == 0, "register");
    world.seed = seed;
    for (world.run = 0; world.run < runs; world.run++) {
        world.random = gmt_mix(seed ^ gmt_mix(world.run));
        run();
    }
    printf("seed %" PRIu64 ": %" PRIu64 " calls, %" PRIu64 " bytes moved, %" PRIu64 " refused\n", seed, world.calls,
           world.moved, world.refused);
    return gm_reader_unregister() == 0 && world.moved != 0 && world.refused != 0 ? 0 : 1;
}
