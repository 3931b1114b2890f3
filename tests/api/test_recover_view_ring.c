/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Rings of which the part is missing that a call comes to last: the owner's state is as it was, and the call can be
 * made again. Headers of the rings are at the end of a page and elements in the next one, so that either can go alone.
 */
#define _GNU_SOURCE
#include "lib/skip.h"
#include "lib/vanish.h"

/* ThreadSanitizer holds a lock of its own while it carries out an atomic operation that orders, and would keep it. */
#if defined(__SANITIZE_THREAD__)
#define CANNOT_LEAVE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CANNOT_LEAVE 1
#endif
#endif
#ifndef CANNOT_LEAVE
#define CANNOT_LEAVE 0
#endif

#define TABLE PAGE
#define AVAIL (5 * PAGE - 4)
#define USED (8 * PAGE - 4)
#define PACKED (10 * PAGE)
#define DRIVER (12 * PAGE)
#define DEVICE (13 * PAGE)
#define QUEUE 8

struct device {
    struct vanish on;
    struct gm_vq vq, packed;
    struct gm_vq_ring ring;
    struct gm_vq_events events;
    uint16_t head;
    struct gm_chain chain;
    uint16_t place;
};

static void device_open(struct device *device, unsigned flags)
{
    const struct gm_vq_config table = {.desc = TABLE, .size = QUEUE, .flags = flags};
    const struct gm_vq_config packed = {.desc = PACKED, .size = QUEUE, .flags = GM_VQ_PACKED | flags};
    const struct gm_vq_ring_config rings = {.avail = AVAIL, .used = USED};
    *device = (struct device){.chain = {.descriptors = 1, .id = 3}};
    assert_result(gm_recover_install(), 0);
    vanish_open(&device->on, VANISH_PAGES);
    const struct gm_view *view = device->on.view;
    memset(device->on.host, 0, VANISH_PAGES * PAGE);
    assert_result(gm_guest_write_le16(view, AVAIL + 2, 4), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_result(gm_guest_write_le16(view, AVAIL + 4 + 2 * i, (uint16_t)(5 - i)), 0);
    assert_result(gm_vq_init(view, &table, &device->vq), 0);
    assert_result(gm_vq_ring_init(view, &device->vq, &rings, &device->ring), 0);
    assert_result(gm_vq_init(view, &packed, &device->packed), 0);
    assert_result(gm_vq_packed_events_init(view, &device->packed, DRIVER, DEVICE, &device->events), 0);
}

static void device_close(struct device *device)
{
    vanish_close(&device->on);
    assert_result(gm_recover_remove(), 0);
}

static void protect(const struct device *device, gm_gpa page, int how)
{
    assert_int_equal(mprotect(device->on.host + page, PAGE, how), 0);
}

/* The call is left because of the page, and the queue is as it was. */
static void assert_left(struct device *device, int (*call)(void *device), gm_gpa page)
{
    const struct gm_vq vq = device->packed;
    const struct gm_vq_ring ring = device->ring;
    gm_gpa fault = 1;
    protect(device, page, PROT_NONE);
    assert_result(gm_recover_view(device->on.view, call, device, &fault), -EFAULT);
    protect(device, page, PROT_READ | PROT_WRITE);
    assert_in_range(fault, page, page + PAGE - 1);
    assert_memory_equal(&device->packed, &vq, sizeof(vq));
    assert_int_equal(device->ring.next, ring.next);
    assert_int_equal(device->ring.done, ring.done);
    assert_int_equal(device->ring.fresh, ring.fresh);
}

static int take(void *argument)
{
    struct device *device = argument;
    return gm_vq_ring_take(device->on.view, &device->ring, &device->head);
}

static int put(void *argument)
{
    struct device *device = argument;
    return gm_vq_ring_put(device->on.view, &device->ring, device->head, 100);
}

static int put_in_order(void *argument)
{
    struct device *device = argument;
    return gm_vq_ring_put_in_order(device->on.view, &device->ring, device->head, 200, 2);
}

static int interrupt(void *argument)
{
    struct device *device = argument;
    return gm_vq_ring_interrupt(device->on.view, &device->ring);
}

static int packed_used(void *argument)
{
    struct device *device = argument;
    return gm_vq_packed_used(device->on.view, &device->packed, GM_VQ_PACKED_START, &device->chain, 9, &device->place);
}

static int packed_interrupt(void *argument)
{
    struct device *device = argument;
    return gm_vq_packed_interrupt(device->on.view, &device->packed, &device->events, GM_VQ_PACKED_START + 1);
}

static uint16_t used_at(const struct device *device, uint64_t offset)
{
    uint16_t value = 0;
    assert_result(gm_guest_read_le16(device->on.view, USED + offset, &value), 0);
    return value;
}

/* The index could be read, and the entries not; then neither. */
static void heads_can_be_taken_again(void **state)
{
    struct device device;
    (void)state;
    device_open(&device, 0);
    assert_left(&device, take, AVAIL + 4 - PAGE);
    assert_left(&device, take, AVAIL + 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_result(take(&device), 0);
        assert_int_equal(device.head, 5 - i);
    }
    assert_result(take(&device), -EAGAIN);
    device_close(&device);
}

/* The element could be written, and the index not; then neither. A driver sees nothing of it. */
static void chains_can_be_given_back_again(void **state)
{
    struct device device;
    (void)state;
    device_open(&device, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_result(take(&device), 0);
    assert_left(&device, put, USED + 4 - PAGE);
    assert_left(&device, put, USED + 4);
    assert_left(&device, put_in_order, USED + 4 - PAGE);
    assert_int_equal(used_at(&device, 2), 0);
    assert_result(interrupt(&device), 1); /* the first time it is yes */
    assert_result(interrupt(&device), 0);
    assert_left(&device, put, USED + 4 - PAGE);
    assert_result(interrupt(&device), 0);
    assert_result(put(&device), 0);
    assert_int_equal(used_at(&device, 2), 1);
    assert_int_equal(used_at(&device, 4), 3);
    assert_result(put_in_order(&device), 0);
    assert_int_equal(used_at(&device, 2), 3);
    assert_result(put(&device), -EINVAL);
    device_close(&device);
}

static void questions_stay_open(void **state)
{
    struct device device;
    (void)state;
    device_open(&device, 0);
    assert_result(take(&device), 0);
    assert_result(put(&device), 0);
    assert_left(&device, interrupt, AVAIL + 4 - PAGE);
    assert_result(interrupt(&device), 1);
    assert_result(interrupt(&device), 0);
    assert_left(&device, packed_used, PACKED);
    assert_int_equal(device.place, 0);
    assert_result(packed_used(&device), 0);
    assert_left(&device, packed_interrupt, DRIVER);
    assert_result(packed_interrupt(&device), 1);
    assert_result(packed_interrupt(&device), 0);
    device_close(&device);
}

int main(void)
{
    if (CANNOT_LEAVE)
        gmt_skip("ThreadSanitizer cannot be left in an atomic operation that orders");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_can_be_taken_again),
        cmocka_unit_test(chains_can_be_given_back_again),
        cmocka_unit_test(questions_stay_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
