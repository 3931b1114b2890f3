/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Split rings between two threads: a driver, written here by the specification, and a device that works by
 * virtqueue_ring.h. Both go to sleep whenever they find nothing to do, and only the other's notification wakes them, by
 * event index or by flags. The queue is short, so that either waits for the other all the time.
 *   The driver sleeps only while something is in work, and the device only when it has given back all that it saw. So a
 * notification is lost when both sleep and neither is being called: that is certain, however slow the machine is. What
 * elements tell is in lib/vq_sides.h.
 *
 *   usage: vq_ring [seed]
 *   GM_TORTURE_SECONDS   how long (default 10)
 *   exit code            0; 1 when something was lost or wrong, or nothing was done
 */
#include "lib/vq_sides.h"

#define SIZE 4
#define DESC GMT_VQ_BIG
#define AVAIL (GMT_VQ_BIG + 0x1000)
#define USED (GMT_VQ_BIG + 0x2000)
#define ROUND_ELEMENTS 100000 /* more than an index can count */

/* --- the driver -------------------------------------------------------------------------------------------------- */

struct driver {
    struct room *room;
    uint64_t random, sent, back; /* elements */
    uint64_t in[SIZE];           /* number + 1 of what is in each buffer; 0: free */
    uint16_t *avail_ring, *used_ring;
    uint16_t avail, used; /* indices: up to where entries were made, and elements taken */
    unsigned busy;
};

static uint16_t used_index(const struct driver *driver)
{
    return gm_le16_get((gm_le16){__atomic_load_n(driver->used_ring + 1, __ATOMIC_ACQUIRE)});
}

static bool device_wants(const struct driver *driver, uint16_t old, uint16_t now)
{
    const bool event_idx = driver->room->event_idx;
    const uint16_t *wish = driver->used_ring + (event_idx ? 2 + SIZE * 4 : 0);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint16_t value = gm_le16_get((gm_le16){__atomic_load_n(wish, __ATOMIC_RELAXED)});
    return event_idx ? (uint16_t)(now - value - 1) < (uint16_t)(now - old) : (value & 1) == 0;
}

static void make_available(struct driver *driver, unsigned count)
{
    struct room *room = driver->room;
    const uint16_t old = driver->avail;
    for (unsigned id = 0; id < SIZE && count != 0 && driver->sent < ROUND_ELEMENTS; id++) {
        if (driver->in[id] != 0)
            continue;
        buffer(room, id)[0] = driver->sent;
        driver->in[id] = ++driver->sent;
        driver->busy++;
        count--;
        __atomic_store_n(driver->avail_ring + 2 + driver->avail % SIZE, gm_le16_make((uint16_t)id).raw,
                         __ATOMIC_RELAXED);
        driver->avail++;
    }
    __atomic_store_n(driver->avail_ring + 1, gm_le16_make(driver->avail).raw, __ATOMIC_RELEASE);
    if (old != driver->avail && device_wants(driver, old, driver->avail))
        sides_call(&room->sides, DEVICE);
}

static uint32_t length_of(uint64_t number)
{
    return 16 + (uint32_t)(number % 8);
}

static void take_back(struct driver *driver)
{
    struct room *room = driver->room;
    for (uint16_t index = used_index(driver); driver->used != index && !over(room); driver->used++) {
        const uint32_t *element = (const uint32_t *)(void *)(driver->used_ring + 2 + driver->used % SIZE * 4);
        const uint32_t id = gm_le32_get((gm_le32){__atomic_load_n(element, __ATOMIC_RELAXED)});
        const uint32_t len = gm_le32_get((gm_le32){__atomic_load_n(element + 1, __ATOMIC_RELAXED)});
        if (id >= SIZE || driver->in[id] == 0) {
            wrong(room, "given back, and not in work", id);
        } else if (buffer(room, id)[1] != 3 * (driver->in[id] - 1) || len != length_of(driver->in[id] - 1)) {
            wrong(room, "not what the device wrote", id);
        } else {
            driver->in[id] = 0;
            driver->busy--;
            driver->back++;
        }
    }
}

/* By event index: not before some element that is in work, the next one or a later one. By flags: before any. */
static void wait_for_device(struct driver *driver)
{
    struct room *room = driver->room;
    const uint16_t more = room->event_idx ? (uint16_t)gmt_rand_below(&driver->random, driver->busy) : 0;
    const uint16_t wish = room->event_idx ? gm_le16_make((uint16_t)(driver->used + more)).raw : 0;
    __atomic_store_n(driver->avail_ring + (room->event_idx ? 2 + SIZE : 0), wish, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if ((uint16_t)(used_index(driver) - driver->used) <= more)
        sides_sleep(&room->sides, DRIVER);
    if (!room->event_idx)
        __atomic_store_n(driver->avail_ring, gm_le16_make(1).raw, __ATOMIC_RELAXED);
}

static void *drive(void *argument)
{
    struct driver *driver = argument;
    struct room *room = driver->room;
    while (!over(room) && driver->back < ROUND_ELEMENTS) {
        if (driver->busy < SIZE)
            make_available(driver, 1 + (unsigned)gmt_rand_below(&driver->random, SIZE - driver->busy));
        sides_pause(&driver->random);
        take_back(driver);
        if (driver->busy == SIZE || (driver->busy != 0 && driver->sent == ROUND_ELEMENTS))
            wait_for_device(driver);
    }
    sides_end(&room->sides);
    sides_call(&room->sides, DEVICE);
    return NULL;
}

/* --- the device -------------------------------------------------------------------------------------------------- */

struct device {
    struct room *room;
    const struct gm_view *view;
    struct gm_vq vq;
    struct gm_vq_ring ring;
    uint64_t random, expected;
};

static bool serve(struct device *device, uint16_t head, struct gm_vq_used *used)
{
    struct iovec iov;
    gm_gpa gpa;
    struct gm_chain chain;
    const struct gm_vq_room scratch = {&iov, &gpa, 1};
    if (gm_vq_chain(device->view, &device->vq, head, &scratch, &chain) != 0 || chain.writable_len != BUFFER) {
        wrong(device->room, "no such chain", head);
        return false;
    }
    uint64_t *words = chain.writable->iov_base;
    if (words[0] != device->expected)
        wrong(device->room, "not the next element, which has a number", device->expected);
    words[1] = 3 * words[0];
    *used = (struct gm_vq_used){.written = length_of(device->expected++), .id = chain.id};
    return gm_chain_written(device->view, &chain, BUFFER) == 0;
}

/* As many as are given back at once: all, or one by one from the last. */
static void give_back(struct device *device, const struct gm_vq_used *used, unsigned count)
{
    int error = 0;
    if (gmt_rand_below(&device->random, 2) == 0) {
        error = gm_vq_ring_put_all(device->view, &device->ring, used, count);
    } else {
        while (count-- != 0)
            error |= gm_vq_ring_put(device->view, &device->ring, used[count].id, used[count].written);
    }
    if (error != 0)
        wrong(device->room, "cannot be given back", 0);
}

static void ask(struct device *device)
{
    int wanted = gm_vq_ring_interrupt(device->view, &device->ring);
    if (wanted < 0)
        wrong(device->room, "no answer", 0);
    if (wanted == 1)
        sides_call(&device->room->sides, DRIVER);
}

static void work(struct device *device)
{
    struct room *room = device->room;
    uint16_t heads[SIZE];
    struct gm_vq_used used[SIZE];
    int taken;
    (void)gm_vq_ring_kicks_off(device->view, &device->ring);
    while ((taken = gm_vq_ring_take_some(device->view, &device->ring, heads,
                                         1 + (unsigned)gmt_rand_below(&device->random, SIZE))) > 0) {
        for (int i = 0; i < taken && !over(room); i++)
            if (!serve(device, heads[i], &used[i]))
                return;
        sides_pause(&device->random);
        if (over(room))
            return;
        give_back(device, used, (unsigned)taken);
        if (gmt_rand_below(&device->random, 2) == 0)
            ask(device);
    }
    if (taken != -EAGAIN)
        wrong(room, "nothing can be taken", (uint64_t)-taken);
    ask(device);
    if (gm_vq_ring_kicks_on(device->view, &device->ring) == 0)
        sides_sleep(&room->sides, DEVICE);
}

static void *serve_all(void *argument)
{
    struct device *device = argument;
    struct room *room = device->room;
    const struct gm_vq_config table = {
        .desc = DESC, .size = SIZE, .flags = room->event_idx ? (unsigned)GM_VQ_EVENT_IDX : 0};
    const struct gm_vq_ring_config rings = {.avail = AVAIL, .used = USED};
    if (gm_reader_register() != 0)
        return NULL;
    device->view = gm_pin(room->world.space);
    if (gm_vq_init(device->view, &table, &device->vq) != 0 ||
        gm_vq_ring_init(device->view, &device->vq, &rings, &device->ring) != 0)
        wrong(room, "no queue", 0);
    while (!over(room))
        work(device);
    sides_call(&room->sides, DRIVER);
    (void)gm_unpin();
    (void)gm_reader_unregister();
    return NULL;
}

static void round_of(struct room *room, uint64_t seed)
{
    struct driver driver = {.room = room, .random = gmt_mix(seed), .avail_ring = room_at(room, AVAIL),
                            .used_ring = room_at(room, USED)};
    struct device device = {.room = room, .random = gmt_mix(seed + 1)};
    for (unsigned id = 0; id < SIZE; id++)
        gmt_vq_split_set(&room->world, DESC + id * 16, DATA + (uint64_t)id * BUFFER, BUFFER, 2, 0);
    room_round(room, AVAIL, ROUND_ELEMENTS, &driver.back, drive, &driver, serve_all, &device);
}

int main(int argc, char **argv)
{
    return room_main(argc, argv, round_of);
}
