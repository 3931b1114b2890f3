/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Live migration of a guest that runs: its vCPU stores to random pages, a device on the host writes there too, and
 * marks what it writes. Meanwhile dirty pages are copied round after round: KVM's log is merged, the bitmap harvested,
 * what was harvested copied. Once both have stopped a last round has to make source and target the same. Controls leave
 * one source of marks out, and have to end with a difference.
 */
#include "guest.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/atomic.h"
#include "base/tsan.h"
#include "lib/rand.h"

#define LOW MIB                       /* slot 0: the program */
#define BASE (16 * MIB + 5 * PAGE)    /* slot 1: what is written to */
#define SIZE (UINT64_C(32) * MIB + PAGE) /* the program stores to 32 MiB and a little */
#define STOP UINT32_C(0x2000)
#define ROUNDS 30
#define ROUND_US 4000 /* for the others to run, where there are fewer processors than threads */

/* Store to BASE + a random offset below 32 MiB, until STOP is not 0. */
static const unsigned char program[] = {
    0x69, 0xc0, 0x0d, 0x66, 0x19, 0x00,       /* next: imul eax, eax, 1664525 */
    0x05, 0x5f, 0xf3, 0x6e, 0x3c,             /* add eax, 1013904223 */
    0x89, 0xc2,                               /* mov edx, eax */
    0xc1, 0xea, 0x04,                         /* shr edx, 4 */
    0x81, 0xe2, 0xfc, 0xff, 0xff, 0x01,       /* and edx, 0x01fffffc */
    0x89, 0x82, 0x00, 0x50, 0x00, 0x01,       /* mov [edx + BASE], eax */
    0x83, 0x3d, 0x00, 0x20, 0x00, 0x00, 0x00, /* cmp dword [STOP], 0 */
    0x74, 0xdb,                               /* je next */
    0xe6, 0x10,                               /* out 0x10, al */
};

enum leave_out { NOTHING, THE_GUEST, THE_DEVICE };

struct migration {
    struct gm_space *space;
    struct gm_dirty *dirty;
    struct gm_backing *low, *ram;
    struct guest guest;
    pthread_t vcpu, device;
    char *target;        /* SIZE bytes */
    uint64_t copied;     /* [pages] */
    int stop;            /* of the device */
    int device_result;
    unsigned vcpu_result;
    enum leave_out leave_out;
};

static void *vcpu_thread(void *arg)
{
    struct migration *m = arg;
    m->vcpu_result = guest_run(&m->guest);
    return NULL;
}

/* Three of four writes in some hundred pages, as rings and buffers are; from eight bytes to two pages. */
static int device_write(struct migration *m, uint64_t *random, const char *bytes)
{
    uint64_t len = 8 + gmt_rand_below(random, gmt_rand(random) % 16 == 0 ? 2 * PAGE : 64);
    uint64_t at = gmt_rand_below(random, gmt_rand(random) % 4 == 0 ? SIZE - len : 100 * PAGE);
    const struct gm_view *view = gm_pin(m->space);
    int result = gm_guest_write(view, BASE + at, bytes, len);
    return gm_unpin() != 0 ? -EPERM : result;
}

static void *device_thread(void *arg)
{
    struct migration *m = arg;
    char bytes[2 * PAGE + 8];
    uint64_t random = 7;
    int result = gm_reader_register();
    while (result == 0 && !gm_load_relaxed(&m->stop)) {
        memset(bytes, (int)(gmt_rand(&random) & 0xff), sizeof(bytes));
        for (unsigned i = 0; i < 100 && result == 0; i++)
            result = device_write(m, &random, bytes);
    }
    m->device_result = result != 0 ? result : gm_reader_unregister();
    return NULL;
}

static void add_region(struct migration *m, gm_gpa gpa, uint64_t size, struct gm_backing **backing)
{
    struct gm_txn *txn;
    assert_result(gm_backing_memfd("guest", size, 0, backing), 0);
    const struct gm_region_desc desc = {.gpa = gpa, .size = size, .kind = GM_KIND_RAM, .backing = *backing};
    assert_result(gm_txn_begin(m->space, &txn), 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
}

static void set_up(struct migration *m)
{
    const struct gm_dirty_config dirty = {.size = BASE + SIZE, .numa_node = -1};
    assert_result(gm_reader_register(), 0);
    assert_result(gm_dirty_create(&dirty, &m->dirty), 0);
    const struct gm_space_config config = {.numa_node = -1, .dirty = m->dirty};
    assert_result(gm_space_create(&config, &m->space), 0);
    add_region(m, 0, LOW, &m->low);
    add_region(m, BASE, SIZE, &m->ram);
    guest_open(&m->guest);
    const struct gm_view *view = gm_pin(m->space);
    guest_slot(&m->guest, 0, view, 0, true);
    guest_slot(&m->guest, 1, view, BASE, true);
    guest_load(view, program, sizeof(program));
    assert_result(gm_unpin(), 0);
    guest_start(&m->guest, 12345, 0, 0, 0);
    m->target = calloc(1, SIZE);
    assert_non_null(m->target);
}

static void tear_down(struct migration *m)
{
    guest_close(&m->guest);
    assert_result(gm_space_destroy(m->space), 0);
    gm_backing_put(m->low);
    gm_backing_put(m->ram);
    gm_dirty_destroy(m->dirty);
    assert_result(gm_reader_unregister(), 0);
    free(m->target);
}

static size_t copy(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct migration *m = arg;
    const struct gm_view *view = gm_pin(m->space);
    for (size_t i = 0; i < count; i++) {
        assert_result(gm_guest_read(view, ranges[i].first, m->target + (ranges[i].first - BASE), ranges[i].len), 0);
        m->copied += ranges[i].len / PAGE;
    }
    assert_result(gm_unpin(), 0);
    return count;
}

/* Returns the pages that it has copied. */
static uint64_t copy_round(struct migration *m)
{
    const struct gm_dirty_request request = {.first = BASE, .len = SIZE};
    uint64_t before = m->copied, next;
    if (m->leave_out != THE_GUEST)
        guest_log_merge(&m->guest, 1, BASE, SIZE, m->dirty);
    assert_result(gm_dirty_harvest(m->dirty, &request, copy, m, &next), 0);
    return m->copied - before;
}

static void copy_all(struct migration *m)
{
    const struct gm_dirty_range all = {BASE, SIZE};
    if (m->leave_out != THE_DEVICE)
        assert_result(gm_dirty_enable(m->dirty), 0);
    assert_int_equal(copy(m, &all, 1), 1);
}

static void stop_both(struct migration *m)
{
    const struct gm_view *view = gm_pin(m->space);
    assert_result(gm_guest_write_u32(view, STOP, 1), 0);
    assert_result(gm_unpin(), 0);
    gm_store_relaxed(&m->stop, 1);
    assert_int_equal(pthread_join(m->vcpu, NULL), 0);
    assert_int_equal(pthread_join(m->device, NULL), 0);
    assert_int_equal(m->vcpu_result, 0);
    assert_result(m->device_result, 0);
}

/* Returns whether the target is what the source is. */
static bool migrate(struct migration *m)
{
    uint64_t last;
    set_up(m);
    assert_int_equal(pthread_create(&m->vcpu, NULL, vcpu_thread, m), 0);
    assert_int_equal(pthread_create(&m->device, NULL, device_thread, m), 0);
    copy_all(m);
    for (unsigned round = 0; round < ROUNDS; round++) {
        usleep(ROUND_US);
        (void)copy_round(m);
    }
    assert_true(m->copied > SIZE / PAGE + ROUNDS); /* both ran beside the rounds */
    stop_both(m);
    last = copy_round(m);
    assert_int_equal(copy_round(m), 0);
    print_message("%" PRIu64 " pages in %d rounds, %" PRIu64 " in the last\n", m->copied, ROUNDS, last);
    bool same = memcmp(m->target, gm_backing_address(m->ram), SIZE) == 0;
    tear_down(m);
    return same;
}

static void target_is_the_source(void **state)
{
    struct migration m = {.leave_out = NOTHING};
    (void)state;
    assert_true(migrate(&m));
}

static void without_the_guests_log_it_is_not(void **state)
{
    struct migration m = {.leave_out = THE_GUEST};
    (void)state;
    assert_false(migrate(&m));
}

static void without_the_devices_marks_it_is_not(void **state)
{
    struct migration m = {.leave_out = THE_DEVICE};
    (void)state;
    assert_false(migrate(&m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target_is_the_source),
        cmocka_unit_test(without_the_guests_log_it_is_not),
        cmocka_unit_test(without_the_devices_marks_it_is_not),
    };
    if (GM_TSAN)
        gmt_skip("pages are copied while they are written to, which ThreadSanitizer takes for races");
    guest_needed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
