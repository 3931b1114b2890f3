/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Each descriptor is read once, shown without a race: the page of a table is not accessible, every access to it faults,
 * is noted, let through by a single step, and the next one faults again. x86-64 alone: others have another trap flag.
 * Not with ThreadSanitizer, whose atomic loads look twice.
 */
#if defined(__SANITIZE_THREAD__)
#define WATCHED_BY_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WATCHED_BY_TSAN 1
#endif
#endif

#if defined(__x86_64__) && !defined(WATCHED_BY_TSAN)
#define _GNU_SOURCE /* REG_EFL */
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <guestmem/virtqueue_packed.h>

#include "lib/vq_rig.h"

#define PAGE 4096
#define TRAP_FLAG 0x100

static struct {
    unsigned char *page;
    unsigned count[PAGE]; /* accesses that began at this byte */
} watched;

static void on_access(int signal, siginfo_t *info, void *context)
{
    const uintptr_t at = (uintptr_t)info->si_addr - (uintptr_t)watched.page;
    (void)signal;
    if (at >= PAGE || mprotect(watched.page, PAGE, PROT_READ | PROT_WRITE) != 0)
        _exit(3);
    watched.count[at]++;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_step(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    if (mprotect(watched.page, PAGE, PROT_NONE) != 0)
        _exit(3);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void watch(const struct vq_rig *rig, gm_gpa page)
{
    struct sigaction access = {.sa_sigaction = on_access, .sa_flags = SA_SIGINFO}, step = access;
    step.sa_sigaction = on_step;
    memset(&watched, 0, sizeof(watched));
    watched.page = gmt_vq_host(&rig->world, page);
    assert_int_equal(sigaction(SIGSEGV, &access, NULL), 0);
    assert_int_equal(sigaction(SIGTRAP, &step, NULL), 0);
    assert_int_equal(mprotect(watched.page, PAGE, PROT_NONE), 0);
}

/* Both words of these entries of the table, once each, and nothing else of the page. */
static void assert_once(unsigned entries)
{
    assert_int_equal(mprotect(watched.page, PAGE, PROT_READ | PROT_WRITE), 0);
    for (unsigned i = 0; i < PAGE; i++)
        assert_int_equal(watched.count[i], i % 8 == 0 && i / 16 < 32 && (entries >> (i / 16) & 1) != 0);
    (void)signal(SIGSEGV, SIG_DFL);
    (void)signal(SIGTRAP, SIG_DFL);
}

static void of_a_queue(void **state)
{
    struct vq_rig *rig = *state;
    const uint16_t heads[] = {6, 5};
    struct gm_chain chain[2];
    vq_rig_queue(rig, 8, GM_VQ_INDIRECT);
    vq_set(rig, 3, DATA, 8, NEXT, 1);
    vq_set(rig, 1, 0xbff8, 16, NEXT, 4); /* in pieces */
    vq_set(rig, 4, DATA, 8, NEXT | WRITE, 0);
    vq_set(rig, 0, DATA + 64, 8, WRITE, 0);
    vq_set(rig, 5, DATA, 8, NEXT, 7);
    vq_set(rig, 7, TABLE, 16, INDIRECT, 0);
    vq_set(rig, 6, DATA, 8, WRITE, 0);
    vq_set_inner(rig, 0, DATA, 8, 0, 0);
    watch(rig, RING);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 3, &rig->room, &rig->chain), 0);
    assert_once(1U << 3 | 1U << 1 | 1U << 4 | 1U << 0);
    watch(rig, RING);
    assert_result(gm_vq_chains(rig->view, &rig->vq, heads, 2, &rig->room, chain), 2);
    assert_once(1U << 5 | 1U << 6 | 1U << 7);
}

static void of_an_indirect_table(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 8, GM_VQ_INDIRECT);
    vq_set(rig, 0, TABLE, 64, INDIRECT, 0);
    vq_set_inner(rig, 0, DATA, 8, NEXT, 3);
    vq_set_inner(rig, 3, GMT_VQ_SEAM - 8, 16, NEXT | WRITE, 2);
    vq_set_inner(rig, 2, DATA, 8, WRITE, 0);
    watch(rig, TABLE);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
    assert_once(1U << 0 | 1U << 3 | 1U << 2);
}

static void of_a_packed_ring(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 5, GM_VQ_PACKED | GM_VQ_INDIRECT);
    vq_set_packed(rig, 3, DATA, 8, NEXT | AVAIL, 0);
    vq_set_packed(rig, 4, 0xbff8, 16, NEXT | AVAIL, 0);
    vq_set_packed(rig, 0, DATA, 8, WRITE | USED, 9);
    vq_set_packed(rig, 1, TABLE, 32, INDIRECT | AVAIL, 0);
    gmt_vq_packed_set(&rig->world, TABLE, DATA, 8, 0, 0);
    gmt_vq_packed_set(&rig->world, TABLE + 16, DATA, 8, WRITE, 0);
    watch(rig, RING);
    assert_result(gm_vq_packed_chain(rig->view, &rig->vq, GM_VQ_PACKED_START | 3, &rig->room, &rig->chain), 0);
    assert_once(1U << 3 | 1U << 4 | 1U << 0);
    watch(rig, RING);
    assert_result(gm_vq_packed_chain(rig->view, &rig->vq, GM_VQ_PACKED_START | 1, &rig->room, &rig->chain), 0);
    assert_once(1U << 1);
    watch(rig, TABLE);
    assert_result(gm_vq_packed_chain(rig->view, &rig->vq, GM_VQ_PACKED_START | 1, &rig->room, &rig->chain), 0);
    assert_once(1U << 0 | 1U << 1);
}

/* A table that is not aligned is read byte by byte, and each byte once. */
static void of_a_table_that_is_not_aligned(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 2, GM_VQ_INDIRECT);
    vq_set(rig, 0, TABLE + 5, 32, INDIRECT, 0);
    gmt_vq_split_set(&rig->world, TABLE + 5, DATA, 8, NEXT, 1);
    gmt_vq_split_set(&rig->world, TABLE + 21, DATA, 8, WRITE, 0);
    watch(rig, TABLE);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
    assert_int_equal(mprotect(watched.page, PAGE, PROT_READ | PROT_WRITE), 0);
    for (unsigned i = 0; i < PAGE; i++)
        assert_int_equal(watched.count[i], i >= 5 && i < 37);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VQ_TEST(of_a_queue),
        VQ_TEST(of_an_indirect_table),
        VQ_TEST(of_a_packed_ring),
        VQ_TEST(of_a_table_that_is_not_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
#include "lib/skip.h"

int main(void)
{
    gmt_skip("needs the trap flag of x86-64, and no ThreadSanitizer");
}
#endif
