/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Event suppression of packed queues: both structures, places that go round, and the look after a request. */
#include "lib/vq_rig.h"

#include <guestmem/virtqueue_event.h>

#define START GM_VQ_PACKED_START
#define TURN GM_VQ_PACKED_WRAP
#define DRIVER UINT64_C(0x5004)
#define DEVICE UINT64_C(0x6008)

enum { ENABLE = 0, DISABLE = 1, AT_PLACE = 2, RESERVED = 3 };

static void driver_says(struct vq_rig *rig, unsigned flags, uint16_t place)
{
    gmt_vq_poke(&rig->world, DRIVER, place, 2);
    gmt_vq_poke(&rig->world, DRIVER + 2, flags, 2);
}

static void open_queue(struct vq_rig *rig, struct gm_vq_events *events, unsigned size, unsigned flags)
{
    vq_rig_queue(rig, size, flags | GM_VQ_PACKED);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, DRIVER, DEVICE, events), 0);
}

/* Chains of so many descriptors in all are given back, from a place on. */
static uint16_t give(struct vq_rig *rig, uint16_t place, unsigned descriptors)
{
    struct gm_chain chain = {.descriptors = 1, .id = 3};
    for (; descriptors != 0; descriptors -= chain.descriptors) {
        chain.descriptors = descriptors % 3 != 0 || rig->vq.size < 3 ? 1 : 3;
        assert_result(gm_vq_packed_used(rig->view, &rig->vq, place, &chain, 0, &place), 0);
    }
    return place;
}

static int asked(struct vq_rig *rig, struct gm_vq_events *events, uint16_t used)
{
    return gm_vq_packed_interrupt(rig->view, &rig->vq, events, used);
}

static void interrupts_by_flags(void **state)
{
    struct vq_rig *rig = *state;
    struct gm_vq_events events;
    uint16_t used = START;
    open_queue(rig, &events, 4, 0);
    assert_result(asked(rig, &events, used), 1); /* what was before is not known */
    assert_result(asked(rig, &events, used), 0);
    for (unsigned flags = 0; flags < 8; flags++) { /* places were not negotiated; upper bits are reserved */
        driver_says(rig, flags, TURN | 3);
        used = give(rig, used, 1);
        assert_result(asked(rig, &events, used), flags % 4 != DISABLE);
        assert_result(asked(rig, &events, used), 0);
    }
    driver_says(rig, DISABLE, 0);
    used = give(rig, used, 1);
    assert_result(asked(rig, &events, used), 0);
    driver_says(rig, ENABLE, 0); /* whoever allows them has to look for himself what was before */
    assert_result(asked(rig, &events, used), 0);
}

/* The place that comes after another by so many descriptors, one by one. */
static uint16_t after(unsigned size, uint16_t place, unsigned steps)
{
    for (; steps != 0; steps--) {
        place++;
        if ((place & ~(unsigned)TURN) == size)
            place = (uint16_t)((place & TURN) ^ TURN);
    }
    return place;
}

static int gone_by(unsigned size, uint16_t from, unsigned steps, uint16_t event)
{
    for (unsigned i = 0; i < steps; i++)
        if (after(size, from, i) == event)
            return 1;
    return 0;
}

static void interrupts_by_place(void **state)
{
    struct vq_rig *rig = *state;
    struct gm_vq_events events;
    for (unsigned size = 1; size <= 5; size++) {
        for (unsigned from = 0; from < 2 * size; from++) {
            for (unsigned at = 0; at < 2 * size; at++) {
                for (unsigned steps = 1; steps <= 2 * size + 1; steps++) {
                    const uint16_t old = after(size, START, from), event = after(size, START, at);
                    open_queue(rig, &events, size, GM_VQ_EVENT_IDX);
                    driver_says(rig, AT_PLACE, event);
                    assert_result(asked(rig, &events, old), 1);
                    uint16_t used = give(rig, old, steps);
                    assert_result(asked(rig, &events, used), gone_by(size, old, steps, event));
                    assert_result(asked(rig, &events, used), 0);
                }
            }
        }
    }
    open_queue(rig, &events, 5, GM_VQ_EVENT_IDX);
    assert_result(asked(rig, &events, START), 1);
    driver_says(rig, AT_PLACE, 5); /* is no place */
    assert_result(asked(rig, &events, give(rig, START, 1)), 1);
    driver_says(rig, RESERVED, START);
    assert_result(asked(rig, &events, give(rig, START | 1, 1)), 1);
}

static void the_largest_ring(void **state)
{
    struct vq_rig *rig = *state;
    struct gm_vq_events events;
    const struct gm_vq_config config = {
        .desc = GMT_VQ_BIG, .size = GM_VQ_SIZE_MOST, .flags = GM_VQ_PACKED | GM_VQ_EVENT_IDX};
    assert_result(gm_vq_init(rig->view, &config, &rig->vq), 0);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, DRIVER, DEVICE, &events), 0);
    driver_says(rig, AT_PLACE, 32767); /* the very last, in the second round */
    assert_result(asked(rig, &events, START), 1);
    uint16_t used = give(rig, START, 65535);
    assert_int_equal(used, 32767);
    assert_result(asked(rig, &events, used), 0);
    used = give(rig, used, 1);
    assert_int_equal(used, START);
    assert_result(asked(rig, &events, used), 1);
    used = give(rig, used, 65536 + 7);
    assert_result(asked(rig, &events, used), 1);
}

static void assert_page_marked(struct vq_rig *rig, gm_gpa byte)
{
    assert_int_equal(gm_dirty_count(rig->world.dirty, 0, UINT64_MAX), 1);
    assert_int_equal(gm_dirty_is_marked(rig->world.dirty, byte), 1);
    assert_result(gm_dirty_clear(rig->world.dirty, 0, GMT_VQ_END), 0);
}

static void kicks(void **state)
{
    struct vq_rig *rig = *state;
    struct gm_vq_events events;
    for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
        open_queue(rig, &events, 4, event_idx != 0 ? GM_VQ_EVENT_IDX : 0);
        gmt_vq_poke(&rig->world, DEVICE - 4, UINT64_MAX, 8);
        assert_result(gm_vq_packed_kicks_off(rig->view, &events), 0);
        assert_page_marked(rig, DEVICE);
        assert_int_equal(gmt_vq_peek(&rig->world, DEVICE, 4), DISABLE << 16);
        for (unsigned i = 0; i < 8; i++) {
            const uint16_t place = after(4, START, i);
            vq_set_packed(rig, i % 4, DATA, 8, i < 4 ? USED : AVAIL, 0); /* of the round before */
            assert_result(gm_vq_packed_kicks_on(rig->view, &rig->vq, &events, place), 0);
            assert_page_marked(rig, DEVICE);
            assert_int_equal(gmt_vq_peek(&rig->world, DEVICE, 4),
                             event_idx != 0 ? (uint32_t)AT_PLACE << 16 | place : ENABLE);
            vq_set_packed(rig, i % 4, DATA, 8, i < 4 ? AVAIL : USED, 0);
            assert_result(gm_vq_packed_kicks_on(rig->view, &rig->vq, &events, place), 1);
            assert_page_marked(rig, DEVICE);
        }
        assert_int_equal(gmt_vq_peek(&rig->world, DEVICE - 4, 4), UINT32_MAX); /* nothing beside it */
        assert_int_equal(gmt_vq_peek(&rig->world, DEVICE + 4, 4), 0);
    }
}

static void what_is_refused(void **state)
{
    struct vq_rig *rig = *state;
    struct gm_vq_events events, before;
    memset(&events, 0x5a, sizeof(events));
    before = events;
    vq_rig_queue(rig, 4, 0);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, DRIVER, DEVICE, &events), -EINVAL);
    vq_rig_queue(rig, 4, GM_VQ_PACKED);
    assert_result(gm_vq_packed_events_init(rig->view, NULL, DRIVER, DEVICE, &events), -EINVAL);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, DRIVER, DEVICE, NULL), -EINVAL);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, DRIVER + 2, DEVICE, &events), -EINVAL);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, DRIVER, DEVICE + 2, &events), -EINVAL);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, 0x12000, DEVICE, &events), -ENXIO);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, 0x18000, DEVICE, &events), -EACCES);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, DRIVER, 0x10000, &events), -EACCES);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, DRIVER, UINT64_MAX - 3, &events), -EFAULT);
    assert_memory_equal(&events, &before, sizeof(events));
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, 0x11ffc, 0x18ffc, &events), 0);
    open_queue(rig, &events, 4, GM_VQ_EVENT_IDX);
    assert_result(asked(rig, &events, START | 4), -EINVAL);
    assert_result(asked(rig, &events, 4), -EINVAL);
    assert_result(gm_vq_packed_kicks_on(rig->view, &rig->vq, &events, 4), -EINVAL);
    assert_int_equal(gmt_vq_peek(&rig->world, DEVICE, 4), 0);
    assert_int_equal(gm_dirty_count(rig->world.dirty, 0, UINT64_MAX), 0);
    assert_result(asked(rig, &events, START), 1); /* is still open */
    vq_rig_queue(rig, 4, GM_VQ_EVENT_IDX);
    assert_result(asked(rig, &events, 0), -EINVAL);
    assert_result(gm_vq_packed_kicks_on(rig->view, &rig->vq, &events, 0), -EINVAL);
}

/* The memory of both structures goes, and that of the ring stays. */
static void structures_that_go(void **state)
{
    struct vq_rig *rig = *state;
    struct gm_vq_events events;
    struct gm_txn *txn;
    open_queue(rig, &events, 4, GM_VQ_EVENT_IDX);
    assert_result(gm_vq_packed_events_init(rig->view, &rig->vq, 0x8000, 0x8004, &events), 0);
    assert_result(gm_unpin(), 0);
    assert_result(gm_txn_begin(rig->world.space, &txn), 0);
    assert_result(gm_txn_remove(txn, 0x8000, 0x4000), 0);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    rig->view = gm_pin(rig->world.space);
    assert_result(asked(rig, &events, START), -EFAULT);
    assert_int_not_equal(rig->vq.fresh, 0);
    assert_result(gm_vq_packed_kicks_on(rig->view, &rig->vq, &events, START), -EFAULT);
    assert_result(gm_vq_packed_kicks_off(rig->view, &events), -EFAULT);
    assert_int_equal(gmt_vq_peek(&rig->world, 0x8004, 4), 0);
    assert_int_equal(gm_dirty_count(rig->world.dirty, 0, UINT64_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VQ_TEST(interrupts_by_flags), VQ_TEST(interrupts_by_place), VQ_TEST(the_largest_ring), VQ_TEST(kicks),
        VQ_TEST(what_is_refused),     VQ_TEST(structures_that_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
