/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Tearing: is what access.h says to be read and written at once ever seen in parts? A writer puts one byte value all
 * over a line of 64 bytes, or over cells of it, by every call that writes; a reader reads ranges of it by every call
 * that reads, into buffers of any alignment, and looks at each aligned cell of 2, 4 or 8 bytes: all its bytes have to
 * be equal. Ranges begin and end at any byte where that cuts no cell which is looked at. Of three lines one lies in a
 * uniform block, one in a page that is RAM in part, and one is cut by two regions that lie apart in host memory.
 *   CMake builds it once for each level of optimisation, with the copies of core/access/units.c compiled alike.
 *
 *   usage: tearing [seed [control]]     control: the writer chooses its width by the alignment of its buffer too, as
 *                                       others have done, which has to be seen
 *   GM_TORTURE_SECONDS   how long (default 3)
 *   exit code            0; 1 when a cell was torn, a call failed or nothing was raced for
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <guestmem/guestmem.h>

#include "lib/rand.h"
#include "lib/setting.h"

#define DEFAULT_SECONDS 3
#define LINE 64
#define EDGE 8 /* bytes at both ends of a line that ranges may cut */
#define LINES 3
#define BURST 64 /* accesses between two looks at the clock */
#define HOST (UINT64_C(4) << 20)

static const gm_gpa lines[LINES] = {
    (UINT64_C(2) << 20) + 0x40, /* uniform */
    0x5040,                     /* the region begins at 0x5008 */
    0x9fe0,                     /* 32 bytes before 0xa000, where the second region begins */
};

struct race {
    const struct gm_view *view;
    uint64_t stop, torn, failed, reads, writes, changes;
    uint64_t seed;
    unsigned size; /* of the cells */
    bool control;
};

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void add(uint64_t *word, uint64_t count)
{
    __atomic_fetch_add(word, count, __ATOMIC_RELAXED);
}

/* ---- the writer -------------------------------------------------------------------------------------------------- */

struct range {
    unsigned begin, len; /* within a line */
};

/* Ranges that cut no cell between the edges: whole cells, or from somewhere in one edge to somewhere in the other. */
static struct range draw_to_write(const struct race *race, uint64_t *random)
{
    unsigned cells = (LINE - 2 * EDGE) / race->size;
    if (gmt_rand_below(random, 4) == 0) {
        unsigned begin = (unsigned)gmt_rand_below(random, EDGE + 1);
        return (struct range){begin, LINE - (unsigned)gmt_rand_below(random, EDGE + 1) - begin};
    }
    unsigned first = (unsigned)gmt_rand_below(random, cells);
    unsigned count = 1 + (unsigned)gmt_rand_below(random, cells - first);
    if (gmt_rand_below(random, 2) == 0)
        count = 1;
    return (struct range){EDGE + first * race->size, count * race->size};
}

/* One cell, by a call for integers. */
static int write_cell(const struct race *race, gm_gpa gpa, uint64_t value, unsigned how)
{
    uint64_t old64;
    uint32_t old32;
    uint16_t old16;
    switch (race->size) {
    case 8:
        return how == 0   ? gm_guest_write_u64(race->view, gpa, value)
               : how == 1 ? gm_guest_store_u64(race->view, gpa, GM_RELEASE, value)
                          : gm_guest_exchange_u64(race->view, gpa, GM_RELAXED, value, &old64);
    case 4:
        return how == 0   ? gm_guest_write_be32(race->view, gpa, (uint32_t)value)
               : how == 1 ? gm_guest_store_u32(race->view, gpa, GM_RELAXED, (uint32_t)value)
                          : gm_guest_exchange_u32(race->view, gpa, GM_SEQ_CST, (uint32_t)value, &old32);
    default:
        return how == 0   ? gm_guest_write_le16(race->view, gpa, (uint16_t)value)
               : how == 1 ? gm_guest_store_u16(race->view, gpa, GM_SEQ_CST, (uint16_t)value)
                          : gm_guest_exchange_u16(race->view, gpa, GM_RELAXED, (uint16_t)value, &old16);
    }
}

/* Of a length that the compiler knows, from the line's first cell. */
static int write_constant(const struct race *race, gm_gpa line, const uint8_t *buf)
{
    switch (race->size) {
    case 8: return gm_guest_write(race->view, line + EDGE, buf, 48);
    case 4: return gm_guest_write(race->view, line + EDGE + 4, buf, 28);
    default: return gm_guest_write(race->view, line + EDGE + 2, buf, 6);
    }
}

/* As wide as both addresses are aligned, in the manner of vm-memory's copy: what this test has to see. */
static int write_control(const struct race *race, gm_gpa gpa, const uint8_t *buf, unsigned len)
{
    uint8_t *host = gm_translate(race->view, gpa, len, GM_WRITE);
    if (host == NULL || ((uintptr_t)buf & 1) == 0)
        return gm_guest_write(race->view, gpa, buf, len);
    for (unsigned i = 0; i < len; i++)
        __atomic_store_n(&host[i], buf[i], __ATOMIC_RELAXED);
    return 0;
}

static int write_once(const struct race *race, uint64_t *random, uint8_t byte)
{
    uint8_t room[2 * LINE], *buf = room + gmt_rand_below(random, 9);
    gm_gpa line = lines[gmt_rand_below(random, LINES)];
    struct range range = draw_to_write(race, random);
    unsigned how = (unsigned)gmt_rand_below(random, 8);
    memset(room, byte, sizeof(room));
    if (race->control)
        return write_control(race, line + range.begin, buf, range.len);
    switch (how) {
    case 0:
    case 1:
    case 2: return write_cell(race, line + range.begin / 8 * 8, UINT64_C(0x0101010101010101) * byte, how);
    case 3: return gm_guest_fill(race->view, line + range.begin, byte, range.len);
    case 4: return write_constant(race, line, buf);
    case 5: {
        int error = gm_guest_fill(race->view, line + 0x100, byte, LINE); /* 0x100 on, nobody looks */
        return error != 0 ? error : gm_guest_copy(race->view, line + range.begin, line + 0x103, range.len);
    }
    default: return gm_guest_write(race->view, line + range.begin, buf, range.len);
    }
}

static void *write_on(void *argument)
{
    struct race *race = argument;
    uint64_t random = race->seed;
    while (load(&race->stop) == 0) {
        uint64_t failed = 0;
        for (unsigned i = 0; i < BURST; i++)
            failed += write_once(race, &random, (uint8_t)gmt_rand(&random)) != 0;
        add(&race->writes, BURST);
        add(&race->failed, failed);
    }
    return NULL;
}

/* ---- the reader -------------------------------------------------------------------------------------------------- */

/* Cells of [begin, begin + len) whose bytes are not equal. */
static uint64_t torn_cells(const struct race *race, const uint8_t *buf, struct range range)
{
    uint64_t torn = 0;
    for (unsigned at = EDGE; at + race->size <= LINE - EDGE; at += race->size) {
        bool equal = true;
        if (at < range.begin || at + race->size > range.begin + range.len)
            continue;
        const uint8_t *cell = buf + (at - range.begin);
        for (unsigned i = 1; i < race->size; i++)
            equal = equal && cell[i] == cell[0];
        torn += !equal;
    }
    return torn;
}

static int read_cell(const struct race *race, gm_gpa gpa, void *buf, bool atomically)
{
    uint64_t u64 = 0;
    uint32_t u32 = 0;
    uint16_t u16 = 0;
    int error;
    switch (race->size) {
    case 8:
        error = atomically ? gm_guest_load_u64(race->view, gpa, GM_RELAXED, &u64)
                           : gm_guest_read_u64(race->view, gpa, &u64);
        memcpy(buf, &u64, 8);
        return error;
    case 4:
        error = atomically ? gm_guest_load_u32(race->view, gpa, GM_ACQUIRE, &u32)
                           : gm_guest_read_be32(race->view, gpa, &u32);
        memcpy(buf, &u32, 4);
        return error;
    default:
        error = atomically ? gm_guest_load_u16(race->view, gpa, GM_SEQ_CST, &u16)
                           : gm_guest_read_le16(race->view, gpa, &u16);
        memcpy(buf, &u16, 2);
        return error;
    }
}

static void read_once(struct race *race, uint64_t *random, uint64_t *torn, uint8_t *last)
{
    uint8_t room[2 * LINE], *buf = room + gmt_rand_below(random, 9);
    gm_gpa line = lines[gmt_rand_below(random, LINES)];
    struct range range = {(unsigned)gmt_rand_below(random, LINE), 0};
    size_t done = 0;
    int error;
    range.len = 1 + (unsigned)gmt_rand_below(random, LINE - range.begin);
    switch (gmt_rand_below(random, 6)) {
    case 0:
    case 1:
        range = (struct range){EDGE + (unsigned)gmt_rand_below(random, 6) * 8, race->size};
        error = read_cell(race, line + range.begin, buf, range.begin % 16 == 0);
        break;
    case 2:
        range = (struct range){0, LINE};
        error = gm_guest_read(race->view, line, buf, LINE);
        break;
    case 3:
        range = (struct range){EDGE - 1, 17};
        error = gm_guest_read(race->view, line + EDGE - 1, buf, 17);
        break;
    case 4: error = gm_guest_read_some(race->view, line + range.begin, buf, range.len, &done); break;
    default: error = gm_guest_read(race->view, line + range.begin, buf, range.len); break;
    }
    *torn += torn_cells(race, buf, range);
    add(&race->failed, error != 0);
    race->changes += buf[0] != *last;
    *last = buf[0];
}

static uint64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* Until the time is over, or something was torn. */
static void read_until(struct race *race, uint64_t end)
{
    uint64_t random = gmt_mix(race->seed);
    uint8_t last = 0;
    while (now_ms() < end && race->torn == 0) {
        for (unsigned i = 0; i < BURST; i++)
            read_once(race, &random, &race->torn, &last);
        race->reads += BURST;
    }
}

static int run(struct race *race, uint64_t ms)
{
    pthread_t thread;
    for (unsigned i = 0; i < LINES; i++)
        race->failed += gm_guest_fill(race->view, lines[i], 0, LINE) != 0;
    if (pthread_create(&thread, NULL, write_on, race) != 0)
        return 1;
    read_until(race, now_ms() + ms);
    __atomic_store_n(&race->stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    printf("%u bytes: %" PRIu64 " reads beside %" PRIu64 " writes, %" PRIu64 " of them with news, %" PRIu64
           " failed, cells torn: %" PRIu64 "\n", race->size, race->reads, race->writes, race->changes, race->failed,
           race->torn);
    fflush(stdout);
    return race->torn != 0 || race->failed != 0 || race->changes < 100;
}

/* ---- the guest --------------------------------------------------------------------------------------------------- */

static int add_regions(struct gm_space *space, struct gm_backing *ram)
{
    const struct gm_region_desc regions[] = {
        {.gpa = 0x5008, .size = 0x800, .backing = ram, .offset = 0x5008},
        {.gpa = 0x9000, .size = 0x1000, .backing = ram, .offset = 0x9000},
        {.gpa = 0xa000, .size = 0x1000, .backing = ram, .offset = 0xe000},
        {.gpa = UINT64_C(2) << 20, .size = UINT64_C(2) << 20, .backing = ram, .offset = UINT64_C(2) << 20},
    };
    struct gm_txn *txn;
    int error = gm_txn_begin(space, &txn);
    for (unsigned i = 0; i < sizeof(regions) / sizeof(regions[0]) && error == 0; i++)
        error = gm_txn_add(txn, &regions[i]);
    return error != 0 ? error : gm_txn_commit(txn, GM_COMMIT_WAIT);
}

int main(int argc, char **argv)
{
    uint64_t seconds = torture_seconds(DEFAULT_SECONDS), seed = setting(argc, argv, 1, NULL, 1);
    struct gm_space *space;
    struct gm_backing *ram;
    int failed = 0;
    if (gm_reader_register() != 0 || gm_space_create(NULL, &space) != 0 ||
        gm_backing_anonymous(HOST, 0, &ram) != 0 || add_regions(space, ram) != 0)
        return 1;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        printf("one processor: little can be torn\n");
    for (unsigned size = 2; size <= 8; size *= 2) {
        struct race race = {.view = gm_pin(space), .seed = gmt_mix(seed + size), .size = size};
        race.control = argc > 2 && strcmp(argv[2], "control") == 0;
        failed |= run(&race, seconds * 1000 / 3);
        gm_unpin();
    }
    gm_backing_put(ram);
    return failed | (gm_space_destroy(space) != 0) | (gm_reader_unregister() != 0);
}
