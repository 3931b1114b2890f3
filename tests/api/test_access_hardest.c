/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The hardest cases of access, and what others get wrong: each test would fail with vm-memory 0.18 or OpenVMM's
 * guestmem, or says which case it pins down. Cases about streams, reclamation and IOMMUs have their tests elsewhere.
 */
#include <pthread.h>
#include <time.h>

#include "lib/access_rig.h"
#include "lib/cm.h"
#include "lib/rand.h"

#define PAGES(n) ((n) * GMT_PAGE)

/* vm-memory: a write near the end of the address space goes on at 0, and a check says that it may. */
static void nothing_wraps_at_the_top(void **state)
{
    struct gmt_rig *rig = *state;
    uint8_t bytes[16] = {1};
    uint64_t u64 = 7;
    size_t done = 7;
    int order = 7;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    gmt_add_ram(rig, GMT_TOP - PAGES(1), PAGES(1), PAGES(1));
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write(view, UINT64_MAX - 3, bytes, 8), -EOVERFLOW);
    assert_result(gm_guest_read(view, UINT64_MAX, bytes, 2), -EOVERFLOW);
    assert_result(gm_guest_read(view, UINT64_MAX, bytes, 1), -EFAULT); /* the last byte is an address as others are */
    assert_result(gm_guest_write_some(view, UINT64_MAX - 3, bytes, 8, &done), -EOVERFLOW);
    assert_result(gm_guest_fill(view, UINT64_MAX - 3, 1, 8), -EOVERFLOW);
    assert_result(gm_guest_fill(view, 16, 1, UINT64_MAX), -EOVERFLOW);
    assert_result(gm_guest_compare(view, UINT64_MAX - 3, bytes, 8, &order), -EOVERFLOW);
    assert_result(gm_guest_copy(view, 0, UINT64_MAX - 3, 8), -EOVERFLOW);
    assert_result(gm_guest_copy(view, UINT64_MAX - 3, 0, 8), -EOVERFLOW);
    assert_result(gm_guest_read_u64(view, UINT64_MAX - 3, &u64), -EOVERFLOW);
    assert_result(gm_guest_write_u16(view, UINT64_MAX, 1), -EOVERFLOW);
    assert_result(gm_guest_load_u64(view, UINT64_MAX - 7, GM_RELAXED, &u64), -EFAULT);
    assert_result(gm_guest_read_u64(view, GMT_TOP - 4, &u64), -EFAULT); /* nor at the end of what a space covers */
    assert_true(u64 == 7 && done == 7 && order == 7);
    assert_int_equal(*gmt_host(rig, 0), 0);
    gm_unpin();
    gmt_assert_nothing_marked();
}

/* vm-memory: store with an acquiring order, and load with a releasing one, panic; an order may come from anywhere. */
static void no_order_is_an_accident(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    for (int i = -3; i < 40; i++) {
        gm_order order = gm_order_make(i);
        uint32_t u32 = 0;
        assert_result(gm_guest_store_u32(view, 4, order, (uint32_t)(i + 100)), 0);
        assert_result(gm_guest_load_u32(view, 4, order, &u32), 0);
        assert_int_equal(u32, i + 100);
        assert_result(gm_guest_compare_exchange_u32(view, 4, order, u32, 1, &u32), 0);
        assert_result(gm_guest_fetch_or_u32(view, 4, order, 2, &u32), 0);
        assert_int_equal(u32, 1);
    }
    gm_unpin();
}

/* vm-memory checks the host's address, OpenVMM nothing, so that a split lock is taken. What counts is the guest's. */
static void no_lock_is_split(void **state)
{
    struct gmt_rig *rig = *state;
    uint64_t u64 = 7;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_compare_exchange_u64(view, 60, GM_SEQ_CST, 0, 1, &u64), -EINVAL);
    assert_result(gm_guest_fetch_add_u64(view, 60, GM_SEQ_CST, 1, &u64), -EINVAL);
    assert_int_equal(*gmt_host(rig, 60), 0);
    assert_true(u64 == 7);
    gm_unpin();
}

/* OpenVMM: a plain read of no length fails past the end, a ranged one does not; vm-memory: layers disagree. */
static void no_length_is_the_same_everywhere(void **state)
{
    struct gmt_rig *rig = *state;
    size_t done = 7;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_read(view, PAGES(1), NULL, 0), 0);
    assert_result(gm_guest_read_some(view, PAGES(1) + 1, NULL, 0, &done), 0);
    assert_result(gm_guest_copy(view, PAGES(7), PAGES(9), 0), 0);
    assert_int_equal(done, 0);
    gm_unpin();
}

/* Short counts: what could not be moved begins at the next byte, never at the next piece. */
static void a_short_count_ends_at_the_next_byte(void **state)
{
    struct gmt_rig *rig = *state;
    uint8_t out[64], back[64];
    uint64_t random = 1;
    gmt_add_ram(rig, 0, 20, 0);
    gmt_add_ram(rig, 20, 30, PAGES(3) + 20);
    gmt_add_ram(rig, 60, 10, 60);
    const struct gm_view *view = gmt_pin(rig->space);
    gmt_rand_fill(&random, out, sizeof(out));
    for (size_t len = 1; len <= sizeof(out); len++) {
        size_t done = 0, want = len < 40 ? len : 40;
        assert_result(gm_guest_write_some(view, 10, out, len, &done), 0);
        assert_int_equal(done, want);
        memset(back, 0, sizeof(back));
        assert_result(gm_guest_read_some(view, 10, back, len, &done), 0);
        assert_int_equal(done, want);
        assert_memory_equal(back, out, want);
        assert_result(gm_guest_fill(view, 10, 0, 40), 0);
    }
    assert_int_equal(*gmt_host(rig, 60), 0); /* the region behind the hole */
    gm_unpin();
}

/* Reading a structure that somebody changes: the copy is made once, and what is looked at is the copy. */
static void what_was_read_no_longer_changes(void **state)
{
    struct gmt_rig *rig = *state;
    struct { uint64_t len, data[15]; } request;
    gmt_add_ram(rig, 0, GMT_BLOCK, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write_u64(view, 256, 4), 0);
    assert_result(gm_guest_read_object(view, 256, &request), 0);
    assert_int_equal(request.len, 4);
    *gmt_host(rig, 256) = 200; /* a guest that waits for the check */
    assert_int_equal(request.len, 4);
    gm_unpin();
}

/* A partial answer across holes, none where rights are missing at once: one rule, the prefix, wherever it may end. */
static void prefixes_end_for_any_reason(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, PAGES(1), PAGES(1), PAGES(1));
    uint8_t bytes[32] = {0};
    size_t done = 0;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    desc.kind = GM_KIND_ROM;
    gmt_add(rig->space, &desc);
    desc = gmt_device(PAGES(2), PAGES(1));
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    memset(gmt_host(rig, PAGES(1)), 9, 32);
    assert_result(gm_guest_write_some(view, PAGES(1) - 10, bytes, 32, &done), 0);
    assert_int_equal(done, 10);
    assert_int_equal(*gmt_host(rig, PAGES(1)), 9);
    assert_result(gm_guest_write(view, PAGES(1) - 10, bytes, 32), -EACCES);
    assert_result(gm_guest_read_some(view, PAGES(2) - 7, bytes, 32, &done), 0);
    assert_int_equal(done, 7);
    assert_result(gm_guest_read(view, PAGES(2) - 7, bytes, 32), -ENXIO);
    gm_unpin();
    gmt_assert_marked(0);
}

/* The map is replaced while accesses run: a pinned view goes on to show the old one, whole. */
static void a_held_view_outlives_the_region(void **state)
{
    struct gmt_rig *rig = *state;
    uint64_t u64 = 0;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    struct gm_snapshot *old = gm_snapshot_take(gmt_pin(rig->space));
    gm_unpin();
    gmt_remove(rig->space, 0, PAGES(1));
    assert_result(gm_guest_write_u64(gm_snapshot_view(old), 8, 3), 0);
    assert_result(gm_guest_read_u64(gm_snapshot_view(old), 8, &u64), 0);
    assert_int_equal(u64, 3);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_read_u64(view, 8, &u64), -EFAULT);
    gm_unpin();
    gm_snapshot_put(old);
    gmt_assert_marked(0);
}

/* Marks come after the write: who takes a mark and then copies the page has what was written. */
#define TURNS 300000

static bool finished;

static void *write_values(void *argument)
{
    const struct gm_view *view = argument;
    uint64_t wrong = 0;
    for (uint64_t i = 1; i <= TURNS; i++)
        wrong += gm_guest_write_u64(view, 64, i) != 0;
    __atomic_store_n(&finished, true, __ATOMIC_RELEASE);
    return (void *)(uintptr_t)wrong;
}

static size_t copy_the_word(void *argument, const struct gm_dirty_range *ranges, size_t count)
{
    const uint64_t **word_and_copy = argument;
    (void)ranges;
    *(uint64_t *)(uintptr_t)word_and_copy[1] = __atomic_load_n(word_and_copy[0], __ATOMIC_RELAXED);
    return count;
}

static void no_write_is_behind_its_mark(void **state)
{
    struct gmt_rig *rig = *state;
    static const struct gm_dirty_request all = {.len = UINT64_MAX};
    uint64_t copy = 0, next;
    const uint64_t *word_and_copy[] = {(const uint64_t *)(const void *)gmt_host(rig, 64), &copy};
    pthread_t thread;
    void *wrong;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    __atomic_store_n(&finished, false, __ATOMIC_RELAXED);
    assert_int_equal(pthread_create(&thread, NULL, write_values, (void *)(uintptr_t)view), 0);
    for (bool last = false; !last;) {
        last = __atomic_load_n(&finished, __ATOMIC_ACQUIRE); /* the harvest after the last mark is the last */
        assert_result(gm_dirty_harvest(gmt_tracked(), &all, copy_the_word, word_and_copy, &next), 0);
    }
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    gm_unpin();
    assert_int_equal(copy, TURNS);
}

struct seam {
    uint64_t *word;
    int end;
};

static void *all_or_none_of_its_bits(void *argument)
{
    struct seam *seam = argument;
    for (uint64_t value = 0; !__atomic_load_n(&seam->end, __ATOMIC_RELAXED); value = ~value)
        __atomic_store_n(seam->word, value, __ATOMIC_RELAXED);
    return NULL;
}

/* RAM and ROM side by side, in the guest and in the host, with an aligned integer over the seam: as it is one access to
 * a processor, it is one here. Elsewhere in the host is what comes behind. */
static void no_integer_is_torn_where_rights_change(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, PAGES(1) + 4, 12, PAGES(1) + 4);
    struct seam seam = {.word = (uint64_t *)(void *)gmt_host(rig, PAGES(1))};
    pthread_t thread;
    gmt_add_ram(rig, 0, PAGES(1) + 4, 0);
    desc.kind = GM_KIND_ROM;
    gmt_add(rig->space, &desc);
    gmt_add_ram(rig, PAGES(1) + 16, PAGES(1), PAGES(7) + 16);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_recover_install(), 0);
    assert_int_equal(pthread_create(&thread, NULL, all_or_none_of_its_bits, &seam), 0);
    uint64_t torn = 0, changes = 0, before = 0;
    const time_t end = time(NULL) + 2; /* on one processor there are few changes, and no more to be seen */
    while (changes < 20000 && time(NULL) < end) {
        uint64_t seen = 0, done, copied[2] = {0}, safely[3] = {0};
        assert_result(gm_guest_read_u64(view, PAGES(1), &seen), 0);
        assert_result(gm_guest_read(view, PAGES(1) - 8, copied, 16), 0);
        assert_result(gm_guest_read_safe(view, PAGES(1), safely, 24, &done), 0);
        torn += (seen != 0 && ~seen != 0) || (copied[1] != 0 && ~copied[1] != 0) || (*safely != 0 && ~*safely != 0);
        changes += seen != before;
        before = seen;
    }
    __atomic_store_n(&seam.end, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_int_equal(torn, 0);
    assert_result(gm_guest_write_u64(view, PAGES(1), 1), -EACCES); /* of which the first half is written */
    assert_result(gm_recover_remove(), 0);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_tracked_open, gmt_tracked_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(nothing_wraps_at_the_top),
        RIG(no_order_is_an_accident),
        RIG(no_lock_is_split),
        RIG(no_length_is_the_same_everywhere),
        RIG(a_short_count_ends_at_the_next_byte),
        RIG(what_was_read_no_longer_changes),
        RIG(prefixes_end_for_any_reason),
        RIG(a_held_view_outlives_the_region),
        RIG(no_write_is_behind_its_mark),
        RIG(no_integer_is_torn_where_rights_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
