/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Split rings: heads out, chains back, indices that go round, what a driver may not write, and what is marked. */
#include "lib/ring_rig.h"

#include <pthread.h>

static void driver_adds(struct ring_rig *on, uint16_t first, unsigned count, uint16_t head)
{
    for (unsigned i = 0; i < count; i++)
        driver_entry(on, (uint16_t)(first + i), (uint16_t)(head + i));
    driver_index(on, (uint16_t)(first + count));
}

static void heads_in_order(void **state)
{
    struct ring_rig *on = *state;
    uint16_t head = 77, heads[9] = {0};
    ring_rig_queue(on, 8, 0);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), -EAGAIN);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 8), -EAGAIN);
    assert_int_equal(head, 77);
    driver_adds(on, 0, 5, 300); /* any value is handed out */
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    assert_int_equal(head, 300);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 2), 2);
    assert_int_equal(heads[0], 301);
    assert_int_equal(heads[1], 302);
    assert_int_equal(heads[2], 0);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 0), -EINVAL);
    driver_adds(on, 5, 3, 305); /* what was seen before does not hide what came since */
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 9), 5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(heads[i], 303 + i);
    assert_int_equal(on->ring.next, 8);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), -EAGAIN);
    ring_rig_queue_at(on, 8, 0, 5, 3); /* two in work */
    driver_index(on, 5);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), -EAGAIN);
}

/* The index is looked at again when what was seen is not enough. */
static void what_was_seen_is_taken_first(void **state)
{
    struct ring_rig *on = *state;
    uint16_t head, heads[4];
    ring_rig_queue(on, 8, 0);
    driver_adds(on, 0, 4, 0);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    driver_index(on, 40000);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    assert_int_equal(head, 1);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 3), -EPROTO);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 2), 2);
    assert_int_equal(heads[1], 3);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), -EPROTO);
}

/* Around the end of the ring, and of what an index can be; all sizes, one at a time and several. */
static void round_and_round(void **state)
{
    struct ring_rig *on = *state;
    static uint16_t heads[GM_VQ_SIZE_MOST];
    static struct gm_vq_used used[GM_VQ_SIZE_MOST];
    for (unsigned size = 1; size <= GM_VQ_SIZE_MOST; size *= 2) {
        const uint16_t start = (uint16_t)(65536 - size - size / 2 - 1); /* three turns: the index wraps in the second */
        ring_rig_queue_at(on, size, 0, start, start);
        for (unsigned turn = 0; turn < 3; turn++) {
            uint16_t at = (uint16_t)(start + turn * size);
            for (unsigned i = 0; i < size; i++)
                driver_entry(on, (uint16_t)(at + i), (uint16_t)((i * 7 + turn) % size));
            driver_index(on, (uint16_t)(at + size));
            assert_result(gm_vq_ring_take(on->rig->view, &on->ring, heads), 0);
            if (size > 1)
                assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads + 1, size), (int)size - 1);
            assert_int_equal(on->ring.next, (uint16_t)(at + size));
            for (unsigned i = 0; i < size; i++) {
                assert_int_equal(heads[i], (i * 7 + turn) % size);
                used[i] = (struct gm_vq_used){.written = 0x80000000u + i + turn, .id = heads[i]};
            }
            assert_result(gm_vq_ring_put(on->rig->view, &on->ring, used[0].id, used[0].written), 0);
            assert_int_equal(peek_used(on, 2, 2), (uint16_t)(at + 1));
            assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used + 1, size - 1), 0);
            assert_int_equal(peek_used(on, 2, 2), (uint16_t)(at + size));
            for (unsigned i = 0; i < size; i++) {
                uint64_t slot = 4 + 8 * (uint64_t)((uint16_t)(at + i) % size);
                assert_int_equal(peek_used(on, slot, 4), heads[i]);
                assert_int_equal(peek_used(on, slot + 4, 4), used[i].written);
            }
            assert_int_equal(peek_used(on, 0, 2), 0);
            assert_int_equal(peek_used(on, 4 + 8 * (uint64_t)size, 8), 0); /* nothing past the ring */
        }
    }
}

static void assert_index_refused(struct ring_rig *on, uint16_t index)
{
    uint16_t head = 77, heads[4] = {77, 77, 77, 77};
    struct ring_before *before = ring_note(on);
    driver_index(on, index);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), -EPROTO);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 4), -EPROTO);
    assert_int_equal(head, 77);
    assert_int_equal(heads[0], 77);
    assert_nothing_done(on, before);
}

static void indices_that_cannot_be(void **state)
{
    struct ring_rig *on = *state;
    uint16_t heads[8];
    for (unsigned start = 0; start <= 65535; start += 65535 / 5) {
        ring_rig_queue_at(on, 8, 0, (uint16_t)start, (uint16_t)start);
        assert_index_refused(on, (uint16_t)(start + 9));
        assert_index_refused(on, (uint16_t)(start + 32768));
        assert_index_refused(on, (uint16_t)(start - 1));
        driver_index(on, (uint16_t)(start + 3));
        assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 8), 3);
        assert_index_refused(on, (uint16_t)(start + 2)); /* back */
        assert_index_refused(on, (uint16_t)(start + 9)); /* six more, but three are in work */
        driver_index(on, (uint16_t)(start + 8));
        assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 8), 5);
        assert_index_refused(on, (uint16_t)(start + 9));
        assert_result(gm_vq_ring_put(on->rig->view, &on->ring, 0, 0), 0);
        assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 8), 1);
    }
    ring_rig_queue(on, GM_VQ_SIZE_MOST, 0);
    assert_index_refused(on, 32769);
    driver_index(on, 32768);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 8), 8);
}

static void heads_that_are_left(void **state)
{
    struct ring_rig *on = *state;
    uint16_t heads[4];
    ring_rig_queue_at(on, 4, 0, 65534, 65534);
    driver_adds(on, 65534, 4, 0);
    assert_result(gm_vq_ring_untake(&on->ring, 1), -EINVAL);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 4), 4);
    assert_result(gm_vq_ring_put(on->rig->view, &on->ring, 0, 0), 0);
    assert_result(gm_vq_ring_untake(&on->ring, 4), -EINVAL);
    assert_int_equal(on->ring.next, 2);
    assert_result(gm_vq_ring_untake(&on->ring, 3), 0);
    assert_int_equal(on->ring.next, 65535);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 4), 3);
    assert_int_equal(heads[0], 1);
    assert_int_equal(heads[2], 3);
}

static void chains_that_cannot_be_given_back(void **state)
{
    struct ring_rig *on = *state;
    const struct gm_vq_used used[3] = {{1, 1}, {2, 2}, {3, 4}};
    uint16_t heads[4];
    ring_rig_queue(on, 4, 0);
    struct ring_before *before = ring_note(on);
    assert_result(gm_vq_ring_put(on->rig->view, &on->ring, 0, 0), -EINVAL); /* nothing was taken */
    assert_nothing_done(on, before);
    driver_adds(on, 0, 2, 0);
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 4), 2);
    before = ring_note(on);
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, 3), -EINVAL);     /* too many */
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used + 1, 2), -EINVAL); /* past the queue */
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, 0), 0);
    assert_nothing_done(on, before);
    assert_int_equal(gm_dirty_count(on->rig->world.dirty, 0, UINT64_MAX), 0);
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, 2), 0);
    assert_int_equal(on->ring.done, 2);
}

/* One element for several chains: behind it nothing is written, and the next one is where the index says. */
static void chains_in_order(void **state)
{
    struct ring_rig *on = *state;
    const struct gm_view *view = on->rig->view;
    uint16_t heads[8];
    ring_rig_queue_at(on, 8, 0, 65534, 65534);
    driver_adds(on, 65534, 7, 0);
    assert_result(gm_vq_ring_take_some(view, &on->ring, heads, 8), 7);
    memset(gmt_vq_host(&on->rig->world, USED_RING + 4), 0xee, 64);
    struct ring_before *before = ring_note(on);
    assert_result(gm_vq_ring_put_in_order(view, &on->ring, 4, 100, 8), -EINVAL); /* more than were taken */
    assert_result(gm_vq_ring_put_in_order(view, &on->ring, 8, 100, 5), -EINVAL); /* past the queue */
    assert_result(gm_vq_ring_put_in_order(view, &on->ring, 4, 100, 0), -EINVAL);
    assert_nothing_done(on, before);
    assert_int_equal(gm_dirty_count(on->rig->world.dirty, 0, UINT64_MAX), 0);
    assert_result(gm_vq_ring_put_in_order(view, &on->ring, 4, 100, 5), 0);
    assert_int_equal(peek_used(on, 2, 2), 3);
    assert_int_equal(peek_used(on, 4 + 8 * 6, 4), 4);
    assert_int_equal(peek_used(on, 8 + 8 * 6, 4), 100);
    for (unsigned i = 0; i < 8; i++)
        assert_true(i == 6 || peek_used(on, 4 + 8 * i, 8) == UINT64_C(0xeeeeeeeeeeeeeeee));
    assert_int_equal(on->ring.done, 3);
    assert_marked_pages(on, 1, (gm_gpa[]){USED_RING});
    assert_result(gm_vq_ring_put_in_order(view, &on->ring, 6, 7, 2), 0);
    assert_int_equal(peek_used(on, 2, 2), 5);
    assert_int_equal(peek_used(on, 4 + 8 * 3, 4), 6);
    assert_result(gm_vq_ring_put_in_order(view, &on->ring, 6, 7, 1), -EINVAL);
}

/* A driver that wants to know of a chain in the middle of those is told. */
static void an_event_among_chains_in_order(void **state)
{
    struct ring_rig *on = *state;
    uint16_t heads[8];
    for (uint16_t event = 0; event < 6; event++) {
        ring_rig_queue(on, 8, GM_VQ_EVENT_IDX);
        driver_adds(on, 0, 5, 0);
        driver_event(on, event);
        assert_result(gm_vq_ring_interrupt(on->rig->view, &on->ring), 1);
        assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 8), 5);
        assert_result(gm_vq_ring_put(on->rig->view, &on->ring, 0, 0), 0);
        assert_result(gm_vq_ring_interrupt(on->rig->view, &on->ring), event == 0);
        assert_result(gm_vq_ring_put_in_order(on->rig->view, &on->ring, 4, 0, 4), 0);
        assert_result(gm_vq_ring_interrupt(on->rig->view, &on->ring), event >= 1 && event <= 4);
    }
}

static void marks_are_exact(void **state)
{
    struct ring_rig *on = *state;
    static struct gm_vq_used used[4096];
    static uint16_t heads[4096];
    const gm_gpa page = GM_PAGE_SIZE;
    ring_rig_queue_at(on, 4096, GM_VQ_EVENT_IDX, 4090, 4090);
    driver_index(on, (uint16_t)(4090 + 4096));
    assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, 4096), 4096);
    assert_marked_pages(on, 0, NULL);
    assert_result(gm_vq_ring_put(on->rig->view, &on->ring, 1, 0), 0); /* in the last page but one; and the index */
    assert_marked_pages(on, 2, (gm_gpa[]){USED_RING, USED_RING + 7 * page});
    /* the last one reaches into the last page */
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, 5), 0);
    assert_marked_pages(on, 3, (gm_gpa[]){USED_RING, USED_RING + 7 * page, USED_RING + 8 * page});
    /* from the start, into the second page */
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, 600), 0);
    assert_marked_pages(on, 2, (gm_gpa[]){USED_RING, USED_RING + page});
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, 4096 - 6 - 600 - 1), 0);
    gm_gpa all[8]; /* what is left, and the index */
    for (unsigned i = 0; i < 8; i++)
        all[i] = USED_RING + i * page;
    assert_marked_pages(on, 8, all);
    assert_result(gm_vq_ring_interrupt(on->rig->view, &on->ring), 1);
    assert_result(gm_vq_ring_kicks_off(on->rig->view, &on->ring), 0);
    assert_marked_pages(on, 0, NULL);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 0);
    assert_marked_pages(on, 1, (gm_gpa[]){USED_RING + 8 * page});
    ring_rig_queue_at(on, 4, 0, 0, 0xfffe); /* round the end of a small ring: one page has all of it */
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, 2), 0);
    assert_marked_pages(on, 1, (gm_gpa[]){USED_RING});
    assert_result(gm_vq_ring_kicks_off(on->rig->view, &on->ring), 0);
    assert_marked_pages(on, 1, (gm_gpa[]){USED_RING});
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 0);
    assert_marked_pages(on, 1, (gm_gpa[]){USED_RING});
}

/* Elements that are two whole pages, behind the page of the index, round their end: not the page behind them. */
static void marks_round_the_end(void **state)
{
    struct ring_rig *on = *state;
    static struct gm_vq_used used[2];
    const gm_gpa first = USED_RING + GM_PAGE_SIZE, second = first + GM_PAGE_SIZE;
    ring_rig_queue_in(on, 1024, 0, 1027, 1023, first - 4);
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, 2), 0);
    assert_marked_pages(on, 3, (gm_gpa[]){USED_RING, first, second});
    assert_result(gm_vq_ring_put(on->rig->view, &on->ring, 0, 0), 0);
    assert_marked_pages(on, 2, (gm_gpa[]){USED_RING, first});
    ring_rig_queue_in(on, 2048, 0, 2049, 2047, first - 4);
    assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, 2), 0);
    assert_marked_pages(on, 3, (gm_gpa[]){USED_RING, first, first + 3 * GM_PAGE_SIZE});
}

struct flipper {
    uint16_t *index;
    uint16_t good, bad;
    int stop;
};

static void *flip(void *argument)
{
    struct flipper *flipper = argument;
    for (unsigned i = 0; !__atomic_load_n(&flipper->stop, __ATOMIC_RELAXED); i++)
        __atomic_store_n(flipper->index, i % 2 != 0 ? flipper->good : flipper->bad, __ATOMIC_RELAXED);
    return NULL;
}

/* The index that was judged is the one that is gone by. */
static void an_index_that_changes_meanwhile(void **state)
{
    struct ring_rig *on = *state;
    struct flipper flipper = {.good = gm_le16_make(1).raw, .bad = gm_le16_make(40000).raw};
    uint16_t heads[64];
    unsigned right = 0, refused = 0;
    pthread_t thread;
    ring_rig_queue(on, 4, 0);
    driver_index(on, 1);
    flipper.index = (uint16_t *)(void *)gmt_vq_host(&on->rig->world, AVAIL_RING + 2);
    assert_int_equal(pthread_create(&thread, NULL, flip, &flipper), 0);
    for (unsigned i = 0; i < 200000 || ((right == 0 || refused == 0) && i < 20000000); i++) {
        struct gm_vq_ring ring = on->ring;
        int taken = gm_vq_ring_take_some(on->rig->view, &ring, heads, 64);
        assert_true(taken == -EPROTO || taken == 1);
        assert_int_equal(ring.next, taken == 1);
        right += taken == 1;
        refused += taken == -EPROTO;
    }
    __atomic_store_n(&flipper.stop, 1, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(right > 0 && refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(heads_in_order),
        RING_TEST(what_was_seen_is_taken_first),
        RING_TEST(round_and_round),
        RING_TEST(indices_that_cannot_be),
        RING_TEST(heads_that_are_left),
        RING_TEST(chains_that_cannot_be_given_back),
        RING_TEST(chains_in_order),
        RING_TEST(an_event_among_chains_in_order),
        RING_TEST(marks_are_exact),
        RING_TEST(marks_round_the_end),
        RING_TEST(an_index_that_changes_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
