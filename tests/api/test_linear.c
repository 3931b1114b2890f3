/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Linear spaces: every region at base + GPA, guard pages in the holes, and host addresses reused only when
 * free.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <signal.h>
#include <unistd.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define SIZE (GMT_GIB + PAGES(16))

static int open_linear(void **state)
{
    gmt_rig_open(state);
    struct gmt_rig *rig = *state;
    struct gm_space_config config = {.linear_size = SIZE, .numa_node = -1};
    assert_result(gm_space_destroy(rig->space), 0);
    assert_result(gm_space_create(&config, &rig->space), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_true(view->linear_size == SIZE && view->linear_base != 0);
    assert_int_equal(view->linear_base % GM_BLOCK_SIZE, 0); /* huge pages of the guest can be some of the host */
    rig->host = view->linear_base;
    assert_result(gm_unpin(), 0);
    return 0;
}

static void add(struct gmt_rig *rig, gm_gpa gpa, uint64_t size, struct gm_backing *backing, uint64_t offset)
{
    struct gm_region_desc desc = {.gpa = gpa, .size = size, .backing = backing, .offset = offset};
    gmt_add(rig->space, &desc);
}

static struct gm_backing *shared_memory(uint64_t size)
{
    struct gm_backing *backing;
    assert_result(gm_backing_memfd(NULL, size, 0, &backing), 0);
    return backing;
}

static void regions_stand_at_base_plus_gpa(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *backing = shared_memory(PAGES(8));
    add(rig, 0, PAGES(2), NULL, 0);
    add(rig, PAGES(2), PAGES(2), backing, PAGES(5)); /* neighbours are contiguous whatever they are made of */
    add(rig, GMT_GIB - PAGES(1), PAGES(17), NULL, 0); /* up to the end of the reservation */
    const struct gm_view *view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(view, 0, PAGES(4), GM_RW), (void *)rig->host);
    assert_ptr_equal(gm_translate(view, SIZE - 1, 1, GM_RW), (void *)(rig->host + SIZE - 1));
    assert_ptr_equal(gm_translate(view, GMT_GIB - 1, 2, GM_RW), (void *)(rig->host + GMT_GIB - 1));
    assert_int_equal(gm_translate_why(view, 0, PAGES(4) + 1, GM_RW), -EFAULT);
    assert_int_equal(gm_translate_why(view, SIZE - 1, 2, GM_RW), -EFAULT);
    struct gm_region_info info;
    assert_result(gm_region_find(view, PAGES(3), &info), 0);
    assert_ptr_equal(info.address, (void *)(rig->host + PAGES(2)));
    memset((void *)rig->host, 0x11, PAGES(4));
    ((volatile char *)rig->host)[SIZE - 1] = 1;
    gm_unpin();
    gm_backing_put(backing);
}

static void memory_is_the_memfds(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *backing = shared_memory(PAGES(8));
    add(rig, PAGES(4), PAGES(3), backing, PAGES(2));
    volatile unsigned char *mirror = gm_backing_address(backing);
    volatile unsigned char *hva = gm_translate(gmt_pin(rig->space), PAGES(4), PAGES(3), GM_RW);
    assert_non_null(hva);
    for (uint64_t i = 0; i < PAGES(3); i += 129) {
        hva[i] = (unsigned char)(i >> 3);
        assert_int_equal(mirror[PAGES(2) + i], (unsigned char)(i >> 3));
    }
    gm_backing_put(backing);
    hva[0] = 77; /* the region holds a count of its own */
    assert_int_equal(hva[0], 77);
    gm_unpin();
}

static void refusals(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *backing = shared_memory(PAGES(8));
    const struct {
        struct gm_region_desc desc;
        int want;
    } bad[] = {
        {{.gpa = 1, .size = PAGES(1), .backing = backing, .offset = 1}, -EINVAL},
        {{.gpa = 0, .size = PAGES(1) - 1, .backing = backing}, -EINVAL},
        {{.gpa = 0, .size = PAGES(1) + 1}, -EINVAL},
        {{.gpa = 0, .size = 0}, -EINVAL},
        {{.gpa = 0, .size = PAGES(1), .backing = backing, .offset = 8}, -EINVAL},
        {{.gpa = 0, .size = PAGES(1), .backing = rig->ram}, -EOPNOTSUPP},
        {{.gpa = 0, .size = PAGES(9), .backing = backing}, -ERANGE},
        {{.gpa = SIZE, .size = PAGES(1)}, -ERANGE},
        {{.gpa = SIZE - PAGES(1), .size = PAGES(2)}, -ERANGE},
        {{.gpa = 0, .size = SIZE + PAGES(1)}, -ERANGE},
        {{.gpa = GMT_TOP - PAGES(1), .size = PAGES(1)}, -ERANGE},
        {{.gpa = 0 - PAGES(1), .size = PAGES(2)}, -EOVERFLOW},
        {{.gpa = PAGES(2), .size = PAGES(1)}, -EEXIST},
        {{.gpa = PAGES(1), .size = PAGES(2), .backing = backing}, -EEXIST},
        {{.gpa = PAGES(3), .size = PAGES(1), .kind = GM_KIND_DEVICE}, -EEXIST},
    };
    add(rig, PAGES(2), PAGES(2), NULL, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        gmt_assert_add_refused(rig, &bad[i].desc, bad[i].want);
    gmt_assert_resize_refused(rig, PAGES(2), PAGES(1) + 1, -EINVAL);
    gmt_assert_resize_refused(rig, PAGES(2), SIZE, -ERANGE);
    struct gm_backing *wrapped;
    assert_result(gm_backing_wrap((void *)GMT_GIB, PAGES(1), NULL, NULL, &wrapped), 0);
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(1), .backing = wrapped};
    gmt_assert_add_refused(rig, &desc, -EOPNOTSUPP);
    gm_backing_put(wrapped);
    gm_backing_put(backing);
}

/* The reservation is for memory: devices may lie across its end, behind it, and between pages. */
static void devices_may_be_anywhere(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_device(SIZE - PAGES(1), PAGES(2));
    gmt_add(rig->space, &desc);
    desc = gmt_device(SIZE + PAGES(1), PAGES(1));
    gmt_add(rig->space, &desc);
    desc = gmt_device(100, 100);
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_translate_why(view, SIZE, 8, GM_READ), -ENXIO);
    assert_result(gm_translate_why(view, 199, 1, GM_READ), -ENXIO);
    assert_result(gm_translate_why(view, 200, 1, GM_READ), -EFAULT);
    gm_unpin();
}

static void rom_and_device(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(1), .kind = GM_KIND_ROM};
    gmt_add(rig->space, &desc);
    desc = gmt_device(PAGES(1), PAGES(1));
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(view, 0, PAGES(1), GM_READ), (void *)rig->host);
    assert_int_equal(gm_translate_why(view, 0, 1, GM_WRITE), -EACCES);
    assert_int_equal(gm_translate_why(view, PAGES(1), 1, GM_ANY), -ENXIO);
    assert_int_equal(*(volatile char *)rig->host, 0);
    gm_unpin();
}

/* While a snapshot shows the old memory its host range cannot be given to another region. */
static void busy_until_nobody_shows_it(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = {.gpa = PAGES(4), .size = PAGES(2)};
    add(rig, PAGES(4), PAGES(2), NULL, 0);
    struct gm_snapshot *snapshot = gm_snapshot_take(gmt_pin(rig->space));
    *(volatile char *)(rig->host + PAGES(4)) = 55;
    gm_unpin();
    gmt_remove(rig->space, PAGES(4), PAGES(2));
    gmt_assert_add_refused(rig, &desc, -EBUSY);
    desc.gpa = PAGES(5); /* one page of it */
    gmt_assert_add_refused(rig, &desc, -EBUSY);
    desc.gpa = PAGES(6);
    gmt_add(rig->space, &desc); /* beside it */
    volatile char *hva = gm_translate(gm_snapshot_view(snapshot), PAGES(4), 1, GM_RW);
    assert_int_equal(*hva, 55);
    gm_snapshot_put(snapshot);
    assert_result(gm_space_reclaim(rig->space), 0);
    add(rig, PAGES(4), PAGES(2), NULL, 0);
    hva = gm_translate(gmt_pin(rig->space), PAGES(4), 1, GM_RW);
    assert_int_equal(*hva, 0); /* fresh memory */
    gm_unpin();
}

static void busy_in_the_transaction_that_removes_it(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = {.gpa = PAGES(4), .size = PAGES(2)};
    add(rig, PAGES(4), PAGES(2), NULL, 0);
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_txn_remove(txn, PAGES(4), PAGES(2)), 0);
    assert_result(gm_txn_add(txn, &desc), -EBUSY);
    gmt_commit(txn, GM_COMMIT_WAIT);
    assert_int_equal(gm_translate_why(gmt_pin(rig->space), PAGES(4), 1, GM_ANY), -EFAULT);
    gm_unpin();
    assert_result(gm_space_reclaim(rig->space), 0);
    gmt_add(rig->space, &desc);
}

static void on_alarm(int signal)
{
    static const char text[] = "gm_txn_add waits for the pin of its own thread\n";
    (void)signal;
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(2);
    _exit(1);
}

/*
 * Only begin, commit, reclaim and destroy are ruled out while pinned: staging must not wait for this thread.
 */
static void staging_while_pinned_does_not_hang(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = {.gpa = PAGES(4), .size = PAGES(2)};
    add(rig, PAGES(4), PAGES(2), NULL, 0);
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_txn_remove(txn, PAGES(4), PAGES(2)), 0);
    gmt_commit(txn, GM_COMMIT_ASYNC);
    txn = gmt_begin(rig->space);
    gmt_pin(rig->space);
    void (*before)(int) = signal(SIGALRM, on_alarm);
    alarm(10);
    int result = gm_txn_add(txn, &desc);
    alarm(0);
    signal(SIGALRM, before);
    gm_unpin();
    gm_txn_abort(txn);
    assert_true(result == 0 || result == -EBUSY);
}

static void resize_keeps_contents(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *backing = shared_memory(PAGES(8));
    add(rig, PAGES(4), PAGES(2), NULL, 0);
    add(rig, PAGES(20), PAGES(2), backing, 0);
    volatile char *memory = (volatile char *)rig->host;
    memory[PAGES(4)] = 4;
    memory[PAGES(20)] = 20;
    gmt_resize(rig->space, PAGES(4), PAGES(6));
    gmt_resize(rig->space, PAGES(20), PAGES(8));
    assert_int_equal(memory[PAGES(4)], 4);
    assert_int_equal(memory[PAGES(20)], 20);
    memory[PAGES(10) - 1] = 1;
    memory[PAGES(28) - 1] = 2;
    assert_int_equal(((volatile char *)gm_backing_address(backing))[PAGES(8) - 1], 2);
    gmt_resize(rig->space, PAGES(4), PAGES(1));
    gmt_resize(rig->space, PAGES(20), PAGES(1));
    assert_int_equal(memory[PAGES(4)], 4);
    assert_int_equal(memory[PAGES(20)], 20);
    gm_backing_put(backing);
}

static void batch_is_an_addition(void **state)
{
    struct gmt_rig *rig = *state;
    add(rig, 0, PAGES(1), NULL, 0);
    const gm_gpa gpa[] = {0, 5, PAGES(1), GMT_GIB, SIZE - 8, SIZE - 7, SIZE, GMT_TOP, UINT64_MAX,
                          UINT64_MAX - 7};
    void *hva[10];
    const struct gm_view *view = gmt_pin(rig->space);
    assert_int_equal(gm_linear_batch(view, gpa, 10, 8, hva), 5);
    for (unsigned i = 0; i < 10; i++)
        assert_ptr_equal(hva[i], i < 5 ? (void *)(rig->host + gpa[i]) : NULL);
    memset(hva, 0x5a, sizeof(hva));
    assert_int_equal(gm_linear_batch(view, gpa, 10, 0, hva), 0);
    for (unsigned i = 0; i < 10; i++)
        assert_null(hva[i]);
    assert_int_equal(gm_linear_batch(view, gpa, 10, SIZE, hva), 1); /* only from 0 does it fit */
    assert_ptr_equal(hva[0], (void *)rig->host);
    assert_null(hva[1]);
    assert_int_equal(gm_linear_batch(view, gpa, 10, SIZE + 1, hva), 0);
    assert_int_equal(gm_linear_batch(view, gpa, 10, UINT64_MAX, hva), 0);
    assert_null(hva[0]);
    gm_unpin();
}

static void batch_in_a_space_that_is_not_linear(void **state)
{
    struct gmt_rig *rig = *state;
    const gm_gpa gpa[] = {0, 8, PAGES(1)};
    void *hva[3] = {state, state, state};
    gmt_add_ram(rig, 0, PAGES(2), 0);
    assert_int_equal(gm_linear_batch(gmt_pin(rig->space), gpa, 3, 8, hva), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_null(hva[i]);
    gm_unpin();
}

static sigjmp_buf fault_jump;

static void on_fault(int signal)
{
    (void)signal;
    siglongjmp(fault_jump, 1);
}

/* Whether reading the byte faults. */
static bool faults(uintptr_t address)
{
    struct sigaction action, before;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_fault;
    assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
    volatile bool faulted = true;
    if (sigsetjmp(fault_jump, 1) == 0) {
        (void)*(volatile char *)address;
        faulted = false;
    }
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
    return faulted;
}

static void holes_fault(void **state)
{
    struct gmt_rig *rig = *state;
    add(rig, PAGES(4), PAGES(2), NULL, 0);
    struct gm_region_desc desc = gmt_device(PAGES(8), PAGES(1));
    gmt_add(rig->space, &desc);
    assert_true(faults(rig->host));
    assert_true(faults(rig->host + PAGES(4) - 1));
    assert_false(faults(rig->host + PAGES(4)));
    assert_false(faults(rig->host + PAGES(6) - 1));
    assert_true(faults(rig->host + PAGES(6)));
    assert_true(faults(rig->host + PAGES(8))); /* a device has no memory */
    assert_true(faults(rig->host + SIZE - 1));
    gmt_remove(rig->space, PAGES(4), PAGES(2));
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_true(faults(rig->host + PAGES(4)));
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, open_linear, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(regions_stand_at_base_plus_gpa),
        RIG(memory_is_the_memfds),
        RIG(refusals),
        RIG(devices_may_be_anywhere),
        RIG(rom_and_device),
        RIG(busy_until_nobody_shows_it),
        RIG(busy_in_the_transaction_that_removes_it),
        RIG(resize_keeps_contents),
        RIG(batch_is_an_addition),
        cmocka_unit_test_setup_teardown(batch_in_a_space_that_is_not_linear, gmt_rig_open, gmt_rig_close),
        RIG(holes_fault),
        RIG(staging_while_pinned_does_not_hang), /* last: its failure ends the program */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
