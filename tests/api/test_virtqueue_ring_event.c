/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* When driver and device of a split queue notify one another: flags, indices that go round, and the look after it. */
#include "lib/ring_rig.h"

/* So many chains taken and given back at once, without a question. */
static void pass(struct ring_rig *on, unsigned count)
{
    while (count != 0) {
        static uint16_t heads[64];
        static const struct gm_vq_used used[64];
        unsigned part = count < on->size ? count : on->size;
        part = part < 64 ? part : 64;
        driver_index(on, (uint16_t)(on->ring.next + part));
        assert_result(gm_vq_ring_take_some(on->rig->view, &on->ring, heads, part), (int)part);
        assert_result(gm_vq_ring_put_all(on->rig->view, &on->ring, used, part), 0);
        count -= part;
    }
}

static int asked(struct ring_rig *on)
{
    struct ring_before *before = ring_note(on);
    int wanted = gm_vq_ring_interrupt(on->rig->view, &on->ring);
    assert_int_equal(on->ring.fresh, 0);
    before->ring.fresh = 0;
    assert_nothing_done(on, before);
    return wanted;
}

static void interrupts_by_flags(void **state)
{
    struct ring_rig *on = *state;
    ring_rig_queue(on, 4, 0);
    driver_event(on, 0); /* is no part of this ring */
    assert_result(asked(on), 1); /* what was before is not known */
    assert_result(asked(on), 0);
    pass(on, 1);
    assert_result(asked(on), 1);
    assert_result(asked(on), 0);
    driver_flags(on, 1);
    pass(on, 3);
    assert_result(asked(on), 0);
    driver_flags(on, 0xfffe); /* other bits say nothing */
    assert_result(asked(on), 0);
    pass(on, 1);
    assert_result(asked(on), 1);
    ring_rig_queue(on, 4, 0);
    driver_flags(on, 1);
    assert_result(asked(on), 0);
}

/* Was the event one of the indices that the ring has gone by? One by one, instead of modulo. */
static int gone_by(uint16_t old, unsigned steps, uint16_t event)
{
    for (unsigned i = 0; i < steps; i++)
        if ((uint16_t)(old + i) == event)
            return 1;
    return 0;
}

static void interrupts_by_index(void **state)
{
    struct ring_rig *on = *state;
    static const unsigned steps[] = {1, 2, 3, 7, 8, 100};
    static const uint16_t starts[] = {0, 1, 8, 32767, 32768, 65430, 65528, 65534, 65535};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
            for (int event = -3; event < (int)steps[j] + 3; event++) {
                const uint16_t at = (uint16_t)(starts[i] + event);
                ring_rig_queue_at(on, 8, GM_VQ_EVENT_IDX, starts[i], starts[i]);
                driver_flags(on, (uint16_t)event & 1); /* are not looked at */
                driver_event(on, at);
                assert_result(asked(on), 1);
                pass(on, steps[j]);
                assert_result(asked(on), gone_by(starts[i], steps[j], at));
                assert_result(asked(on), 0);
            }
        }
    }
}

/* Whoever asks late is told of all that was gone by, also when the index has come round meanwhile. */
static void a_question_that_comes_late(void **state)
{
    struct ring_rig *on = *state;
    static const unsigned steps[] = {65535, 65536, 65537, 131072 + 5};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        ring_rig_queue_at(on, 64, GM_VQ_EVENT_IDX, 10, 10);
        driver_event(on, 9); /* the last one that is come to */
        assert_result(asked(on), 1);
        pass(on, steps[i]);
        assert_result(asked(on), steps[i] > 65535);
    }
}

static void kicks_by_flags(void **state)
{
    struct ring_rig *on = *state;
    uint16_t head;
    ring_rig_queue(on, 4, 0);
    gmt_vq_poke(&on->rig->world, USED_RING, 0xffff, 2); /* nothing is kept of what stands there */
    assert_result(gm_vq_ring_kicks_off(on->rig->view, &on->ring), 0);
    assert_int_equal(peek_used(on, 0, 4), 1);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 0);
    assert_int_equal(peek_used(on, 0, 4), 0);
    driver_index(on, 2);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 1);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 1); /* one is left, and was seen */
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 0);
    assert_int_equal(peek_used(on, 4 + 8 * 4, 2), 0);
}

static void kicks_by_index(void **state)
{
    struct ring_rig *on = *state;
    uint16_t head;
    const uint64_t event = 4 + 8 * 4;
    ring_rig_queue_at(on, 4, GM_VQ_EVENT_IDX, 65535, 65535);
    driver_index(on, 65535);
    assert_result(gm_vq_ring_kicks_off(on->rig->view, &on->ring), 0);
    assert_int_equal(peek_used(on, event, 2), 0);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 0);
    assert_int_equal(peek_used(on, event, 2), 65535);
    driver_index(on, 0);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 1);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    assert_result(gm_vq_ring_kicks_off(on->rig->view, &on->ring), 0);
    assert_int_equal(peek_used(on, event, 2), 65535);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 0);
    assert_int_equal(peek_used(on, event, 2), 0);
    driver_index(on, 2); /* one is taken, and one is left: what is asked for is that */
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 1);
    assert_int_equal(peek_used(on, event, 2), 1);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), 0);
    driver_index(on, 40000); /* cannot be: who takes is told so, and who asks does not sleep over it */
    assert_result(gm_vq_ring_kicks_on(on->rig->view, &on->ring), 1);
    assert_result(gm_vq_ring_take(on->rig->view, &on->ring, &head), -EPROTO);
    assert_int_equal(peek_used(on, 0, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(interrupts_by_flags),
        RING_TEST(interrupts_by_index),
        RING_TEST(a_question_that_comes_late),
        RING_TEST(kicks_by_flags),
        RING_TEST(kicks_by_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
