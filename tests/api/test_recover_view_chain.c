/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Signals inside gm_recover_view that are none of the view's: each case is a child process (lib/faulting.h). What the
 * view does not show, what somebody has sent, and what comes after the call go where they went before.
 */
#define _GNU_SOURCE
#include "lib/faulting.h"

#include <pthread.h>
#include <sys/syscall.h>

#include <guestmem/guestmem.h>

#define GUEST (UINT64_C(1) << 33) /* where the guest has the page that is missing */
#define SIZE (4 * PAGE)

static struct gm_space *space;
static const struct gm_view *view;
static uint8_t *shown; /* of an empty file, in the guest at GUEST; beside it nothing is mapped that can be touched */
static gm_gpa fault;

static void before_default(void)
{
    set_both(SIG_DFL, 0);
}

static void add(enum gm_kind kind, gm_gpa gpa, uint64_t size, struct gm_backing *backing, uint64_t offset)
{
    struct gm_txn *txn;
    const struct gm_region_desc desc = {
        .gpa = gpa, .size = size, .kind = kind, .backing = backing, .offset = offset};
    require(gm_txn_begin(space, &txn) == 0 && gm_txn_add(txn, &desc) == 0 && gm_txn_commit(txn, GM_COMMIT_WAIT) == 0);
}

/* As a guest address the host address of a page that is missing is a device: nothing of the host is shown there. The
 * last page of what is shown is at 0 as well. */
static void prepare(void)
{
    const struct gm_space_config config = {.numa_node = -1};
    struct gm_backing *ram = NULL;
    int fd = memfd_create("shown", 0);
    uint8_t *around = mmap(NULL, 3 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(fd >= 0 && around != MAP_FAILED);
    shown = mmap(around + SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    require(shown == around + SIZE && gm_backing_wrap(shown, SIZE, NULL, NULL, &ram) == 0);
    require(gm_space_create(&config, &space) == 0);
    add(GM_KIND_RAM, GUEST, SIZE, ram, 0);
    add(GM_KIND_RAM, 0, PAGE, ram, SIZE - PAGE);
    add(GM_KIND_DEVICE, (uintptr_t)missing, PAGE, NULL, 0);
    require(gm_reader_register() == 0);
    view = gm_pin(space);
    require(view != NULL && gm_recover_install() == 0);
}

static bool comes_back(uint8_t *at, gm_gpa want)
{
    return gm_recover_view(view, touch, at, &fault) == -EFAULT && fault == want;
}

static void taken(void)
{
    prepare();
    require(comes_back(shown, GUEST) && comes_back(shown + SIZE - 1, PAGE - 1));
    require(mprotect(shown, PAGE, PROT_NONE) == 0 && comes_back(shown + 3, GUEST + 3)); /* SIGSEGV */
}

static void fault_elsewhere(void)
{
    prepare();
    require(comes_back(shown, GUEST));
    (void)comes_back(missing, 0);
}

static void bus_fault_elsewhere(void)
{
    prepare();
    (void)comes_back(past, 0);
}

static void fault_before_it(void)
{
    prepare();
    require(comes_back(shown, GUEST));
    (void)comes_back(shown - 1, 0);
}

static void fault_behind_it(void)
{
    prepare();
    require(comes_back(shown + SIZE - 1, PAGE - 1));
    (void)comes_back(shown + SIZE, 0);
}

static void fault_behind_a_reservation(void)
{
    const struct gm_space_config config = {.linear_size = SIZE, .numa_node = -1};
    require(gm_space_create(&config, &space) == 0 && gm_reader_register() == 0 && gm_recover_install() == 0);
    view = gm_pin(space);
    const gm_gpa last = SIZE - 1;
    void *at;
    require(gm_linear_batch(view, &last, 1, 1, &at) == 1 && comes_back(at, last));
    (void)comes_back((uint8_t *)at + 1, 0);
}

static void fault_after_it(void)
{
    static char memory[1 << 16] __attribute__((aligned(64)));
    const stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};
    prepare();
    require(sigaltstack(&stack, NULL) == 0 && comes_back(shown, GUEST));
    require(calls++ == 0); /* nobody comes back here */
    touch(shown);
}

static int send(siginfo_t *info)
{
    return (int)syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, info);
}

static int send_with_an_address(void *argument)
{
    siginfo_t info = {.si_signo = SIGBUS, .si_code = SI_QUEUE};
    info.si_addr = argument;
    return send(&info);
}

static void sent(void)
{
    prepare();
    require(gm_recover_view(view, send_with_an_address, shown, NULL) == 0);
}

/* As the kernel reports broken memory to the thread that touched it. */
static unsigned broken_shift;

static int touch_broken(void *argument)
{
    siginfo_t info = {.si_signo = SIGBUS, .si_code = BUS_MCEERR_AR, .si_addr = argument};
    info.si_addr_lsb = (short)broken_shift;
    (void)send(&info);
    return 0;
}

static void broken_page(void)
{
    prepare();
    broken_shift = 12;
    require(gm_recover_view(view, touch_broken, shown + PAGE + 9, &fault) == -EFAULT && fault == GUEST + PAGE + 9);
    broken_shift = 40; /* the byte that was wanted counts, if it is shown; else what is shown of all that is broken */
    require(gm_recover_view(view, touch_broken, shown + PAGE + 9, &fault) == -EFAULT && fault == GUEST + PAGE + 9);
    uint8_t *before = (uint8_t *)((uintptr_t)shown >> 40 << 40);
    require(before < shown);
    require(gm_recover_view(view, touch_broken, before, &fault) == -EFAULT && fault == 0);
}

static void another_broken_page(void)
{
    prepare();
    broken_shift = 12;
    require(gm_recover_view(view, touch_broken, missing, &fault) == 0);
}

/* The handler before repairs, and the instruction runs again: the call ends by itself. */
static void repairing(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    calls++;
    require(info->si_addr == missing && mprotect(missing, PAGE, PROT_READ) == 0);
}

static void before_repairing(void)
{
    set_informed(repairing, 0, NULL);
}

static void repaired(void)
{
    prepare();
    require(gm_recover_view(view, touch, missing, &fault) == 0 && fault == GM_RECOVER_NONE && calls == 1);
    require(comes_back(shown + 1, GUEST + 1));
}

static void what_the_view_shows(void **state)
{
    (void)state;
    assert_int_equal(run(before_default, taken), 0);
    assert_int_equal(run(before_default, broken_page), 0);
}

static void what_it_does_not(void **state)
{
    (void)state;
    assert_int_equal(run(before_default, fault_elsewhere), -SIGSEGV);
    assert_int_equal(run(before_default, bus_fault_elsewhere), -SIGBUS);
    assert_int_equal(run(before_default, fault_before_it), -SIGSEGV);
    assert_int_equal(run(before_default, fault_behind_it), -SIGSEGV);
    assert_int_equal(run(before_default, fault_behind_a_reservation), -SIGSEGV);
    assert_int_equal(run(before_default, fault_after_it), -SIGBUS);
    assert_int_equal(run(before_default, sent), -SIGBUS);
}

static void handlers_before(void **state)
{
    (void)state;
    assert_int_equal(run(before_informed, fault_elsewhere), INFORMED);
    assert_int_equal(run(before_informed, bus_fault_elsewhere), INFORMED);
    assert_int_equal(run(before_plain, bus_fault_elsewhere), PLAIN);
    assert_int_equal(run(before_plain, another_broken_page), PLAIN);
    assert_int_equal(run(before_plain, sent), PLAIN);
    assert_int_equal(run(before_repairing, repaired), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_view_shows),
        cmocka_unit_test(what_it_does_not),
        cmocka_unit_test(handlers_before),
    };
    return cmocka_run_group_tests(tests, map_pages, NULL);
}
