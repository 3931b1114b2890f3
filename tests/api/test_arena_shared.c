/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Arenas in memory of the caller's, and another process that looks into it, whoever wrote it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include <guestmem/arena_image.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/arena_model_rig.h"
#include "lib/arena_walk.h"
#include "lib/rand.h"

#define GRANULE UINT64_C(0x1000)
#define LAST (GRANULE * 8192 - 1)
#define RANGES 2000
#if defined(__SANITIZE_THREAD__)
#define CHANGES 2000 /* of a round; each costs a hundred times as much there */
#else
#define CHANGES 50000
#endif
#define SIZE ((GM_ARENA_BLOCK_SIZE(RANGES) + 4095) / 4096 * 4096)

static struct gmt_walk walks[2];
static uint8_t image[1 << 20];

static const struct gm_arena_config config = {.last = LAST, .granule = GRANULE, .ranges_most = RANGES,
                                              .numa_node = -1, .seed = 3};

/* A mapping that ends where nothing is mapped. */
static uint8_t *map(size_t size, int fd)
{
    size_t rounded = (size + 4095) / 4096 * 4096;
    uint8_t *memory = mmap(NULL, rounded + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    int flags = MAP_FIXED | (fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS);
    assert_true(mmap(memory, rounded, PROT_READ | PROT_WRITE, flags, fd, 0) == memory);
    return memory;
}

static void unmap(uint8_t *memory, size_t size)
{
    assert_int_equal(munmap(memory, (size + 4095) / 4096 * 4096 + 4096), 0);
}

static void decides_as_one_of_its_own(void **state)
{
    (void)state;
    uint8_t *memory = map(SIZE, -1), *other = map(SIZE, -1);
    struct gm_arena *inside = NULL, *plain = NULL, *loaded = NULL;
    size_t needed = 0;
    memset(memory, 0xa5, SIZE);
    memset(other, 0x5a, SIZE);
    assert_result(gm_arena_create_in(memory, SIZE, &config, &inside), 0);
    assert_result(gm_arena_create(&config, &plain), 0);
    gmt_walk_init(&walks[0], inside, GRANULE, 300, 8);
    gmt_walk_init(&walks[1], plain, GRANULE, 300, 8);
    assert_true(gmt_walk_same(&walks[0], &walks[1], 5000));
    assert_result(gm_arena_save(inside, image, sizeof(image), &needed), 0);
    assert_result(gm_arena_load_in(image, needed, NULL, other, SIZE, &loaded), 0);
    gm_arena_destroy(inside);
    walks[0].arena = loaded;
    assert_true(gmt_walk_same(&walks[0], &walks[1], 5000));
    gm_arena_destroy(loaded);
    gm_arena_destroy(plain);
    unmap(memory, SIZE);
    unmap(other, SIZE);
}

static void room(void **state)
{
    (void)state;
    uint8_t *memory = map(SIZE, -1);
    struct gm_arena *const nothing = (struct gm_arena *)state, *arena = nothing;
    struct gm_arena_config all = config, one = config;
    all.ranges_most = 0;
    one.ranges_most = 1;
    assert_result(gm_arena_create_in(memory, GM_ARENA_BLOCK_SIZE(RANGES) - 1, &config, &arena), -EINVAL);
    assert_result(gm_arena_create_in(memory, GM_ARENA_BLOCK_SIZE(1) - 1, &one, &arena), -EINVAL);
    assert_result(gm_arena_create_in(memory, 0, &all, &arena), -EINVAL);
    assert_result(gm_arena_create_in(memory + 8, SIZE - 8, &all, &arena), -EINVAL);
    assert_result(gm_arena_create_in(NULL, SIZE, &config, &arena), -EINVAL);
    assert_result(gm_arena_create_in(memory, SIZE, NULL, &arena), -EINVAL);
    assert_result(gm_arena_create_in(memory, SIZE, &config, NULL), -EINVAL);
    assert_ptr_equal(arena, nothing);
    assert_result(gm_arena_create_in(memory, GM_ARENA_BLOCK_SIZE(1), &one, &arena), 0);
    assert_takes(arena, 0, .size = GRANULE);
    assert_refuses(arena, -EDQUOT, .size = GRANULE);
    gm_arena_destroy(arena);
    uint8_t *end = memory + (SIZE - GM_ARENA_BLOCK_SIZE(100)) / 64 * 64; /* up to where nothing is mapped */
    assert_result(gm_arena_create_in(end, GM_ARENA_BLOCK_SIZE(100), &all, &arena), 0);
    for (uint64_t i = 0; i < 100; i++)
        assert_takes(arena, i * GRANULE, .size = GRANULE);
    assert_refuses(arena, -EDQUOT, .size = GRANULE);
    gm_arena_destroy(arena);
    unmap(memory, SIZE);
}

static void attaching(void **state)
{
    (void)state;
    uint8_t *memory = map(SIZE, -1), *copy = map(SIZE, -1);
    const struct gm_arena *const nothing = (struct gm_arena *)state, *view = nothing;
    static struct gmt_arena_dump dump;
    struct gm_arena *arena = NULL;
    struct gm_range_info info;
    assert_result(gm_arena_attach(memory, SIZE, &view), -EINVAL); /* nothing is there yet */
    assert_result(gm_arena_create_in(memory, SIZE, &config, &arena), 0);
    gmt_walk_init(&walks[0], arena, GRANULE, 100, 4);
    gmt_walk_steps(&walks[0], 1000);
    gmt_arena_dump(arena, &dump);
    assert_result(gm_arena_attach(memory, GM_ARENA_BLOCK_SIZE(RANGES) - 1, &view), -EINVAL);
    assert_result(gm_arena_attach(memory, 64, &view), -EINVAL);
    assert_result(gm_arena_attach(memory + 8, SIZE - 8, &view), -EINVAL);
    assert_result(gm_arena_attach(NULL, SIZE, &view), -EINVAL);
    assert_result(gm_arena_attach(memory, SIZE, NULL), -EINVAL);
    assert_ptr_equal(view, nothing);
    memcpy(copy, memory, SIZE); /* it may lie anywhere */
    assert_int_equal(mprotect(copy, SIZE, PROT_READ), 0);
    assert_result(gm_arena_attach(copy, SIZE, &view), 0);
    for (unsigned i = 0; i < dump.count; i++) {
        assert_result(gm_arena_find(view, dump.info[i].last, &info), 0);
        assert_memory_equal(&info, &dump.info[i], sizeof(info));
        assert_result(gm_arena_next(view, dump.info[i].first, &info), 0);
        assert_memory_equal(&info, &dump.info[i], sizeof(info));
        if ((info.flags & GM_RANGE_GUARD) == 0)
            assert_result(gm_arena_get(view, info.range, &info), 0);
    }
    gm_arena_detach(view);
    gm_arena_detach(NULL);
    uint8_t *mark = memmem(memory, 4096, "gm-blk\3", 8); /* the version is behind it, with a 0 */
    assert_non_null(mark);
    mark[6]++;
    assert_result(gm_arena_attach(memory, SIZE, &view), -EINVAL);
    gm_arena_destroy(arena);
    unmap(memory, SIZE);
    unmap(copy, SIZE);
}

/* Lookups in what an enemy wrote end, stay inside, and go up. */
static void look_around(const struct gm_arena *view, uint64_t *seed)
{
    struct gm_range_info info;
    uint64_t from = 0;
    for (unsigned i = 0; i < 50; i++) {
        if (gm_arena_find(view, gmt_rand(seed) % (LAST + 1), &info) == 0)
            assert_true(info.first <= info.last);
        if (gm_arena_get(view, gmt_rand(seed) % RANGES | UINT64_C(1) << 32, &info) == 0)
            assert_true(info.first <= info.last);
    }
    for (unsigned i = 0; gm_arena_next(view, from, &info) == 0; i++) {
        assert_true(info.last >= from && info.first <= info.last);
        from = info.last + 1;
        if (from == 0 || i == 3 * RANGES) /* it may make up more ranges than there are, but in rising order */
            break;
    }
}

static void hostile_owner(void **state)
{
    (void)state;
    uint8_t *memory = map(SIZE, -1), *good = malloc(SIZE);
    const struct gm_arena *view = NULL;
    struct gm_arena *arena = NULL;
    uint64_t seed = 1;
    assert_non_null(good);
    for (unsigned live = 20; live <= 320; live += 300) {
        assert_result(gm_arena_create_in(memory, SIZE, &config, &arena), 0);
        gmt_walk_init(&walks[0], arena, GRANULE, live, 4);
        gmt_walk_steps(&walks[0], 3000);
        gm_arena_destroy(arena);
        memcpy(good, memory, SIZE);
        assert_result(gm_arena_attach(memory, GM_ARENA_BLOCK_SIZE(RANGES), &view), 0);
        for (unsigned round = 0; round < 400; round++) {
            uint64_t flips = 1 + gmt_rand_below(&seed, UINT64_C(1) << gmt_rand_below(&seed, 14));
            for (uint64_t i = 0; i < flips; i++) {
                size_t range = gmt_rand_below(&seed, 4) == 0 ? 640 : SIZE; /* the header, more often than by chance */
                size_t place = (gmt_rand_below(&seed, range) + (i % 2 == 0 ? 4 : 0)) % SIZE;
                memory[place] = (uint8_t)gmt_rand(&seed);
            }
            memory[0] &= 0xfe; /* else nobody looks */
            look_around(view, &seed);
            memcpy(memory, good, SIZE);
        }
        gm_arena_detach(view);
    }
    free(good);
    unmap(memory, SIZE);
}

/* A header that says there is more than there is. */
static void hostile_header(void **state)
{
    (void)state;
    uint8_t *memory = map(SIZE, -1);
    struct gm_arena *arena = NULL;
    uint64_t seed = 7, attached = 0;
    assert_result(gm_arena_create_in(memory, SIZE, &config, &arena), 0);
    gm_arena_destroy(arena);
    for (size_t i = 0; i < 640; i++)
        for (unsigned round = 0; round < 3; round++) {
            const struct gm_arena *view;
            uint8_t was = memory[i];
            memory[i] = round == 0 ? 0xff : (uint8_t)gmt_rand(&seed);
            if (gm_arena_attach(memory, GM_ARENA_BLOCK_SIZE(RANGES), &view) == 0) {
                attached++;
                look_around(view, &seed);
                gm_arena_detach(view);
            }
            memory[i] = was;
        }
    assert_true(attached > 1000);
    unmap(memory, SIZE);
}

/* Labels that tell whether what was read belongs together. */
static uint64_t label(uint64_t size)
{
    return gmt_mix(size);
}

static int watch(int fd)
{
    uint8_t *memory = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    const struct gm_arena *view = NULL;
    struct gm_range_info info;
    uint64_t seed = 5, looked = 0, found = 0;
    if (memory == MAP_FAILED || gm_arena_attach(memory, SIZE, &view) != 0)
        return 2;
    /* the owner reserves the last granule when it is done */
    for (; gm_arena_find(view, LAST, &info) != 0 || looked < 20000; looked++) {
        int result = gm_arena_next(view, gmt_rand_below(&seed, LAST - GRANULE), &info);
        if (result == -EAGAIN || result == -ENOENT || info.last == LAST)
            continue;
        if (result != 0 || info.user != label(info.last - info.first + 1) || info.owner != 6)
            return 3;
        found++;
    }
    gm_arena_detach(view);
    return found > 1000 ? 0 : 4;
}

static void change(struct gm_arena *arena, unsigned steps)
{
    static struct gm_range_info live[500];
    uint64_t seed = 11;
    unsigned count = 0;
    for (unsigned i = 0; i < steps; i++) {
        uint64_t size = (1 + gmt_rand_below(&seed, 4)) * GRANULE;
        struct gm_request request = {.size = size, .owner = 6, .user = label(size), .place = GM_PLACE_RANDOM,
                                     .max = LAST - GRANULE};
        unsigned index = count == 0 ? 0 : (unsigned)gmt_rand_below(&seed, count);
        if (count < 300 + i / 64 % 200 && gm_arena_take(arena, &request, &live[count]) == 0) {
            count++;
        } else if (i % 3 != 0) {
            int result = gm_arena_relocate(arena, live[index].range, gmt_rand_below(&seed, 8000) * GRANULE);
            assert_true(result == 0 || result == -EBUSY);
        } else {
            assert_result(gm_arena_give(arena, live[index].range), 0);
            live[index] = live[--count];
        }
    }
}

static void another_process_looks(void **state)
{
    (void)state;
    int fd = memfd_create("arena", 0), status = -1;
    assert_true(fd >= 0 && ftruncate(fd, SIZE) == 0);
    uint8_t *memory = map(SIZE, fd);
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create_in(memory, SIZE, &config, &arena), 0);
    change(arena, 100);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(watch(fd));
    for (unsigned i = 0; i < 40; i++) {
        struct gm_range_info info;
        change(arena, CHANGES);
        while (gm_arena_next(arena, 0, &info) == 0)
            assert_result(gm_arena_give(arena, info.range), 0);
    }
    change(arena, 400);
    assert_result(gm_arena_reserve(arena, LAST - GRANULE + 1, LAST, 0, 0, NULL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    gm_arena_destroy(arena);
    unmap(memory, SIZE);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides_as_one_of_its_own), cmocka_unit_test(room), cmocka_unit_test(attaching),
        cmocka_unit_test(hostile_owner), cmocka_unit_test(hostile_header), cmocka_unit_test(another_process_looks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
