/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * One bitmap and two who use it at the same time, each as a process does: by a mapping and a handle of its own. Neither
 * undoes what the other has done; and nothing of what a peer does to the words makes pages appear.
 */
#define _GNU_SOURCE
#include "lib/cm.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include <guestmem/guestmem.h>

#define PAGE UINT64_C(4096)
#define PAGES UINT64_C(5000)

static const struct gm_dirty_config config = {.size = PAGES * PAGE, .numa_node = -1, .flags = GM_DIRTY_ON};

struct pair {
    void *memory, *other;
    struct gm_dirty *dirty, *attached;
    uint64_t bytes, wrong;
    bool stop;
};

/* rights: of the second mapping. */
static struct pair pair_of(const struct gm_dirty_config *made, int rights)
{
    struct pair pair = {.bytes = gm_dirty_bytes(made)};
    int fd = memfd_create("dirty", 0);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)pair.bytes), 0);
    pair.memory = mmap(NULL, pair.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pair.other = mmap(NULL, pair.bytes, rights, MAP_SHARED, fd, 0);
    assert_true(pair.memory != MAP_FAILED && pair.other != MAP_FAILED);
    close(fd);
    assert_result(gm_dirty_create_in(made, pair.memory, pair.bytes, &pair.dirty), 0);
    assert_result(gm_dirty_attach(pair.other, pair.bytes, &pair.attached), 0);
    return pair;
}

static pthread_t start(void *(*run)(void *), struct pair *pair)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, pair), 0);
    return thread;
}

static void drop(struct pair *pair)
{
    gm_dirty_destroy(pair->attached);
    gm_dirty_destroy(pair->dirty);
    munmap(pair->memory, pair->bytes);
    munmap(pair->other, pair->bytes);
}

static void end(struct pair *pair, pthread_t thread)
{
    __atomic_store_n(&pair->stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pair->wrong, 0);
    drop(pair);
}

static void *keep_extending(void *argument)
{
    struct pair *pair = argument;
    while (!__atomic_load_n(&pair->stop, __ATOMIC_RELAXED))
        pair->wrong += gm_dirty_extend(pair->attached, PAGES * PAGE) != 0;
    return NULL;
}

static void who_extends_does_not_switch_off(void **state)
{
    struct pair pair = pair_of(&config, PROT_READ | PROT_WRITE);
    pthread_t thread = start(keep_extending, &pair);
    (void)state;
    for (unsigned i = 0; i < 600000; i++) {
        assert_result(gm_dirty_disable(pair.dirty), 0);
        assert_result(gm_dirty_enable(pair.dirty), 0);
        assert_result(gm_dirty_mark(pair.dirty, i % PAGES * PAGE, 1), 0);
        if (gm_dirty_is_marked(pair.dirty, i % PAGES * PAGE) != 1)
            fail_msg("turn %u: marks are on, and have no effect", i);
        if (i % PAGES == PAGES - 1)
            assert_result(gm_dirty_clear(pair.dirty, 0, PAGES * PAGE), 0);
    }
    end(&pair, thread);
}

static void *keep_switching(void *argument)
{
    struct pair *pair = argument;
    while (!__atomic_load_n(&pair->stop, __ATOMIC_RELAXED))
        pair->wrong += gm_dirty_enable(pair->attached) != 0;
    return NULL;
}

static void who_switches_does_not_shrink(void **state)
{
    const uint64_t most = 600000;
    const struct gm_dirty_config small = {
        .size = PAGE, .size_most = most * PAGE, .numa_node = -1, .flags = GM_DIRTY_ON};
    struct pair pair = pair_of(&small, PROT_READ | PROT_WRITE);
    pthread_t thread = start(keep_switching, &pair);
    (void)state;
    for (uint64_t pages = 2; pages <= most; pages++) {
        assert_result(gm_dirty_extend(pair.dirty, pages * PAGE), 0);
        assert_result(gm_dirty_mark(pair.dirty, (pages - 1) * PAGE, 1), 0);
    }
    assert_result(gm_dirty_extend(pair.attached, (most - 1) * PAGE), -EINVAL);
    assert_int_equal(gm_dirty_count(pair.attached, 0, UINT64_MAX), most - 1);
    end(&pair, thread);
}

/* A peer takes marks away while they are harvested. Of each word only its first page is ever marked. */
static void *take_away(void *argument)
{
    struct pair *pair = argument;
    uint64_t *words = (uint64_t *)pair->other + (pair->bytes - PAGE) / 8; /* the last ones of the bitmap */
    while (!__atomic_load_n(&pair->stop, __ATOMIC_RELAXED)) {
        for (unsigned i = 0; i < PAGE / 8; i++)
            __atomic_store_n(&words[i], 0, __ATOMIC_RELAXED);
    }
    return NULL;
}

static size_t first_pages_only(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    (void)arg;
    for (size_t i = 0; i < count; i++)
        assert_true(ranges[i].len == PAGE && ranges[i].first / PAGE % 64 == 0);
    return count;
}

static void what_a_peer_takes_away_is_not_handed_out(void **state)
{
    const uint64_t pages = PAGE / 8 * 64; /* one page of words */
    const struct gm_dirty_config whole = {.size = pages * PAGE, .numa_node = -1, .flags = GM_DIRTY_ON};
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    struct pair pair = pair_of(&whole, PROT_READ | PROT_WRITE);
    pthread_t thread = start(take_away, &pair);
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t next;
        for (uint64_t page = 0; page < pages; page += 64)
            assert_result(gm_dirty_mark(pair.dirty, page * PAGE, 1), 0);
        assert_result(gm_dirty_harvest(pair.dirty, &all, first_pages_only, NULL, &next), 0);
    }
    end(&pair, thread);
}

static void who_only_looks_needs_no_right_to_write(void **state)
{
    struct pair pair = pair_of(&config, PROT_READ);
    uint64_t at = 0, words[(PAGES + 63) / 64] = {0};
    (void)state;
    assert_result(gm_dirty_mark(pair.dirty, 70 * PAGE, 3 * PAGE), 0);
    assert_int_equal(gm_dirty_is_marked(pair.attached, 72 * PAGE), 1);
    assert_result(gm_dirty_next(pair.attached, 0, &at), 0);
    assert_int_equal(at, 70 * PAGE);
    assert_int_equal(gm_dirty_count(pair.attached, 0, UINT64_MAX), 3);
    assert_result(gm_dirty_export(pair.attached, 64 * PAGE, UINT64_MAX, words, (PAGES + 63) / 64), 0);
    assert_int_equal(words[0], 7 << 6);
    drop(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_extends_does_not_switch_off),
        cmocka_unit_test(who_switches_does_not_shrink),
        cmocka_unit_test(what_a_peer_takes_away_is_not_handed_out),
        cmocka_unit_test(who_only_looks_needs_no_right_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
