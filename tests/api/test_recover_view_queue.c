/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Virtqueues whose tables a peer takes away, and threads that each wait for the memory of a view of their own. */
#define _GNU_SOURCE
#include "lib/vanish.h"

#include <pthread.h>
#include <stdbool.h>

#define TABLE (4 * PAGE)    /* of the queue: 8 descriptors */
#define INDIRECT (5 * PAGE) /* a table of 4 */
#define AVAIL (6 * PAGE)
#define USED (7 * PAGE)
#define DATA PAGE
#define QUEUE 8

struct device {
    const struct gm_view *view;
    struct gm_vq vq;
    struct gm_vq_ring ring;
    struct gm_vq_room room;
    struct iovec iov[8];
    gm_gpa gpa[8];
    struct gm_chain chain;
    uint16_t head;
};

static void describe(const struct vanish *on, gm_gpa at, uint64_t addr, uint32_t len, unsigned flags)
{
    const uint64_t words[2] = {addr, len | (uint64_t)flags << 32};
    assert_result(gm_guest_write_le64(on->view, at, words[0]), 0);
    assert_result(gm_guest_write_le64(on->view, at + 8, words[1]), 0);
}

/* All of it is there: descriptor 0 is a buffer, descriptor 1 names a table whose first is one. */
static void device_open(struct vanish *on, struct device *device)
{
    const struct gm_vq_config config = {.desc = TABLE, .size = QUEUE, .flags = GM_VQ_INDIRECT};
    const struct gm_vq_ring_config rings = {.avail = AVAIL, .used = USED};
    vanish_open(on, VANISH_PAGES);
    *device = (struct device){.view = on->view};
    device->room = (struct gm_vq_room){device->iov, device->gpa, 8};
    memset(on->host + TABLE, 0, 4 * PAGE);
    describe(on, TABLE, DATA, 100, 2);
    describe(on, TABLE + 16, INDIRECT, 64, 4);
    describe(on, INDIRECT, DATA, 200, 0);
    assert_result(gm_guest_write_le16(on->view, AVAIL + 2, 2), 0); /* heads 0 and 0 */
    assert_result(gm_vq_init(on->view, &config, &device->vq), 0);
    assert_result(gm_vq_ring_init(on->view, &device->vq, &rings, &device->ring), 0);
}

static void truncate_to(const struct vanish *on, gm_gpa first)
{
    assert_int_equal(ftruncate(on->fd, (off_t)first), 0);
}

static int walk(void *argument)
{
    struct device *device = argument;
    return gm_vq_chain(device->view, &device->vq, device->head, &device->room, &device->chain);
}

static int take(void *argument)
{
    struct device *device = argument;
    return gm_vq_ring_take(device->view, &device->ring, &device->head);
}

static int put(void *argument)
{
    struct device *device = argument;
    return gm_vq_ring_put(device->view, &device->ring, 0, 100);
}

/* A walk over a table that is gone; the queue is as it was, and serves again when the memory is back. */
static void tables_of_a_queue(void **state)
{
    struct vanish on;
    struct device device;
    gm_gpa fault = 1;
    (void)state;
    assert_result(gm_recover_install(), 0);
    device_open(&on, &device);
    const struct gm_vq before = device.vq;
    for (device.head = 0; device.head < 2; device.head++)
        assert_result(gm_recover_view(on.view, walk, &device, &fault), 0);
    assert_int_equal(fault, GM_RECOVER_NONE);
    assert_int_equal(device.chain.readable_len, 200);
    truncate_to(&on, INDIRECT);
    device.head = 1;
    assert_result(gm_recover_view(on.view, walk, &device, &fault), -EFAULT);
    assert_in_range(fault, INDIRECT, INDIRECT + 15);
    device.head = 0;
    assert_result(gm_recover_view(on.view, walk, &device, &fault), 0);
    assert_int_equal(device.chain.writable_len, 100);
    truncate_to(&on, TABLE);
    assert_result(gm_recover_view(on.view, walk, &device, &fault), -EFAULT);
    assert_in_range(fault, TABLE, TABLE + 15);
    assert_memory_equal(&device.vq, &before, sizeof(before));
    truncate_to(&on, VANISH_PAGES * PAGE);
    describe(&on, TABLE, DATA, 300, 0);
    assert_result(gm_recover_view(on.view, walk, &device, &fault), 0);
    assert_int_equal(device.chain.readable_len, 300);
    vanish_close(&on);
    assert_result(gm_recover_remove(), 0);
}

static void rings_of_a_queue(void **state)
{
    struct vanish on;
    struct device device;
    gm_gpa fault = 1;
    (void)state;
    assert_result(gm_recover_install(), 0);
    device_open(&on, &device);
    assert_result(gm_recover_view(on.view, take, &device, &fault), 0);
    assert_result(gm_dirty_clear(on.dirty, 0, PIECES_HOST * PAGE), 0);
    truncate_to(&on, USED);
    assert_result(gm_recover_view(on.view, put, &device, &fault), -EFAULT);
    assert_in_range(fault, USED, USED + PAGE - 1);
    assert_dirty_range(on.dirty, 0, 0);
    truncate_to(&on, AVAIL);
    device.ring.seen = device.ring.next; /* so that it looks again */
    assert_result(gm_recover_view(on.view, take, &device, &fault), -EFAULT);
    assert_in_range(fault, AVAIL, AVAIL + PAGE - 1);
    vanish_close(&on);
    assert_result(gm_recover_remove(), 0);
}

#define ROUNDS 300

struct own {
    struct gm_space *space;
    uint8_t *host;
    gm_gpa base; /* what is missing is here in this thread's view */
    uint64_t wrong;
    const struct gm_view *view;
    volatile gm_gpa at;
};

static int add(void *argument)
{
    struct own *own = argument;
    uint32_t old;
    return gm_guest_fetch_add_u32(own->view, own->at, GM_RELAXED, 1, &old);
}

static void *many_faults(void *argument)
{
    struct own *own = argument;
    own->wrong += gm_reader_register() != 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        gm_gpa fault = 1;
        own->view = gm_pin(own->space);
        own->at = own->base + 3 * PAGE + 4 * i;
        own->wrong += gm_recover_view(own->view, add, own, &fault) != -EFAULT || fault != own->at;
        own->at = own->base + 4 * i;
        own->wrong += gm_recover_view(own->view, add, own, &fault) != 0 || fault != GM_RECOVER_NONE;
        own->wrong += gm_unpin() != 0;
    }
    own->wrong += gm_reader_unregister() != 0;
    return NULL;
}

/* The same host memory, at another guest address for each thread. */
static void threads_have_their_own(void **state)
{
    struct vanish on;
    struct own own[2] = {{.base = PAGE}, {.base = UINT64_C(5) << 30}};
    pthread_t threads[2];
    (void)state;
    vanish_open(&on, 2);
    assert_result(gm_unpin(), 0);
    assert_result(gm_recover_install(), 0);
    for (unsigned i = 0; i < 2; i++) {
        const struct gm_space_config config = {.numa_node = -1};
        const struct gm_region_desc desc = {.gpa = own[i].base,
                                            .size = VANISH_PAGES * PAGE,
                                            .kind = GM_KIND_RAM,
                                            .backing = on.ram};
        struct gm_txn *txn;
        assert_result(gm_space_create(&config, &own[i].space), 0);
        assert_result(gm_txn_begin(own[i].space, &txn), 0);
        assert_result(gm_txn_add(txn, &desc), 0);
        assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    }
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many_faults, &own[i]), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(own[i].wrong, 0);
    }
    for (unsigned i = 0; i < 2; i++)
        assert_result(gm_space_destroy(own[i].space), 0);
    on.view = gm_pin(on.space);
    vanish_close(&on);
    assert_result(gm_recover_remove(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_of_a_queue),
        cmocka_unit_test(rings_of_a_queue),
        cmocka_unit_test(threads_have_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
