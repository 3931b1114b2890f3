/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A packed ring between two threads, as vq_ring.c has split ones: a driver, written here by the specification, and a
 * device that works by virtqueue_packed.h and virtqueue_event.h. Chains of one descriptor and of two, given back in any
 * order, in a ring of five, so that they lie across its end; notifications by place or by flags.
 *
 *   usage: vq_packed [seed]
 *   GM_TORTURE_SECONDS   how long (default 10)
 *   exit code            0; 1 when something was lost or wrong, or nothing was done
 */
#include <errno.h>

#include "lib/vq_sides.h"

#define SIZE 5
#define RING GMT_VQ_BIG
#define DRIVER_EVENT (GMT_VQ_BIG + 0x1000)
#define DEVICE_EVENT (GMT_VQ_BIG + 0x2000)
#define ROUND_ELEMENTS 50000

enum { NEXT = 1, WRITE = 2, AVAIL = 1 << 7, USED = 1 << 15 };
enum { ENABLE = 0, DISABLE = 1, AT_PLACE = 2 };

/* --- the driver -------------------------------------------------------------------------------------------------- */

/* An index and a wrap counter. */
struct place {
    unsigned index, wrap;
};

struct driver {
    struct room *room;
    uint64_t *ring; /* two words a descriptor */
    uint32_t *own_event, *device_event;
    uint64_t random, sent, back; /* chains */
    uint64_t in[SIZE];           /* by id: number + 1; 0: free */
    unsigned length[SIZE];       /* by id: [descriptors] */
    struct place avail, used;
    unsigned busy; /* descriptors */
};

static struct place after(struct place at, unsigned steps)
{
    at.index += steps;
    return at.index < SIZE ? at : (struct place){at.index - SIZE, !at.wrap};
}

static uint16_t event_of(struct place at)
{
    return (uint16_t)(at.index | at.wrap << 15);
}

/* Did what was made available from an old place on go over the place that the device waits for? One by one. */
static bool device_wants(const struct driver *driver, struct place old, unsigned steps)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    const uint32_t wish = gm_le32_get((gm_le32){__atomic_load_n(driver->device_event, __ATOMIC_RELAXED)});
    if (wish >> 16 != AT_PLACE)
        return wish >> 16 == ENABLE;
    for (unsigned i = 0; i < steps; i++)
        if (event_of(after(old, i)) == (uint16_t)wish)
            return true;
    return false;
}

static void store(struct driver *driver, struct place at, gm_gpa addr, uint32_t len, unsigned id, unsigned flags)
{
    uint64_t *words = driver->ring + (size_t)at.index * 2;
    const uint64_t both = flags | (at.wrap ? AVAIL : USED);
    __atomic_store_n(&words[0], gm_le64_make(addr).raw, __ATOMIC_RELAXED);
    __atomic_store_n(&words[1], gm_le64_make(both << 48 | (uint64_t)id << 32 | len).raw, __ATOMIC_RELEASE);
}

/* A chain of so many descriptors, the first one last. */
static void make_available(struct driver *driver, unsigned length)
{
    struct room *room = driver->room;
    unsigned id = 0;
    while (driver->in[id] != 0)
        id++;
    const gm_gpa at = DATA + (uint64_t)id * BUFFER;
    const struct place old = driver->avail;
    buffer(room, id)[0] = driver->sent;
    driver->in[id] = ++driver->sent;
    driver->length[id] = length;
    driver->busy += length;
    driver->avail = after(old, length);
    if (length == 2) {
        store(driver, after(old, 1), at + 8, BUFFER - 8, id, WRITE);
        store(driver, old, at, 8, 0, NEXT);
    } else {
        store(driver, old, at, BUFFER, id, WRITE);
    }
    if (device_wants(driver, old, length))
        sides_call(&room->sides, DEVICE);
}

static bool is_used(const struct driver *driver)
{
    const void *second = driver->ring + (size_t)driver->used.index * 2 + 1;
    const uint16_t *flags = (const uint16_t *)second + 3;
    const unsigned there = gm_le16_get((gm_le16){__atomic_load_n(flags, __ATOMIC_ACQUIRE)});
    return ((there & AVAIL) != 0) == driver->used.wrap && ((there & USED) != 0) == driver->used.wrap;
}

static void take_back(struct driver *driver)
{
    struct room *room = driver->room;
    while (driver->busy != 0 && is_used(driver) && !over(room)) {
        const uint64_t *second = driver->ring + (size_t)driver->used.index * 2 + 1;
        const uint64_t fields = gm_le64_get((gm_le64){__atomic_load_n(second, __ATOMIC_RELAXED)});
        const unsigned id = (unsigned)(fields >> 32) & 0xffff;
        if (id >= SIZE || driver->in[id] == 0) {
            wrong(room, "given back, and not in work", id);
        } else if (buffer(room, id)[1] != 3 * (driver->in[id] - 1) || (uint32_t)fields != 8) {
            wrong(room, "not what the device wrote", id);
        } else {
            driver->in[id] = 0;
            driver->busy -= driver->length[id];
            driver->used = after(driver->used, driver->length[id]);
            driver->back++;
        }
    }
}

static void wish(struct driver *driver, unsigned flags, uint16_t place)
{
    __atomic_store_n(driver->own_event, gm_le32_make((uint32_t)flags << 16 | place).raw, __ATOMIC_RELAXED);
}

/* By place: not before some descriptor that is in work. By flags: before any. */
static void wait_for_device(struct driver *driver)
{
    struct room *room = driver->room;
    const struct place at = after(driver->used, (unsigned)gmt_rand_below(&driver->random, driver->busy));
    wish(driver, room->event_idx ? AT_PLACE : ENABLE, room->event_idx ? event_of(at) : 0);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!is_used(driver))
        sides_sleep(&room->sides, DRIVER);
    if (!room->event_idx || gmt_rand_below(&driver->random, 2) == 0)
        wish(driver, DISABLE, 0);
}

static void *drive(void *argument)
{
    struct driver *driver = argument;
    struct room *room = driver->room;
    while (!over(room) && driver->back < ROUND_ELEMENTS) {
        while (driver->busy < SIZE && driver->sent < ROUND_ELEMENTS && gmt_rand_below(&driver->random, 4) != 0)
            make_available(driver, driver->busy + 1 < SIZE ? 1 + (unsigned)gmt_rand_below(&driver->random, 2) : 1);
        sides_pause(&driver->random);
        take_back(driver);
        if (driver->busy >= SIZE - 1 || (driver->busy != 0 && driver->sent == ROUND_ELEMENTS))
            wait_for_device(driver);
    }
    sides_end(&room->sides);
    return NULL;
}

/* --- the device -------------------------------------------------------------------------------------------------- */

struct device {
    struct room *room;
    const struct gm_view *view;
    struct gm_vq vq;
    struct gm_vq_events events;
    uint16_t available, used;
    uint64_t random, expected;
};

static int next_chain(struct device *device, struct gm_chain *chain)
{
    static _Thread_local struct iovec iov[2];
    static _Thread_local gm_gpa gpa[2];
    const struct gm_vq_room scratch = {iov, gpa, 2};
    int error = gm_vq_packed_chain(device->view, &device->vq, device->available, &scratch, chain);
    if (error != 0)
        return error;
    uint64_t *writable = chain->writable->iov_base;
    const uint64_t number = chain->readable_count != 0 ? *(const uint64_t *)chain->readable->iov_base : writable[0];
    if (number != device->expected)
        wrong(device->room, "not the next chain, which has a number", device->expected);
    writable[chain->readable_count != 0 ? 0 : 1] = 3 * number;
    device->expected++;
    device->available = chain->next;
    return gm_chain_written(device->view, chain, chain->writable_len);
}

static void ask(struct device *device)
{
    int wanted = gm_vq_packed_interrupt(device->view, &device->vq, &device->events, device->used);
    if (wanted < 0)
        wrong(device->room, "no answer", 0);
    if (wanted == 1)
        sides_call(&device->room->sides, DRIVER);
}

/* Up to three chains, and given back from the last or from the first. */
static int some_chains(struct device *device)
{
    struct gm_chain chains[3];
    unsigned count = 0;
    const unsigned most = 1 + (unsigned)gmt_rand_below(&device->random, 3);
    const bool backwards = gmt_rand_below(&device->random, 2) == 0;
    int error = 0;
    while (count < most && (error = next_chain(device, &chains[count])) == 0)
        count++;
    sides_pause(&device->random);
    for (unsigned i = 0; i < count && !over(device->room); i++) {
        const struct gm_chain *chain = &chains[backwards ? count - 1 - i : i];
        if (gm_vq_packed_used(device->view, &device->vq, device->used, chain, 8, &device->used) != 0)
            wrong(device->room, "cannot be given back", chain->id);
        if (gmt_rand_below(&device->random, 3) == 0)
            ask(device);
    }
    return error;
}

static void work(struct device *device)
{
    int error;
    (void)gm_vq_packed_kicks_off(device->view, &device->events);
    while ((error = some_chains(device)) == 0 && !over(device->room))
        ;
    if (error != -EAGAIN && error != 0)
        wrong(device->room, "no chain", (uint64_t)-error);
    ask(device);
    if (gm_vq_packed_kicks_on(device->view, &device->vq, &device->events, device->available) == 0)
        sides_sleep(&device->room->sides, DEVICE);
}

static void *serve_all(void *argument)
{
    struct device *device = argument;
    struct room *room = device->room;
    const unsigned flags = GM_VQ_PACKED | (room->event_idx ? (unsigned)GM_VQ_EVENT_IDX : 0);
    const struct gm_vq_config config = {.desc = RING, .size = SIZE, .flags = flags};
    if (gm_reader_register() != 0)
        return NULL;
    device->view = gm_pin(room->world.space);
    if (gm_vq_init(device->view, &config, &device->vq) != 0 ||
        gm_vq_packed_events_init(device->view, &device->vq, DRIVER_EVENT, DEVICE_EVENT, &device->events) != 0)
        wrong(room, "no queue", 0);
    while (!over(room))
        work(device);
    (void)gm_unpin();
    (void)gm_reader_unregister();
    return NULL;
}

static void round_of(struct room *room, uint64_t seed)
{
    struct driver driver = {.room = room, .random = gmt_mix(seed), .avail = {0, 1}, .used = {0, 1}};
    struct device device = {.room = room, .random = gmt_mix(seed + 1), .available = GM_VQ_PACKED_START,
                            .used = GM_VQ_PACKED_START};
    driver.ring = room_at(room, RING);
    driver.own_event = room_at(room, DRIVER_EVENT);
    driver.device_event = room_at(room, DEVICE_EVENT);
    room_round(room, RING, ROUND_ELEMENTS, &driver.back, drive, &driver, serve_all, &device);
}

int main(int argc, char **argv)
{
    return room_main(argc, argv, round_of);
}
