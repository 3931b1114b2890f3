/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A guest that rewrites its descriptors while they are walked. Each field flips between two values of which all
 * combinations are known, so that whatever a walk saw can be named: an iovec with the address of one descriptor has its
 * length checked against memory as it is there, never against what stood in the table at another time.
 */
#include "lib/vq_rig.h"

#include <pthread.h>

#include "lib/rand.h"

#define WALKS 400000
#define SIZE 4

/* Near the end of memory: with the long length only the first address is right. */
#define NEAR (GMT_VQ_END - 4096)
#define END (GMT_VQ_END - 16)
#define SHORT 16
#define LONG 4096

struct race {
    uint64_t *ring; /* as the guest has it */
    int stop;
};

static uint64_t upper(uint32_t len, unsigned flags, unsigned next)
{
    return (uint64_t)next << 48 | (uint64_t)flags << 32 | len;
}

/* Addresses, lengths, flags and indices, one word at a time, without any order. */
static void *guest(void *argument)
{
    struct race *race = argument;
    uint64_t random = 1;
    while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
        uint64_t r = gmt_rand(&random);
        unsigned index = r % SIZE, flags = (r >> 8) % 4 | ((r >> 16) % 8 == 0 ? INDIRECT : 0);
        __atomic_store_n(&race->ring[2 * index], (r >> 20 & 1) != 0 ? NEAR : END, __ATOMIC_RELAXED);
        __atomic_store_n(&race->ring[2 * index + 1],
                         upper((r >> 24 & 1) != 0 ? SHORT : LONG, flags, (unsigned)(r >> 32) % (SIZE + 1)),
                         __ATOMIC_RELAXED);
    }
    return NULL;
}

static void check_entry(const struct vq_rig *rig, unsigned i)
{
    const struct iovec *iov = &rig->iov[i];
    assert_true(rig->gpa[i] == NEAR || rig->gpa[i] == END);
    assert_true(iov->iov_len == SHORT || iov->iov_len == LONG);
    assert_ptr_equal(iov->iov_base, gmt_vq_host(&rig->world, rig->gpa[i]));
    assert_true(rig->gpa[i] + iov->iov_len <= GMT_VQ_END); /* a length that was checked is the length that is given */
}

static void check_chain(const struct vq_rig *rig)
{
    const struct gm_chain *chain = &rig->chain;
    uint64_t readable = 0, writable = 0;
    assert_in_range(chain->readable_count + chain->writable_count, 1, SIZE);
    for (unsigned i = 0; i < chain->readable_count + chain->writable_count; i++) {
        check_entry(rig, i);
        *(i < chain->readable_count ? &readable : &writable) += rig->iov[i].iov_len;
    }
    assert_int_equal(chain->readable_len, readable);
    assert_int_equal(chain->writable_len, writable);
    assert_int_equal(chain->descriptors, chain->readable_count + chain->writable_count);
}

static void descriptors_that_change_meanwhile(void **state)
{
    struct vq_rig *rig = *state;
    struct race race = {.ring = NULL};
    pthread_t thread;
    unsigned right = 0, refused = 0;
    vq_rig_queue(rig, SIZE, 0);
    race.ring = (uint64_t *)(void *)gmt_vq_host(&rig->world, RING);
    assert_int_equal(pthread_create(&thread, NULL, guest, &race), 0);
    for (unsigned i = 0; i < WALKS || ((right == 0 || refused == 0) && i < 100 * WALKS); i++) {
        int error = gm_vq_chain(rig->view, &rig->vq, (uint16_t)(i % SIZE), &rig->room, &rig->chain);
        if (error == 0)
            check_chain(rig);
        else
            assert_true(error == -EINVAL || error == -ELOOP || error == -EFAULT);
        right += error == 0;
        refused += error != 0;
    }
    __atomic_store_n(&race.stop, 1, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(right > 0 && refused > 0);
}

/* The same for a table behind one descriptor, of a queue that allows tables: its own length is believed once, too. */
static void tables_that_change_meanwhile(void **state)
{
    struct vq_rig *rig = *state;
    struct race race = {.ring = NULL};
    pthread_t thread;
    vq_rig_queue(rig, SIZE, GM_VQ_INDIRECT);
    vq_set(rig, 0, TABLE, 16 * SIZE, INDIRECT, 0);
    race.ring = (uint64_t *)(void *)gmt_vq_host(&rig->world, TABLE);
    assert_int_equal(pthread_create(&thread, NULL, guest, &race), 0);
    for (unsigned i = 0; i < WALKS; i++) {
        int error = gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain);
        if (error == 0) {
            assert_int_equal(rig->chain.descriptors, 1);
            for (unsigned j = 0; j < rig->chain.readable_count + rig->chain.writable_count; j++)
                check_entry(rig, j);
        }
    }
    __atomic_store_n(&race.stop, 1, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VQ_TEST(descriptors_that_change_meanwhile),
        VQ_TEST(tables_that_change_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
